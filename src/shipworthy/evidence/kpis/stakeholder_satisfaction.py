"""What those who rely on the programme think of it."""

from __future__ import annotations

from collections import Counter

from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import part


@measured(
    title="Stakeholder satisfaction",
    formula="mean of the scores 1 to 5 of all who answered",
    source="`survey.sent` and `survey.answered` occurrences",
    unit="score 1 to 5",
    better="higher",
    target=">= 4",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Count answers to surveys that were sent in the period, each person's last one."""
    from shipworthy.stats.finite_mean import finite_mean

    sent = facts.happened(period, "survey.sent")
    if not sent:
        return nothing(f"no survey was sent in {period.name} (`shipworthy record survey.sent`)")
    surveys = {one.about for one in sent}
    invited = sum(int(one.fields["invited"]) for one in sent)
    answers: dict[tuple[str, str], int] = {}
    for number, one in enumerate(one for one in facts.occurrences if one.kind == "survey.answered"):
        if one.about in surveys:
            answers[one.about, one.fields.get("who") or f"#{number}"] = int(one.fields["score"])
    scores = list(answers.values())
    if not scores:
        return nothing(f"of {invited:,} who were asked nobody has answered", {"asked": invited})
    spread = Counter(scores)
    people = max(invited, len(scores))
    found = finite_mean(scores, people, low=1, high=5)
    return Measured(
        value=found.mean, low=found.low, high=found.high, of=len(scores), counted="answers",
        method="mean, Student's limits with finite population correction, kept within 1 to 5",
        estimates="all who were asked, were those who did not answer of the same opinion: they seldom are",
        left_out={"asked, did not answer": people - len(scores)},
        records=tuple(KpiRecord(one.about, one.when, None, f"{one.fields['invited']} asked") for one in sent),
        parts=(
            part("response rate", len(scores), people),
            *(KpiPart(name=f"score {score}", hits=spread[score], of=len(scores)) for score in range(1, 6)),
        ),
    )  # fmt: skip
