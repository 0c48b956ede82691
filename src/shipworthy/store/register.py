"""What enters the audit log: a finished run by its head, a decision by its digest. Each once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.core.digests import digest
from shipworthy.core.errors import IntegrityError
from shipworthy.core.records import Decision
from shipworthy.store.audit import AuditLog, Entry
from shipworthy.store.layout import Layout
from shipworthy.store.reading import RunReading

RUN_FINISHED = "run.finished"
DECISION_MADE = "decision.made"


def register_run(layout: Layout, directory: Path) -> Entry:
    """Record a finished run: its chain's head, its Merkle root and its digests. Verifies the log on the way.

    Returns the entry that is there already if this state of the run was recorded before. A run that went on since
    (errors tried again) is recorded anew: its log still holds the head that was recorded.

    Raises:
        IntegrityError: the log is damaged, or lost lines that were recorded before.
    """
    run = RunReading(directory).manifest.id
    with AuditLog(layout.control_url) as audit:
        recorded = [e for e in audit.entries() if e.kind == RUN_FINISHED and e.body["run"] == run]
        reading = RunReading(directory, passed=[head for entry in recorded for head in entry.body["heads"]])
        for entry in recorded:
            if reading.lost.intersection(entry.body["heads"]):
                raise IntegrityError(
                    f"{directory}: the audit log (entry {entry.number}) recorded this run with a head that its log "
                    "does not have; lines were removed or replaced"
                )
        body = {
            "run": run,
            "head": reading.head,
            "heads": list(reading.heads),
            "merkle": reading.merkle,
            "attempts": reading.records,
            "planned": reading.manifest.planned,
            "spec_digest": reading.manifest.spec_digest,
            "subject_digest": reading.manifest.subject_digest,
        }
        return audit.append_once(RUN_FINISHED, "head", body)


def register_decision(layout: Layout, decision: Decision) -> Entry:
    """Record a decision by its digest, with the heads of the runs it rests on, which are recorded first.

    Returns the entry that is there already if it was recorded before.

    Raises:
        UsageError: one of its runs is not in the workspace.
        IntegrityError: another decision was recorded under this id, or one of its runs is not as it was then.
    """
    runs = (*decision.runs, *decision.baseline_runs)
    body = {
        "decision": decision.id,
        "digest": decision_digest(decision),
        "verdict": decision.verdict,
        "gate": decision.gate,
        "heads": {run: register_run(layout, layout.run_directory(run)).body["head"] for run in runs},
    }
    with AuditLog(layout.control_url) as audit:
        return audit.append_once(DECISION_MADE, "decision", body)


def decision_digest(decision: Decision) -> str:
    """Return ``sha256:<64 hex>`` of a decision's canonical JSON."""
    return digest(msgspec.to_builtins(decision))
