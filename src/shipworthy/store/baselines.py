"""Baselines: which run a system's candidates are compared with, until another one is set."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.errors import UsageError
from shipworthy.detect.redact import redact_text
from shipworthy.store import rows, tables
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry

BASELINE_SET = "baseline.set"


class Baseline(Struct, frozen=True, kw_only=True):
    """A run that was pinned as the baseline of a system. The one that was set last counts; none is ever taken back.

    Attributes:
        system: id of the system.
        run: what was measured; `subject` its subject's digest, `plan` the digest of its plan.
        at: when, ISO 8601, UTC.
        why: redacted before it is kept, and not repeated in the audit log.
    """

    system: str
    run: str
    subject: str
    plan: str
    at: str
    why: str = ""


def set_baseline(audit: AuditLog, baseline: Baseline, *, secrets: Sequence[str] = ()) -> Entry:
    """Pin a run as its system's baseline, and record it in the audit log: all of it but why.

    Args:
        secrets: strings that are secret here, taken out of `why`.

    Raises:
        UsageError: something is empty.
        StoreError: the database cannot be written.
    """
    for name in ("system", "run", "subject", "plan", "at"):
        if not getattr(baseline, name):
            raise UsageError(f"a baseline needs {name}: it is empty")
    baseline = replace(baseline, why=redact_text(baseline.why, secrets))
    facts = ("system", "run", "subject", "plan", "at")
    return rows.add(audit, tables.baselines, BASELINE_SET, baseline, key="system", facts=facts)


def read_baselines(audit: AuditLog, system: str) -> list[Baseline]:
    """Return every baseline that a system ever had, oldest first; the last one counts.

    Raises:
        IntegrityError: one was edited or taken away since it was set.
        StoreError: the database cannot be read.
    """
    return rows.read(audit, tables.baselines, BASELINE_SET, Baseline, system)
