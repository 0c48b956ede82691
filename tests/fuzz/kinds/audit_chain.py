"""Rows of the audit chain: JSON lines that take the place of rows; only a beginning of what was entered verifies."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from shipworthy.core.errors import IntegrityError, StoreError
from shipworthy.store.audit import AuditLog

COLUMNS = ("number", "at", "kind", "body", "hash", "key")


def prepare(folder: Path) -> Any:
    path = folder / "control.sqlite"
    with AuditLog(f"sqlite:///{path}") as audit:
        for number in range(6):
            audit.append(
                "run.finished", {"run": f"RUN-{number}", "head": "sha256:" + "0" * 64, "records": number}, key="run"
            )
    database = sqlite3.connect(path)
    rows = database.execute(f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY number").fetchall()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path, rows


def seeds(ready: Any) -> list[bytes]:
    return [b"\n".join(json.dumps(row).encode() for row in ready[1])]


def feed(data: bytes, ready: Any) -> str:
    path, written = ready
    rows = []
    for line in data.split(b"\n"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, list) and len(row) == len(COLUMNS):
            rows.append([_kept(cell) for cell in row])
    copy = path.with_name("copy.sqlite")
    shutil.copyfile(path, copy)
    database = sqlite3.connect(copy)
    with database:
        database.execute("DELETE FROM audit")
        for row in rows:
            try:
                database.execute(f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)", row)
            except sqlite3.Error:
                return "refused"  # no row that the table takes
    database.close()
    try:
        with AuditLog(f"sqlite:///{copy}") as audit:
            found = audit.verify()
            entries = list(audit.entries())
    except (IntegrityError, StoreError) as error:
        assert str(error)
        return "refused"
    same = [(row[0], row[1], row[2], json.loads(row[3]), row[4]) for row in written[: found.entries]]
    assert [(e.number, e.at, e.kind, e.body, e.hash) for e in entries] == same, "a chain that nobody wrote"
    return "accepted"


def _kept(cell: Any) -> Any:
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) >= 1 << 63:
        return str(cell)
    if isinstance(cell, str):
        return cell.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return cell if cell is None or isinstance(cell, int | float) else json.dumps(cell)
