"""What enters the control state about runs and decisions: an entry of the audit chain and a row beside it, each once.

A run is entered as ``run.finished`` only if `core.finished` says that it is. A run that is not, and on which a
decision rests all the same, is entered as ``run.seen``: the decision was made on this state of its log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import sqlalchemy as sql

from shipworthy.core.digests import digest
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finished import PLANNED, at_look, finished
from shipworthy.core.finished import failed as ended_in_error
from shipworthy.core.ledger import DECLARED, DELETED, WITHDRAWN
from shipworthy.core.records import Decision, RunManifest
from shipworthy.store import tables
from shipworthy.store.audit import Appender, AuditLog, once
from shipworthy.store.declare import read_manifest
from shipworthy.store.entry import Entry
from shipworthy.store.heads import RUN_FINISHED, RUN_KINDS, RUN_SEEN, Knowledge, heads_of, known
from shipworthy.store.layout import Layout
from shipworthy.store.reading import RunReading
from shipworthy.store.runs import RunRow

DECISION_MADE = "decision.made"


class VerifiedRun(NamedTuple):
    """A run's row, the head of each shard's chain, and the heads that its logs were known to have, and lack now."""

    row: RunRow
    heads: tuple[str, ...]
    lost: set[str]


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


def register_declared(layout: Layout, manifest: RunManifest) -> Entry:
    """Record that a run was begun, once, before its first attempt: if it is deleted later, that shows.

    A process that is killed between the declaration and this leaves a run without attempts; whoever takes it up does
    this first.

    Raises:
        IntegrityError: a run with this id and another content was recorded.
        StoreError: the control state cannot be written.
    """
    body = {
        "run": manifest.id,
        "system": manifest.system,
        "plan": manifest.plan,
        "plan_digest": manifest.plan_digest,
        "spec_digest": manifest.spec_digest,
        "subject_digest": manifest.subject_digest,
        "suites": sorted(use.id for use in manifest.suites),
        "draws": list(manifest.draws),
        "planned": manifest.planned,
    }
    if sealed := sorted(use.id for use in manifest.suites if use.part == "sealed"):
        body["sealed"] = sealed
    with AuditLog(layout.control_url) as audit, audit.appending() as appender:
        return once(appender, DECLARED, "run", body)


def recall_run(layout: Layout, run: str) -> Knowledge:
    """Return what the audit chain knows of a run's logs, whole chain verified: what a sitting must go on from.

    Raises:
        IntegrityError: the chain is not what was written.
        StoreError: the control state cannot be read.
    """
    with AuditLog(layout.control_url) as audit:
        return known(audit, run, verify=True)


def register_withdrawn(layout: Layout, run: str) -> Entry:
    """Record that a run was taken away before its first attempt, since something could not work as configured.

    Raises:
        StoreError: the control state cannot be written.
    """
    with AuditLog(layout.control_url) as audit, audit.appending() as appender:
        return once(appender, WITHDRAWN, "run", {"run": run})


def register_deleted(layout: Layout, run: str, *, heads: Sequence[str], made: int, planned: int, why: str) -> Entry:
    """Record that a run is taken off the disk, before it is.

    Args:
        heads: of its logs as they were, ``sha256:<64 hex>``; empty where they could not be read any more.
        made: planned attempts that had been made.

    Raises:
        StoreError: the control state cannot be written; then nothing may be deleted.
    """
    body = {"run": run, "heads": list(heads), "made": made, "planned": planned, "why": why}
    with AuditLog(layout.control_url) as audit:
        return audit.append(DELETED, body, key="run")


def register_decision(layout: Layout, decision: Decision, read: Mapping[str, RunReading] | None = None) -> Entry:
    """Record a decision by its digest, with the heads of the runs it rests on, which are recorded first.

    Returns the entry that is there already if it was recorded before.

    Args:
        read: runs by id that were read and verified just now: they are not read again if this state is recorded.

    Raises:
        UsageError: one of its runs is not in the workspace.
        IntegrityError: another decision was recorded under this id, or one of its runs is not as it was then.
    """
    with AuditLog(layout.control_url) as audit:
        heads = {
            run: _register_run(audit, layout.run_directory(run), (read or {}).get(run)).body["head"]
            for run in (*decision.runs, *decision.baseline_runs)
        }
        body = {
            "decision": decision.id,
            "system": decision.system,
            "digest": decision_digest(decision),
            "verdict": decision.verdict,
            "gate": decision.gate,
            "heads": heads,
            "runs": list(decision.runs),
            "subject_digest": decision.subject_digest,
            "files": {file.path: file.sha256 for file in decision.files},
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


def verified_run(directory: Path, recorded: Sequence[str] = ()) -> VerifiedRun:
    """Read a run's logs once, verifying them, and return what they hold.

    Args:
        recorded: heads that shards' logs had at some time.

    Raises:
        UsageError: there is no run in the directory.
        IntegrityError: its log is not what was written.
    """
    reading = RunReading(directory, passed=recorded)
    manifest, suites, failed = reading.manifest, Counter[str](), set[str]()
    for row in reading:
        planned = row.id[:PLANNED]
        suites[row.suite] += planned == row.id  # a later try has a longer id, and its attempt is counted already
        (failed.add if ended_in_error(row.outcome) else failed.discard)(planned)
    made = suites.total()
    looked = all(at_look(use.looks, use.attempts, suites[use.id]) for use in manifest.suites)
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
        finished=finished(manifest.stopping.rule, manifest.planned, made, concluded=looked).yes,
        head=reading.head,
        merkle=reading.merkle,
        spec_digest=manifest.spec_digest,
        subject_digest=manifest.subject_digest,
        log_bytes=reading.size,
    )
    return VerifiedRun(verified, reading.heads, reading.lost)


def decision_digest(decision: Decision) -> str:
    """Return ``sha256:<64 hex>`` of a decision's canonical JSON."""
    return digest(msgspec.to_builtins(decision))


