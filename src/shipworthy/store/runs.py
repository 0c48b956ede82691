"""The runs register: what was recorded of each run, so that listing runs need not read their logs.

A row says what the run's log held, verified, when it was recorded. `list_runs` compares nothing but the log's length
with that; the verbs that rely on a run (`runs show`, `gate`, `evidence`) verify it in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sql
from msgspec import Struct

from shipworthy.core.errors import ShipworthyError
from shipworthy.core.finished import PLANNED, finished
from shipworthy.core.records import RunManifest
from shipworthy.store import tables
from shipworthy.store.database import Database
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout
from shipworthy.store.reading import RunReading

LOGS = "attempts-*.jsonl"
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


class VerifiedRun(NamedTuple):
    """A run's row, the head of each shard's chain, and the heads that its logs were known to have, and lack now."""

    row: RunRow
    heads: tuple[str, ...]
    lost: set[str]


def verified_run(directory: Path, recorded: Sequence[str] = ()) -> VerifiedRun:
    """Read a run's logs once, verifying them, and return what they hold.

    Args:
        recorded: heads that shards' logs had at some time.

    Raises:
        UsageError: there is no run in the directory.
        IntegrityError: its log is not what was written.
    """
    reading = RunReading(directory, passed=recorded)
    manifest, made, failed = reading.manifest, 0, set[str]()
    for row in reading:
        planned = row.id[:PLANNED]
        made += planned == row.id  # a later try has a longer id, and its attempt is counted already
        (failed.discard if row.outcome == "scored" else failed.add)(planned)
    verified = RunRow(
        id=manifest.id,
        system=manifest.system,
        plan=manifest.plan,
        guards=manifest.guards,
        created=manifest.created,
        planned=manifest.planned,
        made=made,
        records=reading.records,
        errors=len(failed),
        finished=finished(manifest.stopping.rule, manifest.planned, made).yes,
        head=reading.head,
        merkle=reading.merkle,
        spec_digest=manifest.spec_digest,
        subject_digest=manifest.subject_digest,
        log_bytes=reading.size,
    )
    return VerifiedRun(verified, reading.heads, reading.lost)


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
        size = sum(path.stat().st_size for path in directory.glob(LOGS))
        yield _recorded(known[id], size) if id in known else _unrecorded(directory, size)


def _recorded(row: RunRow, size: int) -> ListedRun:
    state: State = "complete" if row.finished else "open"
    if size != row.log_bytes:
        state = "grown" if size > row.log_bytes else "shortened"
    why = f"its log has {size:,} bytes of the {row.log_bytes:,} that were recorded" if state == "shortened" else ""
    return ListedRun(row.id, row.plan, row.guards, row.planned, row.made, row.errors, state, why)


def _unrecorded(directory: Path, size: int) -> ListedRun:
    try:
        manifest: RunManifest = read_manifest(directory)
    except ShipworthyError as error:
        return ListedRun(directory.name, "", "", 0, None, None, "damaged", str(error))
    # Only an empty log tells how many attempts were made without being read.
    count = 0 if size == 0 else None
    return ListedRun(directory.name, manifest.plan, manifest.guards, manifest.planned, count, count, "unknown")


def as_values(row: RunRow, entry: int) -> dict[str, Any]:
    """Return a row as the values of its table."""
    return {"entry": entry, **msgspec.to_builtins(row)}
