"""How well partner teams do safety reviews by themselves."""

from __future__ import annotations

from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured, measured
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import part, share


@measured(
    title="Capability uplift",
    formula="safety reviews by partner teams without a material correction on blind re-review / such reviews",
    source="`review.done` and `training.done` occurrences",
    unit="share",
    better="higher",
    target=">= 80 %",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Count reviews of the period; beside them the trainings."""
    reviews = facts.happened(period, "review.done")
    good = sum(one.fields["corrected"] == "no" for one in reviews)
    teams: dict[str, list[bool]] = {}
    for one in reviews:
        teams.setdefault(one.fields["by"], []).append(one.fields["corrected"] == "no")
    return share(
        good, len(reviews), counted="reviews that were reviewed again",
        why=f"no safety review was reviewed blind again in {period.name} (`shipworthy record review.done`)",
        estimates="reviews like these; which ones were taken for a second look decides how far that goes",
        records=[
            KpiRecord(one.about, one.when, float(one.fields["corrected"] == "no"), f"by {one.fields['by']}")
            for one in reviews
        ],
        parts=[_passed(facts, period), *(part(f"team {name}", sum(all_), len(all_)) for name, all_ in teams.items())],
    )  # fmt: skip


def _passed(facts: KpiFacts, period: Period) -> KpiPart:
    """Return how many who took a module passed it, each person and module once: the last try."""
    last = {(one.about, one.fields["who"]): one.fields["passed"] for one in facts.happened(period, "training.done")}
    return part("trainings passed, the last try of each person", sum(x == "yes" for x in last.values()), len(last))