def _register_run(audit: AuditLog, directory: Path, read: RunReading | None = None) -> Entry:
    run = read_manifest(directory).id
    recorded = [entry for entry in audit.about(run) if any(True for _ in heads_of(entry))]
    if read is not None and (newest := _newest(recorded, read)) is not None:
        return newest
    # The log is read before the transaction begins: it may be long, and all other writers would wait for it.
    found = verified_run(directory, [head for entry in recorded for head in _heads(entry)])
    row = found.row
    for entry in recorded:
        if found.lost.intersection(_heads(entry)):
            raise IntegrityError(
                f"{directory}: the audit log (entry {entry.number}) recorded this run with a head that its log "
                "does not have; lines were removed or replaced"
            )
    kind = RUN_FINISHED if row.finished else RUN_SEEN
    with audit.appending() as appender:
        # By kind as well: a version that counted retries twice may have called this very state finished.
        same = [e for e in appender.about(run) if e.kind == kind and e.body["head"] == row.head]
        entry = same[0] if same else appender.append(kind, _run_body(row, found.heads), key="run")
        _add_row(appender, tables.runs, {"entry": entry.number, **msgspec.to_builtins(row)})
        return entry


def _heads(entry: Entry) -> list[str]:
    """Return the heads of the shards' chains that an entry recorded."""
    return [head for _, head, _ in heads_of(entry)]


def _newest(recorded: Sequence[Entry], read: RunReading) -> Entry | None:
    """Return the entry that recorded a run as it was read just now, if nothing more was recorded of it afterwards.

    A log that was cut back to what an earlier entry says is not the log that was recorded.
    """
    same = [entry for entry in recorded if entry.kind in RUN_KINDS and entry.body["head"] == read.head]
    if not same:
        return None
    now = set(_heads(same[-1]))
    return same[-1] if all(now.issuperset(_heads(e)) for e in recorded if e.number > same[-1].number) else None


def _run_body(row: RunRow, heads: Sequence[str]) -> dict[str, object]:
    return {
        "run": row.id,
        "system": row.system,
        "plan": row.plan,
        "head": row.head,
        "heads": list(heads),
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
