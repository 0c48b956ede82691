"""How long an accepted idea takes until it protects somebody."""

from __future__ import annotations

from shipworthy.core.occurrence import moment
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiRecord, Measured, measured
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import waited

_DAY = 86_400


@measured(
    title="Research to production",
    formula="mitigation enforced in production - its memo accepted",
    source="`memo.accepted` and `mitigation.enforced` occurrences (memo=…)",
    unit="days",
    better="lower",
    target="<= 90 d",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Take all memos that were accepted before the end of the period; those without a mitigation still wait."""
    until = min(period.end, facts.now)
    memos = [one for one in facts.occurrences if one.kind == "memo.accepted" and moment(one.when) < until]
    enforced: dict[str, str] = {}
    for one in facts.occurrences:
        if one.kind == "mitigation.enforced" and one.moment < until:
            enforced.setdefault(one.fields.get("memo", ""), one.when)
    days, happened, records = [], [], []
    backwards = 0
    for memo in memos:
        ended = enforced.get(memo.about, "")
        waiting = ((moment(ended) if ended else until) - memo.moment).total_seconds() / _DAY
        if waiting < 0:
            backwards += 1
            continue
        days.append(waiting)
        happened.append(bool(ended))
        records.append(KpiRecord(memo.about, memo.when, waiting, f"enforced {ended}" if ended else "still waits"))
    return waited(
        days, happened, counted="memos that were accepted", records=records,
        why="no memo was accepted (`shipworthy record memo.accepted`)",
        left_out={"enforced before it was accepted": backwards} if backwards else {},
        estimates="memos accepted up to the end of the period, those that wait taken as waiting",
    )  # fmt: skip
