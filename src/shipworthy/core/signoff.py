"""Sign-off: what people say of a release in the audit chain, and what follows from it. Standard library only.

`release` writes these entries, and the verifier of a pack reads them by the same rules. Values are JSON, as entries
hold them: a candidate carries the rules that it is decided by (the tier, the roles with their holders and rights, the
risks with their severities), so that whoever signs its digest has signed those, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from shipworthy.core.finding_entry import KINDS as FINDING_KINDS
from shipworthy.core.finding_entry import blocking, standings

Json = Mapping[str, Any]

PREREGISTERED = "release.preregistered"
PROPOSED = "release.proposed"
APPROVED = "release.approved"
ACCEPTED = "risk.accepted"
DECIDED = "release.decided"
KINDS = (PREREGISTERED, PROPOSED, APPROVED, ACCEPTED, DECIDED)
"""Entries that sign-off is made of; all but a proposal are signed."""
WATCHED = (*KINDS, *FINDING_KINDS)
"""Entries that a decision of people must have looked at: what is entered after they looked may change it."""

_TYPE = "https://shipworthy.example/attestation/"
PREDICATES: Mapping[str, str] = {
    PREREGISTERED: f"{_TYPE}pre-registration/v1",
    APPROVED: f"{_TYPE}release-approval/v1",
    ACCEPTED: f"{_TYPE}risk-acceptance/v1",
    DECIDED: f"{_TYPE}release-decision/v2",
}
"""Type of the in-toto statement in each. Version 1 of a release decision is the gate's, which no person made."""

GO, ACCEPTING, NO_GO = "GO", "GO_WITH_RISK_ACCEPTANCE", "NO_GO"
VERDICTS = (GO, ACCEPTING, NO_GO)
ANSWERS = ("approved", "rejected")
RIGHTS = ("approve", "override", "accept")
BLOCKS = (
    "criterion", "s1-hit", "s1-unscored", "unscored", "kept-replies", "undecided", "tier", "tier-criterion", "stale",
    "age", "waiver", "artefact", "preregistration", "approval", "rejection",
    "decision-table", "finding",
)  # fmt: skip
"""What may keep a candidate from a GO."""
OVERRIDABLE = ("criterion", "s1-hit", "s1-unscored", "unscored", "kept-replies", "undecided", "tier-criterion", "age",
               "artefact", "preregistration")  # fmt: skip
"""Those that somebody with the right may set aside. That evidence is of other files, that nobody approved, and that a
waiver is not what was accepted are none of these: there nobody knows what would be released, or who wants it."""
MOST_DAYS = 90
"""How long an acceptance, or an override, may run."""
APART_S = 300
"""Seconds by which two clocks may differ, or one be put back."""

TOLD = ("id", "verdict", "must", "rate", "low", "high", "bound", "hits", "trials")
"""What a decision of people repeats of each criterion, interval and all."""
UNSAID = "S3"
"""The severity of a criterion that says none; decisions leave it out then."""


