"""What enters the audit log: a finished run by its head, a decision by its digest. Each once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.core.digests import digest, merkle_root
from shipworthy.core.records import Decision
from shipworthy.store import chain, runlog
from shipworthy.store.audit import AuditLog, Entry
from shipworthy.store.layout import Layout

RUN_FINISHED = "run.finished"
DECISION_MADE = "decision.made"


def register_run(layout: Layout, directory: Path) -> Entry:
    """Record a finished run: its chain's head, its Merkle root and its digests. Verifies the log on the way.

    Returns the entry that is there already if the run was recorded before.

    Raises:
        IntegrityError: the log is damaged, or was recorded with another head.
    """
    manifest = runlog.read_manifest(directory)
    leaves, head = [], b""
    for line in runlog.read_lines(directory):
        leaves.append((line.id, line.attempt))
        head = line.hash
    body = {
        "run": manifest.id,
        "head": chain.head_text(head) if leaves else runlog.head(directory),
        "merkle": merkle_root([leaf for _, leaf in sorted(leaves)]),
        "attempts": len(leaves),
        "planned": manifest.planned,
        "spec_digest": manifest.spec_digest,
        "subject_digest": manifest.subject_digest,
    }
    with AuditLog(layout.control_url) as audit:
        return audit.append_once(RUN_FINISHED, "run", body)


def register_decision(layout: Layout, decision: Decision) -> Entry:
    """Record a decision by its digest. Returns the entry that is there already if it was recorded before.

    Raises:
        IntegrityError: another decision was recorded under this id.
    """
    body = {
        "decision": decision.id,
        "digest": decision_digest(decision),
        "verdict": decision.verdict,
        "gate": decision.gate,
        "runs": list(decision.runs),
        "baseline_runs": list(decision.baseline_runs),
    }
    with AuditLog(layout.control_url) as audit:
        return audit.append_once(DECISION_MADE, "decision", body)


def decision_digest(decision: Decision) -> str:
    """Return ``sha256:<64 hex>`` of a decision's canonical JSON."""
    return digest(msgspec.to_builtins(decision))
