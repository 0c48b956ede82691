"""Pre-registration: criteria, data sets and analysis of a plan, signed and entered before it is run."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shipworthy.core import signoff
from shipworthy.core.errors import UsageError
from shipworthy.core.preregistration import Registered, registration
from shipworthy.core.records import Decision, RunManifest
from shipworthy.release.signing import Signer, check_clock, log_at, signed_body, signed_entries, text
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.layout import Layout
from shipworthy.store.trust import Trust
from shipworthy.workspace.load import Workspace


def preregister(
    workspace: Workspace, layout: Layout, plan: str, who: Signer, *, note: str, secrets_: Sequence[str], now: datetime
) -> Entry:
    """Enter what a plan will be judged by, before it is run.

    Args:
        note: of the analysis: what is looked at, and what would be learned; may be empty.

    Raises:
        UsageError: there is no such plan, or no criterion on what it measures; or the clock was set back.
        StoreError: the control state cannot be written.
    """
    spec = workspace.plan(plan)
    suites = [entry.suite for entry in spec.suites]
    criteria = [
        {"id": one.id, "requirement": requirement.id, "suite": one.suite, "severity": one.severity,
         "metric": one.metric or workspace.suites[one.suite].metric, "must": one.must}
        for requirement, one in workspace.criteria() if one.suite in suites
    ]  # fmt: skip
    if not criteria:
        raise UsageError(f"no criterion of the gate is on a suite of the plan {plan!r}: there is nothing to register")
    gate, digest = workspace.gate, workspace.spec_digest(plan)
    used = [workspace.suites[name] for name in suites]
    said: dict[str, Any] = {
        "id": f"PRE-{now:%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}",
        "system": workspace.system.id,
        "plan": plan,
        "spec_digest": digest,
        "criteria": criteria,
        "datasets": [{"id": s.id, "version": s.version, "digest": s.digest, "samples": len(s.samples)} for s in used],
        "analysis": {
            "gate": gate.id,
            "bound": gate.bound,
            "fresh": gate.fresh,
            "max_error_rate": str(gate.max_error_rate),
            "note": text(note, "--analysis", secrets_, empty=True),
        },
    }
    with log_at(layout.control_url, now) as audit:
        audit.verify()
        check_clock(audit, now)
        body = signed_body(
            signoff.PREREGISTERED, {"preregistration": said["id"]}, {plan: digest}, said, who=who, now=now
        )
        return audit.append(signoff.PREREGISTERED, body, key="preregistration")


def registrations(
    audit: AuditLog, decision: Decision, manifests: Sequence[RunManifest], trust: Trust, refused: list[str]
) -> list[dict[str, Any]]:
    """Return what was registered of each run of a decision; see `core.preregistration.registration`.

    Args:
        refused: see `signed_entries`.
    """
    import msgspec

    known = [
        Registered(one.entry, one.said) for one in signed_entries(audit.of_kinds(signoff.PREREGISTERED), trust, refused)
    ]
    found = []
    for manifest in manifests:
        about = audit.about(manifest.id)
        begun = about[0].number if about else 0
        results = [msgspec.to_builtins(one) for one in decision.criteria if one.run == manifest.id]
        found.append(registration(msgspec.to_builtins(manifest), begun, results, known))
    return found