class ReleaseBlock(NamedTuple):
    """One thing that keeps a candidate from a GO.

    Attributes:
        kind: one of `BLOCKS`; `about` is what of it, such as the id of a criterion.
        severity: how bad it would be to release all the same, ``S1`` to ``S4``.
        reason: what is wrong; `remedy` what to do.
    """

    kind: str
    about: str
    severity: str
    reason: str
    remedy: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it, without words."""
        return self.kind, self.about, self.severity


def same_person(one: str, other: str) -> bool:
    """Say whether two names are one person's: other case or spacing makes no other person.

    >>> same_person("Ada  L.", "ada l.")
    True
    """
    return person(one) == person(other)


def person(name: str) -> str:
    """Return a name in the one way in which names are compared."""
    return " ".join(name.split()).casefold()


def refusal(rules: Json, by: str, role: str, right: str = "", severity: str = "S4") -> str:
    """Return why somebody may not do something in a role; empty where they may.

    Args:
        rules: of the candidate, or of the workspace as it is now.
        right: one of `RIGHTS`; empty where it is enough to hold the role.
        severity: of what it is about; ``S1`` is the worst.
    """
    found = next((one for one in rules["roles"] if one["id"] == role), None)
    if found is None:
        known = ", ".join(one["id"] for one in rules["roles"]) or "none"
        return f"there is no role {role} in the workspace (roles: {known})"
    if not any(same_person(by, holder) for holder in found["holders"]):
        return f"{by} does not hold {role}: it is held by {', '.join(found['holders']) or 'nobody'}"
    if not right:
        return ""
    most: str | None = found.get(right)
    if most is None:
        return f"{role} may {right} nothing"
    if most <= severity:
        return ""
    return f"{role} may {right} up to {most}, and this is {severity}"


def worst_risk(rules: Json) -> str:
    """Return the severity of the worst risk of the system; ``S1`` where none is written down."""
    return min((str(one["severity"]) for one in rules["risks"]), default="S1")


def severity_of(result: Json, rules: Json) -> str:
    """Return how bad a criterion's failing is: the worst of its own severity and its risks'."""
    risks = {one["id"]: one["severity"] for one in rules["risks"]}
    own = str(result.get("severity", UNSAID))
    return min([own, *(str(risks.get(id, "S1")) for id in result.get("risks", ()))])


def gate_blocks(decision: Json, rules: Json, spoilt: Sequence[tuple[str, str]] = ()) -> list[ReleaseBlock]:
    """Return what keeps a gate's decision from *ship*.

    Args:
        decision: ``decision.json``.
        rules: of the candidate.
        spoilt: runs that lack more scores than the gate allows (kind ``unscored``), or that rest on kept replies where
            it wants none (``kept-replies``): kind and id. No decision says it of runs beside a failed criterion.
    """
    found = [
        ReleaseBlock("criterion", one["id"], severity_of(one, rules), f"{one['verdict']}: {one['reason']}",
              "mend it and measure again, or have its risk accepted: `shipworthy release accept`")
        for one in decision["criteria"] if one["verdict"] != "ship"
    ]  # fmt: skip
    again = (
        "`shipworthy confirm` says of a hit that it is none; `shipworthy eval --resume RUN --retry-errors` asks again"
    )
    found += [
        ReleaseBlock("s1-hit", id, "S1", "a hit on a sample of severity S1", again)
        for id in decision.get("s1_hits", ())
    ]
    found += [
        ReleaseBlock("s1-unscored", id, "S1", "a sample of severity S1 without a score", again)
        for id in decision.get("s1_unscored", ())
    ]
    said = {"unscored": "lacks more scores than the gate allows", "kept-replies": "rests on replies that were kept"}
    found += [ReleaseBlock(kind, run, "S1", said[kind], "measure again") for kind, run in spoilt]
    found += [_finding_block(one["finding"], one["severity"], one["reason"]) for one in decision.get("findings", ())]
    if decision["verdict"] != "ship" and not found:
        found.append(ReleaseBlock("undecided", decision["id"], "S1", str(decision["reason"]), "decide again"))
    return found


def finding_blocks(decision: Json, entries: Iterable[tuple[int, str, str, Json]], at: str) -> list[ReleaseBlock]:
    """Return the findings that stand in the way at a moment, and that the gate's decision does not name.

    Args:
        decision: ``decision.json``.
        entries: number, time, kind and body of the audit chain's entries, as far as they are looked at.
        at: the moment, ISO 8601.
    """
    named = {one["finding"] for one in decision.get("findings", ())}
    found = blocking(standings(entries, at, decision["system"]).values(), at)
    return [_finding_block(one.finding, one.severity, one.reason) for one in found if one.finding not in named]


def _finding_block(finding: str, severity: str, reason: str) -> ReleaseBlock:
    remedy = "`shipworthy finding show` tells what is missing; then decide again"
    return ReleaseBlock("finding", finding, severity, reason, remedy)


class Acceptance(NamedTuple):
    """A risk, or a requirement, that somebody with the right took for a time.

    Attributes:
        entry: its number in the audit chain.
        on: id of the risk or requirement.
        ceiling: the worst severity that it covers.
        begins, expires: first and last day, ``2026-12-31``.
    """

    entry: int
    on: str
    by: str
    role: str
    ceiling: str
    begins: str
    expires: str
    reason: str
    compensating: str

    def live(self, day: str) -> bool:
        """Say whether it holds on a day."""
        return self.begins <= day <= self.expires


def length_refusal(begins: str, expires: str) -> str:
    """Return why an acceptance, or an override, may not run so long; empty where it may."""
    try:
        days = (date.fromisoformat(expires) - date.fromisoformat(begins)).days
    except ValueError:
        return f"{expires!r} is no day, such as 2026-12-31"
    if days < 0:
        return f"expires on {expires}, before it begins on {begins}"
    return "" if days <= MOST_DAYS else f"runs for {days} days, and may run for {MOST_DAYS}: it is looked at again then"


def covering(block: ReleaseBlock, decision: Json, accepted: Iterable[Acceptance], day: str) -> list[Acceptance]:
    """Return the acceptances that cover a failed criterion on a day; none where it is not covered.

    That is one of its requirement, or one of each of its risks; each with a ceiling no lower than how bad it is. An
    accepted criterion is not a passed one.
    """
    if block.kind != "criterion":
        return []
    result = next(one for one in decision["criteria"] if one["id"] == block.about)
    good = [one for one in accepted if one.live(day) and one.ceiling <= block.severity]
    if own := [one for one in good if one.on == result["requirement"]]:
        return own[-1:]
    risks = list(result.get("risks", ()))
    found = [[one for one in good if one.on == risk][-1:] for risk in risks]
    return [one for ones in found for one in ones] if risks and all(found) else []


def standing_votes(votes: Iterable[Json]) -> list[Json]:
    """Return the last vote of each person: who thinks better of it gives another, and one person counts once."""
    last: dict[str, Json] = {}
    for vote in votes:
        last.pop(person(vote["by"]), None)
        last[person(vote["by"])] = vote
    return list(last.values())


def vote_blocks(rules: Json, votes: Iterable[Json]) -> list[ReleaseBlock]:
    """Return what is missing of approvals, and who said no."""
    tier, worst = rules["tier"], worst_risk(rules)
    standing = standing_votes(votes)
    found = [
        ReleaseBlock("rejection", one["by"], worst, f"said no, as {one['role']}: {one['reason'] or 'no reason'}",
              "answer it; who said no may sign again")
        for one in standing if one["answer"] == "rejected"
    ]  # fmt: skip
    if tier is None:
        return found
    yes = [one for one in standing if one["answer"] == "approved" and one["role"] in tier["approvers"]]
    if len(yes) < tier["approvals"]:
        who = ", ".join(one["by"] for one in yes) or "nobody"
        told = f"{len(yes)} of {tier['approvals']} approvals ({who})"
        roles = ", ".join(tier["approvers"])
        found.append(
            ReleaseBlock(
                "approval", tier["id"], worst, told, f"`shipworthy release sign` by holders of {roles}; a person once"
            )
        )
    return found


def age_block(rules: Json, runs: Iterable[tuple[str, str]], day: str) -> list[ReleaseBlock]:
    """Return whether a run is older than the tier allows.

    Args:
        runs: id and day of each run that is decided on.
        day: on which it is asked.
    """
    most = None if rules["tier"] is None else rules["tier"]["evidence_days"]
    if most is None:
        return []
    return [
        ReleaseBlock(
            "age", run, worst_risk(rules), f"measured {days} days ago, and {most} are allowed", "measure again"
        )
        for run, made in runs
        if (days := (date.fromisoformat(day) - date.fromisoformat(made)).days) > most
    ]


def follows(blocks: Sequence[ReleaseBlock], covered: Sequence[ReleaseBlock], overridden: Sequence[ReleaseBlock]) -> str:
    """Return the verdict that follows: a GO where nothing blocks, one with risk acceptance where what does was taken.

    >>> follows([], [], [])
    'GO'
    >>> follows([ReleaseBlock("age", "RUN-1", "S2", "old")], [], [])
    'NO_GO'
    """
    taken = {one.key for one in (*covered, *overridden)}
    if any(one.key not in taken for one in blocks):
        return NO_GO
    return ACCEPTING if blocks else GO


def moment(text: str) -> datetime:
    """Return an entry's time, or a statement's.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def set_back(before: str, now: str) -> bool:
    """Say whether a clock that shows `now` was put back since it, or another, showed `before`."""
    return moment(now) < moment(before) - timedelta(seconds=APART_S)
