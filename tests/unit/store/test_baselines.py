"""A pinned baseline is a row that its audit entry holds fast."""

from __future__ import annotations

import sqlite3

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.store.baselines import Baseline, read_baselines, set_baseline

ONE = Baseline(system="SYS-a", run="RUN-1", subject="sha256:s", plan="sha256:p", at="2026-01-01T00:00:00Z", why="first")


def test_the_last_one_counts_and_none_is_lost(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with AuditLog(f"sqlite:///{tmp_path / 'c.sqlite'}") as audit:
        assert read_baselines(audit, "SYS-a") == []
        set_baseline(audit, ONE)
        set_baseline(audit, replace(ONE, run="RUN-2", why="told to bob@example.org"))
        set_baseline(audit, replace(ONE, system="SYS-b"))
        found = read_baselines(audit, "SYS-a")
        assert [b.run for b in found] == ["RUN-1", "RUN-2"]
        assert "bob@example.org" not in found[1].why
        audit.verify()


def test_an_edited_row_is_found(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with AuditLog(f"sqlite:///{tmp_path / 'c.sqlite'}") as audit:
        set_baseline(audit, ONE)
        with sqlite3.connect(tmp_path / "c.sqlite") as connection:
            connection.execute("UPDATE baselines SET run = 'RUN-9'")
        with pytest.raises(IntegrityError, match="`baselines`"):
            read_baselines(audit, "SYS-a")


def test_an_empty_field_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with AuditLog(f"sqlite:///{tmp_path / 'c.sqlite'}") as audit, pytest.raises(UsageError, match="needs subject"):
        set_baseline(audit, replace(ONE, subject=""))
