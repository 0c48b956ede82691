"""How often something severe happens in production."""

from __future__ import annotations

from collections import Counter

from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period, before
from shipworthy.incidents.incident import Incident


@measured(
    title="High-severity incidents",
    formula="incidents of S1 and S2 that became known in the period / sessions x 10,000",
    source="incidents; sessions of telemetry, or `sessions.counted` occurrences",
    unit="per 10,000 sessions",
    better="lower",
    target="<= 0.1",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Count incidents by when somebody knew of them."""
    from shipworthy.stats.event_rate import poisson_rate, rate_ratio, weighted_event_rate

    found = _known(facts, period)
    severe = [one for one in found if one.severity in ("S1", "S2", None)]
    unrated = sum(one.severity is None for one in found)
    records = tuple(KpiRecord(one.id, _aware(one), None, f"{one.severity or 'unrated'}: {one.title}") for one in found)
    sessions, source = facts.sessions(period)
    if not sessions:
        return nothing(
            f"nobody counted sessions of {period.name} (--telemetry, or `shipworthy record sessions.counted`); "
            f"{len(severe)} incidents of S1 and S2 became known"
        )
    rate = poisson_rate(len(severe), sessions)
    counts = Counter(str(one.severity) for one in found)
    rated = [name for name in ("S1", "S2", "S3", "S4") if facts.weight(name) > 0]
    parts = []
    if rated:
        weights = [facts.weight(name) for name in rated]
        weighed = weighted_event_rate([counts[name] for name in rated], weights, sessions)
        parts.append(
            KpiPart(name=f"weight per 10,000 sessions ({facts.weights_said})", value=weighed.rate, low=weighed.low,
                 high=weighed.high, note="gamma limits (Fay and Feuer); unrated ones weigh nothing")
        )  # fmt: skip
    earlier = before(period, 2)[0]
    then = facts.sessions(earlier).sessions
    if then:
        old = sum(one.severity in ("S1", "S2", None) for one in _known(facts, earlier))
        ratio = rate_ratio(len(severe), sessions, old, then)
        said = "changed" if ratio.changed else "not shown to have changed"
        parts.append(
            KpiPart(name=f"against {earlier.name}", value=ratio.ratio if old else None, low=ratio.low,
                 high=None if ratio.high == float("inf") else ratio.high, note=f"{said}: the interval of the ratio "
                 f"{'leaves out' if ratio.changed else 'holds'} 1")
        )  # fmt: skip
    return Measured(
        value=rate.rate, low=rate.low, high=rate.high, hits=len(severe), of=sessions, counted=f"sessions ({source})",
        method="exact limits of a Poisson count (Garwood)", records=records, parts=tuple(parts),
        estimates="incidents that somebody opened; unrated ones count as severe"
        + (f", and {unrated} are" if unrated else ""),
    )  # fmt: skip


def _known(facts: KpiFacts, period: Period) -> list[Incident]:
    return [one for one in facts.incidents if (at := one.mark("aware")) is not None and period.has(at)]


def _aware(one: Incident) -> str:
    at = one.mark("aware")
    return "" if at is None else at.isoformat()
