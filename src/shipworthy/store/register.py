"""What enters the control state about runs and decisions: an entry of the audit chain and a row beside it, each once.

A run is entered as ``run.finished`` only if `core.finished` says that it is. A run that is not, and on which a
decision rests all the same, is entered as ``run.seen``: the decision was made on this state of its log.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sql

from shipworthy.core.digests import digest, leaf_hash, merkle_root_of
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finished import PLANNED, finished
from shipworthy.core.records import Decision
from shipworthy.store import chain, runlog, tables
from shipworthy.store.audit import Appender, AuditLog, Entry, once
from shipworthy.store.layout import Layout
from shipworthy.store.runs import LOGS, RunRow

RUN_FINISHED = "run.finished"
RUN_SEEN = "run.seen"
RUN_KINDS = (RUN_FINISHED, RUN_SEEN)
DECISION_MADE = "decision.made"


class _Brief(msgspec.Struct, frozen=True):
    """The two fields of an attempt that counting needs."""

    id: str
    outcome: str


_briefs = msgspec.json.Decoder(_Brief)


def register_run(layout: Layout, directory: Path) -> Entry:
    """Record a run as it is now: its chain's head, its Merkle root, its counts. Verifies its log on the way.

    Returns the entry that is there already if this state of the run was recorded before. A run that went on since is
    recorded anew: its log still holds the head that was recorded.

    Raises:
        UsageError: there is no run in the directory.
        IntegrityError: the log is damaged, or lost lines that were recorded before.
    """
    with AuditLog(layout.control_url) as audit:
        return _register_run(audit, directory)


def register_decision(layout: Layout, decision: Decision) -> Entry:
    """Record a decision by its digest, with the heads of the runs it rests on, which are recorded first.

    Returns the entry that is there already if it was recorded before.

    Raises:
        UsageError: one of its runs is not in the workspace.
        IntegrityError: another decision was recorded under this id, or one of its runs is not as it was then.
    """
    with AuditLog(layout.control_url) as audit:
        heads = {
            run: _register_run(audit, layout.run_directory(run)).body["head"]
            for run in (*decision.runs, *decision.baseline_runs)
        }
        body = {
            "decision": decision.id,
            "system": decision.system,
            "digest": decision_digest(decision),
            "verdict": decision.verdict,
            "gate": decision.gate,
            "heads": heads,
        }
        row = {
            "id": decision.id,
            "system": decision.system,
            "gate": decision.gate,
            "verdict": decision.verdict,
            "digest": body["digest"],
            "created": decision.created,
            "spec_digest": decision.spec_digest,
            "subject_digest": decision.subject_digest,
        }
        with audit.appending() as appender:
            entry = once(appender, DECISION_MADE, "decision", body)
            _add_row(appender, tables.decisions, {"entry": entry.number, **row})
            return entry


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


def decision_digest(decision: Decision) -> str:
    """Return ``sha256:<64 hex>`` of a decision's canonical JSON."""
    return digest(msgspec.to_builtins(decision))


def _register_run(audit: AuditLog, directory: Path) -> Entry:
    run = runlog.read_manifest(directory).id
    recorded = [entry for entry in audit.about(run) if entry.kind in RUN_KINDS]
    # The log is read before the transaction begins: it may be long, and all other writers would wait for it.
    row, missing = verified_row(directory, [entry.body["head"] for entry in recorded])
    for entry in recorded:
        if entry.body["head"] in missing:
            raise IntegrityError(
                f"{directory}: the audit log (entry {entry.number}) recorded this run with a head that its log "
                "does not have; lines were removed or replaced"
            )
    kind = RUN_FINISHED if row.finished else RUN_SEEN
    with audit.appending() as appender:
        # By kind as well: a version that counted retries twice may have called this very state finished.
        same = [e for e in appender.about(run) if e.kind == kind and e.body["head"] == row.head]
        entry = same[0] if same else appender.append(kind, _run_body(row), key="run")
        _add_row(appender, tables.runs, {"entry": entry.number, **msgspec.to_builtins(row)})
        return entry


def _run_body(row: RunRow) -> dict[str, object]:
    return {
        "run": row.id,
        "system": row.system,
        "plan": row.plan,
        "head": row.head,
        "merkle": row.merkle,
        "attempts": row.records,
        "made": row.made,
        "planned": row.planned,
        "spec_digest": row.spec_digest,
        "subject_digest": row.subject_digest,
    }


def _add_row(appender: Appender, table: sql.Table, values: dict[str, object]) -> None:
    """Add the row of an entry, unless it is there: an entry by an older version has none until it is met again."""
    if appender.execute(sql.select(table.c.entry).where(table.c.entry == values["entry"])).first() is None:
        appender.execute(table.insert(), values)


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
