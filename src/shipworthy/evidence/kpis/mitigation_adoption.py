"""How many of those who should have a mitigation pattern do have it, as traffic and configurations show."""

from __future__ import annotations

from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiRecord, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import share


@measured(
    title="Mitigation adoption",
    formula="applicable (team x pattern) pairs that were seen / applicable pairs",
    source="patterns of programme.yaml; `pattern.seen` occurrences from CI; guard digests in telemetry",
    unit="share",
    better="higher",
    target=">= 80 %",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Look for each pair; what somebody merely declares counts for nothing."""
    patterns = facts.programme.patterns
    if not patterns:
        return nothing("programme.yaml names no pattern (`patterns`), so nobody should have adopted one")
    seen: dict[tuple[str, str], str] = {}
    for one in facts.happened(period, "pattern.seen"):
        seen.setdefault((one.fields["where"], one.about), f"seen by {one.source} on {one.when}")
    guarded = _guarded(facts, period)
    pairs = [(team, pattern) for pattern in patterns for team in pattern.applies_to]
    records = []
    for team, pattern in pairs:
        by = seen.get((team, pattern.id), "")
        if not by and pattern.control is not None and _is_guard(facts, pattern.control) and team in guarded:
            by = f"its traffic was guarded by {guarded[team]}, which a decision measured"
        records.append(KpiRecord(f"{team} x {pattern.id}", "", float(bool(by)), by or "not seen"))
    return share(
        sum(bool(one.value) for one in records), len(pairs), census=True, counted="applicable pairs", records=records,
        estimates="pairs that programme.yaml names; adopted is what was seen, not what was said",
    )  # fmt: skip


def _is_guard(facts: KpiFacts, control: str) -> bool:
    return bool(facts.workspace.graph.node("control", control).entity.guards)


def _guarded(facts: KpiFacts, period: Period) -> dict[str, str]:
    """Return service -> digest of the guards that its traffic passed in the period, where a run measured these."""
    if facts.view is None:
        return {}
    known = {str(run.guards) for run in facts.manifests} - {""}
    rows = facts.view.query(
        "select service, guards, count(*) from facts where guards <> '' and day between ? and ? group by 1, 2",
        [period.first_day, period.last_day],
    )
    return {str(service): str(guards) for service, guards, _ in rows if str(guards) in known}
