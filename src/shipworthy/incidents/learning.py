"""What an incident teaches: its conversation as a regression suite, and how long a change went unnoticed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from shipworthy.core.calendar import hours_between, read_moment, write_moment
from shipworthy.core.change import ChangeRecord
from shipworthy.core.errors import UsageError
from shipworthy.core.finding import FindingCase
from shipworthy.core.records import Message, Sample, say
from shipworthy.core.severity import Severity
from shipworthy.evals.replay import ReplayAttack
from shipworthy.evals.repro import find
from shipworthy.findings.promote import Promoted, promote_case
from shipworthy.findings.terms import limit_of, triage_of
from shipworthy.findings.variants import VARIANTS
from shipworthy.incidents.incident import Incident, NewEvent
from shipworthy.incidents.replay import IncidentRepro, find_suite, stand_in
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace


class LearnedCase(NamedTuple):
    """What was learned: the suite, its severity, and the plans of the workspace that do not measure it."""

    suite: Promoted
    severity: Severity
    unplanned: tuple[str, ...]


def learn(
    workspace: Workspace,
    layout: Layout,
    incident: Incident,
    repro: IncidentRepro,
    *,
    id: str,
    by: str,
    severity: Severity | None = None,
    most_variants: int = len(VARIANTS),
) -> tuple[LearnedCase, NewEvent]:
    """Write an incident's reproduction, with variants, as a new suite, and return it with what is to be entered.

    A case of an S1 or S2 incident is of severity S1: what has harmed people once is a no-ship the first time that it
    hits again, whatever the rates say.

    Args:
        id: of the suite; must not be there.
        severity: of its samples, where it is to be another one.

    Raises:
        UsageError: the id is taken, no folder can be written, or the reproduction cannot be read back.
    """
    suite, sample = _sample(workspace, layout, repro)
    worst: Severity = severity or ("S1" if incident.severity in (None, "S1", "S2") else incident.severity)
    case = FindingCase(
        samples=(msgspec.to_builtins(replace(sample, severity=worst)),),
        scorers=tuple({"use": use.use, **use.params} for use in suite.scorers),
        metric=suite.metric,
        target=repro.target,
    )
    provenance: dict[str, Any] = {
        "incident": incident.id, "kind": repro.kind, "aware": write_moment(_needed(incident.mark("aware"))),
    }  # fmt: skip
    if repro.kind == "attempt":
        provenance |= {"run": repro.run, "attempt": repro.attempt}
    private = repro.kind == "conversation" or suite.content != "synthetic"
    made = promote_case(
        workspace, case, id, severity=worst, limit=limit_of(triage_of(workspace), worst, 0, 0), title=incident.title,
        provenance=provenance, content="private" if private else "synthetic", most_variants=most_variants,
    )  # fmt: skip
    unplanned = tuple(sorted(name for name in workspace.plans if name != "full"))
    detail = {"samples": made.samples, "attempts": made.attempts, "severity": worst, "metric": suite.metric}
    event = NewEvent(what="case", by=by, about=made.id, outcome="learned", severity=worst, detail=detail)
    return LearnedCase(made, worst, unplanned), event


def lead_time(incident: Incident, change: ChangeRecord, found_by: str, by: str) -> NewEvent:
    """Return the event of how long a change went unnoticed: from its entry until somebody was aware.

    A change is entered with `shipworthy release change`, or by a sentinel.

    Raises:
        UsageError: the change came after it was noticed: it cannot be the cause.
    """
    aware = _needed(incident.mark("aware"))
    changed = read_moment(change.at)
    if changed > aware:
        raise UsageError(f"the change of entry {change.entry} came after somebody was aware: it is not the cause")
    detail = {"hours": hours_between(changed, aware), "changed": write_moment(changed), "detected": write_moment(aware)}
    return NewEvent(what="lead", by=by, about=f"entry {change.entry}", outcome=found_by, detail=detail)


def may_be_closed(workspace: Workspace, incident: Incident, *, signed: bool) -> str:
    """Return why an incident may not be closed; empty where it may.

    It needs a regression case that is in the workspace, or a signed reason why there is none.
    """
    if incident.mark("resolved") is None:
        return "it is not resolved: `shipworthy incident resolve` says when it was"
    if incident.pulled:
        names = ", ".join(one.lever for one in incident.pulled)
        return f"the lever {names} is still pulled for it: `shipworthy incident lever … --release`"
    there = [one.about for one in incident.cases if one.about in workspace.suites]
    if there or signed:
        return ""
    gone = [one.about for one in incident.cases]
    if gone:
        return f"its regression case {gone[-1]} is no longer in the workspace"
    return "it has no regression case: `shipworthy incident learn` makes one, or sign a reason (--no-case TEXT --key K)"


def _sample(workspace: Workspace, layout: Layout, repro: IncidentRepro) -> tuple[Any, Sample]:
    if repro.kind == "attempt":
        run, attempt = find(layout, repro.attempt, repro.run or None)
        del run
        suite, sample = find_suite(workspace, attempt.suite, attempt.sample)
        messages: tuple[Message, ...] = tuple(m for turn in ReplayAttack.of(attempt).turns for m in turn)
    else:
        suite, sample = find_suite(workspace, repro.suite, repro.sample)
        messages = sample.messages if sample is not None else ()
        if repro.kind == "conversation":
            messages = tuple(say("user", stand_in(one.text)) for one in repro.messages)
    like = sample if sample is not None else Sample(id="seen", messages=())
    return suite, replace(like, id="seen", messages=messages, twin="", cluster="")


def _needed(moment: datetime | None) -> datetime:
    if moment is None:
        raise UsageError("nobody was aware of the incident: it has no such time")
    return moment
