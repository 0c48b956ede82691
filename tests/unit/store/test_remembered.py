"""What a signer's machine remembers of logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.store.remembered import NAME, check_remembered, remember


def log(path: Path, *names: str) -> AuditLog:
    audit = AuditLog(f"sqlite:///{path}", clock=lambda: "2026-01-01T00:00:00Z")
    for name in names:
        audit.append("run.withdrawn", {"run": name})
    return audit


def test_a_log_that_went_on_is_fine_and_one_that_was_put_back_is_not(tmp_path: Path) -> None:
    with log(tmp_path / "one", "a", "b") as audit:
        check_remembered(tmp_path / "keys", audit)
        remember(tmp_path / "keys", audit)
        audit.append("run.withdrawn", {"run": "c"})
        check_remembered(tmp_path / "keys", audit)
    with log(tmp_path / "cut", "a") as cut, pytest.raises(IntegrityError, match="had an entry 2 that it does not have"):
        check_remembered(tmp_path / "keys", cut)
    with log(tmp_path / "rewritten", "a", "x", "y") as other, pytest.raises(IntegrityError, match="put back"):
        check_remembered(tmp_path / "keys", other)
    with log(tmp_path / "another", "z") as another:  # a log of its own, into which nobody here has signed
        check_remembered(tmp_path / "keys", another)


def test_an_empty_log_is_not_remembered_and_a_broken_file_is_said(tmp_path: Path) -> None:
    with log(tmp_path / "one") as audit:
        remember(tmp_path, audit)
        assert not (tmp_path / NAME).exists()
        (tmp_path / NAME).write_text("[]")
        with pytest.raises(UsageError, match="does not hold what was remembered"):
            check_remembered(tmp_path, audit)
