"""The runs register: what was recorded of each run, so that listing runs need not read their logs.

A row says what the run's log held, verified, when it was recorded. `list_runs` compares nothing but the log's length
with that; the verbs that rely on a run (`runs show`, `gate`, `evidence`) verify it in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sql
from msgspec import Struct

from shipworthy.core.digests import leaf_hash, merkle_root_of
from shipworthy.core.errors import ShipworthyError
from shipworthy.core.finished import PLANNED, finished
from shipworthy.core.records import RunManifest
from shipworthy.store import chain, runlog, tables
from shipworthy.store.database import Database
from shipworthy.store.layout import Layout

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


class _Brief(Struct, frozen=True):
    """The two fields of an attempt that counting needs."""

    id: str
    outcome: str


_briefs = msgspec.json.Decoder(_Brief)


def verified_row(directory: Path, recorded: Sequence[str] = ()) -> tuple[RunRow, set[str]]:
    """Read a run's log once, verifying it, and return its row.

    Args:
        recorded: heads that the log had at some time.

    Returns:
        The row, and those of `recorded` that the log does not have.

    Raises:
        UsageError: there is no run in the directory.
        IntegrityError: its log is not what was written.
    """
    manifest = runlog.read_manifest(directory)
    # Before the lines are read: if the run goes on meanwhile, the log looks grown, never shortened.
    size = sum(_complete(path) for path in directory.glob(LOGS))
    leaves: list[tuple[str, bytes]] = []
    made, failed = set[str](), set[str]()
    head = runlog.start(directory)
    missing = set(recorded) - {head}
    for line in runlog.read_lines(directory):
        brief = _briefs.decode(line.attempt)
        planned = brief.id[:PLANNED]
        made.add(planned)
        (failed.discard if brief.outcome == "scored" else failed.add)(planned)
        leaves.append((brief.id, leaf_hash(line.attempt)))
        head = chain.head_text(line.hash)
        missing.discard(head)
    leaves.sort()
    row = RunRow(
        id=manifest.id,
        system=manifest.system,
        plan=manifest.plan,
        guards=manifest.guards,
        created=manifest.created,
        planned=manifest.planned,
        made=len(made),
        records=len(leaves),
        errors=len(failed),
        finished=finished("fixed", manifest.planned, len(made)).yes,
        head=head,
        merkle=merkle_root_of([leaf for _, leaf in leaves]),
        spec_digest=manifest.spec_digest,
        subject_digest=manifest.subject_digest,
        log_bytes=size,
    )
    return row, missing


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
        manifest: RunManifest = runlog.read_manifest(directory)
    except ShipworthyError as error:
        return ListedRun(directory.name, "", "", 0, None, None, "damaged", str(error))
    # Only an empty log tells how many attempts were made without being read.
    count = 0 if size == 0 else None
    return ListedRun(directory.name, manifest.plan, manifest.guards, manifest.planned, count, count, "unknown")


def _complete(path: Path) -> int:
    """Return the length of a log without a torn last line, which `resume` will cut off."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end:
            start = max(0, end - 65_536)
            file.seek(start)
            cut = file.read(end - start).rfind(b"\n")
            if cut >= 0:
                return start + cut + 1
            end = start
    return 0


def as_values(row: RunRow, entry: int) -> dict[str, Any]:
    """Return a row as the values of its table."""
    return {"entry": entry, **msgspec.to_builtins(row)}
