"""Audit logs that a verifier holds: lines, a database, another pack; one history with a pack's, or not."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evidence import archive
from shipworthy.evidence.heads import disagreement, from_lines, newer, read_log
from shipworthy.store.audit import AuditLog
from shipworthy.store.chain import link, origin
from shipworthy.store.layout import Layout


def unpack(pack: bytes) -> bytes:
    return archive.read(pack)["audit-log.jsonl"]


def lines(*entries: dict[str, Any]) -> bytes:
    head, made = origin(b"audit"), []
    for number, entry in enumerate(entries, 1):
        body = canonical({"number": number, "at": "2026-01-01T00:00:00.000Z", "kind": "x", "body": {}} | entry)
        head = link(head, body)
        made.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + body + b"}\n")
    return b"".join(made)


@pytest.fixture
def database(case: Any, tmp_path: Path) -> Path:
    """A copy of the control state, with entries after the pack's: names that JSON escapes among them."""
    shutil.copytree(case.root, tmp_path / "copy")
    with AuditLog(Layout(tmp_path / "copy").control_url) as audit:
        audit.append("something.else", {"text": 'quote " backslash \\ line\nfeed ü 𝔘 \x7f', "number": 3})
        audit.append("decision.made", {"decision": "DEC-new", "system": "SYS-toy", "verdict": "no-ship"})
        audit.append("decision.made", {"decision": "DEC-else", "system": "SYS-else", "verdict": "ship"})
    return tmp_path / "copy" / ".shipworthy" / "control.sqlite"


def test_the_same_log_is_read_from_lines_from_a_database_and_from_a_pack(
    case: Any, database: Path, tmp_path: Path
) -> None:
    packed = list(from_lines(unpack(case.pack), "packed"))
    for name, data in (("log.jsonl", unpack(case.pack)), ("pack.zip", case.pack)):
        (tmp_path / name).write_bytes(data)
        assert read_log(tmp_path / name, unpack) == packed
    held = read_log(database, unpack)
    assert held[: len(packed)] == packed
    with AuditLog(f"sqlite:///{database}") as audit:
        assert held[-1].head == audit.verify().head


def test_a_later_decision_on_the_system_is_found(case: Any, database: Path) -> None:
    packed, held = list(from_lines(unpack(case.pack), "packed")), read_log(database, unpack)
    assert disagreement(packed, held) == ""
    found = newer(packed, held, "SYS-toy")
    assert found is not None
    assert found.body["decision"] == "DEC-new"
    assert newer(packed, packed, "SYS-toy") is None
    assert newer(packed, held, "SYS-none") is None


def test_two_histories_are_told_apart(case: Any) -> None:
    packed = list(from_lines(unpack(case.pack), "packed"))
    other = list(from_lines(lines({}, {}), "other"))
    assert disagreement(packed, other) == "they differ from entry 1 on"
    assert disagreement(packed, packed[:2]) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b"no-ship", b"ship-ok", 1),
        lambda data: b"".join(reversed(data.splitlines(keepends=True))),
        lambda data: b"".join(data.splitlines(keepends=True)[1:]),
        lambda data: data + b"\n",
        lambda data: data.replace(b'{"hash"', b'{ "hash"', 1),
        lambda data: b"",
        lambda data: b"not a log\n",
        lambda data: lines({"number": 2}),
        lambda data: lines({"body": []}),
        lambda data: b"\xff\xfe\n",
    ],
)
def test_lines_that_are_not_what_was_written_are_refused(case: Any, tmp_path: Path, change: Any) -> None:
    (tmp_path / "log.jsonl").write_bytes(change(unpack(case.pack)))
    with pytest.raises(IntegrityError, match=r"log\.jsonl"):
        read_log(tmp_path / "log.jsonl", unpack)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET body = replace(body, 'SYS-toy', 'SYS-boy') WHERE body LIKE '%SYS-toy%'",
        "DELETE FROM audit WHERE number = 3",
        "UPDATE audit SET number = number + 100 WHERE number = 1",
        "UPDATE audit SET kind = 'run.finished ' WHERE number = 1",
        "UPDATE audit SET body = x'00ff' WHERE number = 1",
        "DROP TABLE audit",
    ],
)
def test_a_database_that_is_not_what_was_written_is_refused(database: Path, statement: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA foreign_keys = off")
        connection.execute(statement)
    with pytest.raises(IntegrityError):
        read_log(database, unpack)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the audit log"):
        read_log(tmp_path / "none", unpack)
    with pytest.raises(UsageError, match="cannot read the audit log"):
        read_log(tmp_path, unpack)
