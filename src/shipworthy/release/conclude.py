"""Approving, accepting and deciding: what people sign of a candidate, each entered in the audit chain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shipworthy.core import signoff
from shipworthy.core.errors import UsageError
from shipworthy.core.severity import worse
from shipworthy.core.signoff import ReleaseBlock
from shipworthy.release.blocks import CandidateStatus
from shipworthy.release.proposal import ReleaseCandidate
from shipworthy.release.signing import Signer, check_clock, permit, place_of, predicate_of, signed_body, text
from shipworthy.store.audit import Appender, AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.register import DECISION_MADE
from shipworthy.workspace.kinds.waiver import severity_of
from shipworthy.workspace.load import Workspace


def approve(
    audit: AuditLog,
    candidate: ReleaseCandidate,
    who: Signer,
    rules: Any,
    *,
    rejected: bool = False,
    reason: str = "",
    secrets: Sequence[str] = (),
    now: datetime,
) -> Entry:
    """Enter one person's yes or no to a candidate: a signature over its digest.

    Args:
        rules: of the workspace as it is now; those of the candidate must allow it, too.

    Raises:
        UsageError: the role may not approve this, it is decided already, or the clock was set back.
        StoreError: the control state cannot be written.
    """
    worst = signoff.worst_risk(candidate.rules)
    for one in (rules, candidate.rules):
        permit(who, one, "approve", worst)
    tier = candidate.rules["tier"]
    if tier is not None and who.role not in tier["approvers"]:
        raise UsageError(
            f"{place_of(rules, who.role)}{who.role} is none of the approvers of the tier {tier['id']}: "
            f"{', '.join(tier['approvers'])}"
        )
    check_clock(audit, now)
    said = {
        "candidate": candidate.id,
        "candidate_digest": candidate.digest,
        "answer": "rejected" if rejected else "approved",
        "reason": text(reason, "--reason", secrets, empty=not rejected),
    }
    subject = {candidate.id: candidate.digest}
    body = signed_body(signoff.APPROVED, {"candidate": candidate.id}, subject, said, who=who, now=now)
    with audit.appending() as appender:
        _refuse_decided(appender, candidate)
        return appender.append(signoff.APPROVED, body, key="candidate")


def accept(
    workspace: Workspace,
    audit: AuditLog,
    on: str,
    who: Signer,
    rules: Any,
    *,
    reason: str,
    compensating: str,
    expires: str,
    ceiling: str = "",
    secrets: Sequence[str] = (),
    now: datetime,
) -> Entry:
    """Enter that somebody with the right takes a risk, or the failing of a requirement, for a time.

    Args:
        on: id of the risk or requirement.
        expires: the last day, at most 90 days from now.
        ceiling: the worst severity that it covers; its own if left out.

    Raises:
        UsageError: there is no such id, it is worse than the ceiling, the role or the system's tier may not accept it,
            it runs too long, or the clock was set back.
        StoreError: the control state cannot be written.
    """
    node = workspace.graph.find("risk", on) or workspace.graph.find("requirement", on)
    if node is None:
        raise UsageError(f"there is no risk and no requirement {on!r}")
    severity = severity_of(workspace.graph, node)
    most: Any = ceiling or severity
    if worse(severity, than=most):
        raise UsageError(f"{node.file}:{node.line}: {on} is of severity {severity}, above the ceiling {most}")
    permit(who, rules, "accept", most)
    tier = rules["tier"]
    if tier is None or tier["accepts"] is None or worse(most, than=tier["accepts"]):
        said_ = "nothing" if tier is None or tier["accepts"] is None else f"at most {tier['accepts']}"
        raise UsageError(f"a system of the tier {workspace.system.tier} may have {said_} accepted, and this is {most}")
    begins = now.date().isoformat()
    if why := signoff.length_refusal(begins, expires):
        raise UsageError(f"--expires {expires}: the acceptance {why}")
    check_clock(audit, now)
    said = {
        "system": workspace.system.id,
        "on": on,
        "severity": severity,
        "ceiling": most,
        "begins": begins,
        "expires": expires,
        "reason": text(reason, "--reason", secrets),
        "compensating": text(compensating, "--compensating", secrets),
    }
    subject = {on: workspace.graph.digest(node)}
    body = signed_body(signoff.ACCEPTED, {"on": on}, subject, said, who=who, now=now)
    return audit.append(signoff.ACCEPTED, body, key="on")


def waiver_text(entry: Entry) -> str:
    """Return the waiver that matches an acceptance, as YAML to paste: nothing here edits a safety file."""
    said = predicate_of(entry)
    field = "risks" if said["on"].startswith("RK-") else "requirements"
    quoted = {name: json.dumps(said[name], ensure_ascii=False) for name in ("reason", "compensating", "by")}
    return "\n".join(
        [
            "waivers:",
            f"  - id: WV-{said['on'].partition('-')[2]}-{said['begins']}",
            f"    {field}: [{said['on']}]",
            f"    reason: {quoted['reason']}",
            f"    compensating: {quoted['compensating']}",
            f"    accepted_by: {said['role']}",
            f"    by: {quoted['by']}",
            f"    ceiling: {said['ceiling']}",
            f"    begins: {said['begins']}",
            f"    expires: {said['expires']}",
        ]
    )


def conclude(
    audit: AuditLog,
    found: CandidateStatus,
    who: Signer,
    rules: Any,
    *,
    no_go: bool = False,
    override: bool = False,
    reason: str = "",
    conditions: Sequence[str] = (),
    expires: str = "",
    secrets: Sequence[str] = (),
    now: datetime,
) -> Entry:
    """Enter the decision on a candidate: what follows from its status, or a NO-GO.

    Args:
        found: its status, by which the decider decides; it must be the newest.
        override: set aside what blocks, where that can be done at all; marked for ever, and runs out.
        reason: needed for a NO-GO and an override.
        expires: last day of the decision; needed for an override. With an acceptance it is no later than that.

    Raises:
        UsageError: something blocks; the role has not the right; somebody else decided, signed or entered something
            since the status was made; or the clock was set back.
        StoreError: the control state cannot be written.
    """
    candidate, decision = found.candidate, found.decision
    set_aside: tuple[ReleaseBlock, ...] = ()
    if no_go:
        permit(who, rules, "approve", signoff.worst_risk(candidate.rules))
    elif override:
        set_aside = found.open
        if not set_aside:
            raise UsageError("nothing blocks this candidate: there is nothing to override")
        for one in set_aside:
            if one.kind not in signoff.OVERRIDABLE:
                raise UsageError(f"{one.kind} {one.about}: {one.reason}; nobody may override this ({one.remedy})")
            permit(who, rules, "override", one.severity)
            permit(who, candidate.rules, "override", one.severity)
        if not expires:
            raise UsageError(f"an override runs out: say --expires, at most {signoff.MOST_DAYS} days from now")
    else:
        permit(who, rules, "approve", signoff.worst_risk(candidate.rules))
        if found.open:
            told = "\n".join(f"  {one.kind} {one.about}: {one.reason}" for one in found.open)
            raise UsageError(
                f"{candidate.id} cannot go:\n{told}\nMend it (`shipworthy release status`), or say --no-go"
            )
    verdict = signoff.NO_GO if no_go else signoff.follows(found.blocks, [t.block for t in found.taken], set_aside)
    last = _expiry(found, expires, now, limited=bool(set_aside))
    said = {
        "verdict": verdict,
        "candidate": candidate.id,
        "candidate_digest": candidate.digest,
        **{
            name: candidate.said[name]
            for name in ("system", "decision", "decision_digest", "gate_verdict", "subject_digest", "market",
                         "language", "jurisdiction")
        },
        "criteria": [
            {name: built.get(name) for name in signoff.TOLD}
            for built in map(msgspec.to_builtins, decision.criteria)
        ],
        "registered": list(found.registered),
        "approvals": [
            {"entry": one.entry, "by": one.said["by"], "role": one.said["role"], "answer": one.said["answer"]}
            for one in found.votes
        ],
        "open": [_block(one) for one in found.open if no_go],
        "accepted": [{**_block(one.block), "entries": [a.entry for a in one.by]} for one in found.taken],
        "overridden": [_block(one) for one in set_aside],
        "conditions": [text(one, "--condition", secrets) for one in conditions],
        "reason": text(reason, "--reason", secrets, empty=not (no_go or set_aside)),
        "expires": "" if no_go else last,
        "seen": found.seen,
    }  # fmt: skip
    check_clock(audit, now)
    body = signed_body(
        signoff.DECIDED, {"candidate": candidate.id}, {decision.system: decision.subject_digest}, said, who=who, now=now
    )
    with audit.appending() as appender:
        _refuse_decided(appender, candidate)
        newest = [e for e in audit.of_kinds(*signoff.WATCHED, DECISION_MADE) if e.number > found.seen]
        if newest:
            raise UsageError(
                f"entry {newest[-1].number} of the audit log ({newest[-1].kind}) was made while you decided, so "
                "yours was not entered: look at `shipworthy release status` again"
            )
        return appender.append(signoff.DECIDED, body, key="candidate")


def _block(one: ReleaseBlock) -> dict[str, str]:
    return {"kind": one.kind, "about": one.about, "severity": one.severity, "reason": one.reason}


def _expiry(found: CandidateStatus, wanted: str, now: datetime, *, limited: bool) -> str:
    """Return the last day on which a GO holds; empty where nothing limits it."""
    today = now.date().isoformat()
    if wanted and (why := signoff.length_refusal(today, wanted)) and (limited or "runs for" not in why):
        raise UsageError(f"--expires {wanted}: the decision {why}")
    days = [day for day in (found.expires, wanted) if day]
    return min(days, default="")


def _refuse_decided(appender: Appender, candidate: ReleaseCandidate) -> None:
    for entry in appender.about(candidate.id):
        if entry.kind == signoff.DECIDED:
            said = predicate_of(entry)
            raise UsageError(
                f"{said['by']} decided on {candidate.id} first: {said['verdict']}, at {said['at']} (entry "
                f"{entry.number} of the audit log). This word was not entered: a candidate is decided once"
            )
