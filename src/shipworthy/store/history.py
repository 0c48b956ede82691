"""What the audit chain remembers of runs and decisions, also of runs that are no longer on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE


def decided_on(body: Mapping[str, Any]) -> Sequence[str]:
    """Return the runs that a decision was about, from the body of its entry.

    Entries by earlier versions do not tell them from the baselines: all of them are returned.
    """
    runs: Sequence[str] = body.get("runs") or tuple(body["heads"])
    return runs


def decided_runs(layout: Layout) -> frozenset[str]:
    """Return the ids of all runs that a decision was ever made on.

    Raises:
        StoreError: the audit log cannot be read.
        IntegrityError: an entry is not what was written.
    """
    with AuditLog(layout.control_url) as audit:
        return frozenset(run for entry in audit.of_kinds(DECISION_MADE) for run in decided_on(entry.body))
