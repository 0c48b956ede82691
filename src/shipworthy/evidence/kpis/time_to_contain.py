"""How long harm goes on once somebody knows of it."""

from __future__ import annotations

from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured, measured
from shipworthy.evidence.kpis.period import Period
from shipworthy.incidents.containment_time import containment_times


@measured(
    title="Time to contain",
    formula="contained, proved by a replay that fails - aware; median over incidents of S1 and S2",
    source="incidents",
    unit="minutes",
    better="lower",
    target="<= 60 min",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Take every incident that became known in the period; what is not contained is named, never left out silently."""
    from shipworthy.stats.median import median_interval

    found = containment_times(facts.incidents, since=period.start, until=period.end)
    times = [one.contain for one in found.points if one.contain is not None]
    records = tuple(
        KpiRecord(one.incident, "", one.contain, one.why or f"{one.severity or 'unrated'}, contained")
        for one in found.points
    )
    out = {"not contained": found.open, "said to be contained, not replayed": found.unverified}
    left_out = {kind: count for kind, count in out.items() if count}
    parts = [
        KpiPart(name="geometric mean, minutes", value=found.mean.mean if found.mean else None,
             low=found.mean.low if found.mean else None, high=found.mean.high if found.mean else None, of=len(times),
             note="" if found.mean else "none under five incidents"),
        KpiPart(name="time to notice, median, minutes", value=found.detect_median,
             of=sum(one.detect is not None for one in found.points), note="began to aware"),
    ]  # fmt: skip
    if not times:
        why = "no incident of S1 or S2 became known" if not found.points else "none of them was contained by a replay"
        return Measured(value=None, why=f"{why} in {period.name}", records=records, left_out=left_out,
                        parts=tuple(parts))  # fmt: skip
    spread = median_interval(times)
    known = abs(spread.low) != float("inf")
    # One that goes on has no time yet: how long it will be, no limit says.
    above = spread.high if known and not left_out else None
    return Measured(
        value=found.median, low=spread.low if known else None, high=above, of=len(times),
        counted="incidents contained", records=records, left_out=left_out, parts=tuple(parts),
        method="median, exact limits for every distribution" if known else "median; too few incidents for limits",
        estimates="incidents that were contained; those that are not are left out and named",
    )  # fmt: skip
