"""The runs register: what was recorded of each run, so that listing runs need not read their logs.

A row says what the run's log held, verified, when it was recorded. `list_runs` compares nothing but the log's length
with that; the verbs that rely on a run (`runs show`, `gate`, `evidence`) verify it in full.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import sqlalchemy as sql
from msgspec import Struct

from shipworthy.core.errors import ShipworthyError
from shipworthy.store import tables
from shipworthy.store.database import Database
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout

LOGS = "attempts-*.jsonl"
"""The files of a run's log."""
_PIECE = 500
"""Ids in one query: SQLite takes a limited number of values."""

State = Literal["complete", "open", "grown", "unknown", "shortened", "damaged"]
"""Complete or open, as recorded; grown since it was recorded; never recorded; shortened since; manifest unreadable."""


class RunRow(Struct, frozen=True, kw_only=True):
    """A run as it was when it was recorded.

    Attributes:
        planned: attempts in its plan; `made` those of them that were made; `errors` those that have no score.
        records: lines of its log: every try of every attempt.
        finished: by its stopping rule.
        head, merkle: of the log, `sha256:…`.
        log_bytes: length of the log's complete lines.
    """

    id: str
    system: str
    plan: str
    guards: str
    created: str
    planned: int
    made: int
    records: int
    errors: int
    finished: bool
    head: str
    merkle: str
    spec_digest: str
    subject_digest: str
    log_bytes: int


class ListedRun(Struct, frozen=True):
    """A run as a list shows it. `made` and `errors` are None where only reading the whole log could tell.

    Attributes:
        why: of a state that calls for one.
    """

    id: str
    plan: str
    guards: str
    planned: int
    made: int | None
    errors: int | None
    state: State
    why: str = ""


def read_runs(database: Database, ids: Sequence[str]) -> dict[str, RunRow]:
    """Return what was last recorded of each run, by id; a run that never was is left out.

    Raises:
        StoreError: the database cannot be read.
    """
    found: dict[str, RunRow] = {}
    with database.reading() as connection:
        for start in range(0, len(ids) if connection is not None else 0, _PIECE):
            piece = ids[start : start + _PIECE]
            wanted = sql.select(tables.runs).where(tables.runs.c.id.in_(piece)).order_by(tables.runs.c.entry)
            for row in connection.execute(wanted).mappings():  # type: ignore[union-attr]
                found[row["id"]] = RunRow(**{name: value for name, value in row.items() if name != "entry"})
    return found


def list_runs(layout: Layout) -> Iterator[ListedRun]:
    """Yield the runs of a workspace, oldest first, from what the register says and the length of their logs.

    Raises:
        UsageError: there is no such workspace.
        StoreError: the control state cannot be read.
    """
    ids = layout.run_ids()
    with Database(layout.control_url) as database:
        known = read_runs(database, ids)
    for id in ids:
        directory = layout.runs / id
        size = _log_size(directory)
        yield _recorded(known[id], size) if id in known else _unrecorded(directory, size)


def _log_size(directory: Path) -> int:
    """Return the length of a run's logs, a torn last line included. Without `Path.glob`, which takes longer."""
    with os.scandir(directory) as found:
        return sum(file.stat().st_size for file in found if fnmatchcase(file.name, LOGS))


def _recorded(row: RunRow, size: int) -> ListedRun:
    state: State = "complete" if row.finished else "open"
    if size != row.log_bytes:
        state = "grown" if size > row.log_bytes else "shortened"
    why = f"its log has {size:,} bytes of the {row.log_bytes:,} that were recorded" if state == "shortened" else ""
    return ListedRun(row.id, row.plan, row.guards, row.planned, row.made, row.errors, state, why)


def _unrecorded(directory: Path, size: int) -> ListedRun:
    try:
        manifest = read_manifest(directory)
    except ShipworthyError as error:
        return ListedRun(directory.name, "", "", 0, None, None, "damaged", str(error))
    # Only an empty log tells how many attempts were made without being read.
    count = 0 if size == 0 else None
    return ListedRun(directory.name, manifest.plan, manifest.guards, manifest.planned, count, count, "unknown")
