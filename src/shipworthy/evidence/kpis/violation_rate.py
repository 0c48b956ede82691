"""How often production breaks a policy."""

from __future__ import annotations

from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period


@measured(
    title="Production policy violations",
    formula="sessions with at least one violation / sessions x 10,000",
    source="telemetry (`--telemetry`)",
    unit="per 10,000 sessions",
    better="lower",
    target="<= 5",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Count sessions of the period; each day by itself is a record."""
    if facts.view is None:
        return nothing("there is no telemetry to count: name its folder with --telemetry (`shipworthy serve` makes it)")
    from shipworthy.telemetry.rates import rates

    since, until = period.first_day, period.last_day
    one = next(iter(rates(facts.view, by=(), since=since, until=until).rates), None)
    if one is None or one.per is None:
        return nothing(f"telemetry has no session in {period.name}")
    days = rates(facts.view, by=("day",), since=since, until=until).rates
    severe = rates(facts.view, by=("severity",), since=since, until=until).rates
    weight = sum(facts.weight(f"S{of.severity}") * of.hits for of in severe if of.severity)
    unrated = sum(of.hits for of in severe if not of.severity)
    return Measured(
        value=one.per, low=one.low, high=one.high, hits=one.hits, of=one.sessions, counted="sessions",
        method="exact limits (Clopper and Pearson), sessions taken as independent of one another",
        estimates="what the detectors in production flag, which is not what people would call a violation: "
        "their misses and false alarms are in it",
        records=tuple(KpiRecord(d.day, d.day, d.per, f"{d.hits:,} of {d.sessions:,} sessions") for d in days),
        parts=(
            *(
                KpiPart(name=f"severity S{of.severity}" if of.severity else "unrated", value=of.per, low=of.low,
                     high=of.high, hits=of.hits, of=of.sessions)
                for of in severe
            ),
            KpiPart(name=f"weight per 10,000 sessions ({facts.weights_said}; {unrated:,} unrated weigh nothing)",
                 value=10_000 * weight / one.sessions, of=one.sessions, note="without limits"),
        ),
    )  # fmt: skip
