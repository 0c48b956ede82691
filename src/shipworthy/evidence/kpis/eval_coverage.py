"""How much of what is critical is measured today."""

from __future__ import annotations

from shipworthy.evidence.covered import FRESH_DAYS, covered
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiRecord, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import share


@measured(
    title="Evaluation coverage",
    formula="critical cells (journey x risk) with a criterion that stands, on enough samples, not older than 30 days / "
    "all critical cells",
    source="journeys and risks of the files; decisions and runs",
    unit="share",
    better="higher",
    target=">= 95 %",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Count the cells now. What stood at the end of a period that is over, nobody can tell from the files of today."""
    if period.end <= facts.now:
        return nothing(f"{period.name} is over, and what stood then was not kept (`shipworthy kpi keep`)")
    when = facts.now
    found = covered(facts.workspace.graph, facts.standings.criteria, when)
    critical = [cell for cell in found.cells if cell.critical]
    return share(
        found.covered, found.critical, census=True, counted="critical cells",
        why="no journey is marked critical, or no risk is on one",
        estimates=f"these cells on {when:%Y-%m-%d}; evidence of the last {FRESH_DAYS} days counts",
        records=[
            KpiRecord(f"{c.journey} x {c.risk}", "", float(c.covered), ", ".join(c.criteria) or c.gap)
            for c in critical
        ],
    )  # fmt: skip
