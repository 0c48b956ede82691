"""How long a change that made the system worse was there before a gate said so."""

from __future__ import annotations

from itertools import pairwise

from shipworthy.core.change import OF_SUBJECT
from shipworthy.core.occurrence import moment
from shipworthy.core.records import Decision
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiRecord, Measured, measured
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import waited

_DAY = 86_400


@measured(
    title="Regression detection lead time",
    formula="first no-ship after a ship of the same gate - the first change between the two",
    source="decisions; changes that were entered, merged (`shipworthy record`) or found by a sentinel",
    unit="days",
    better="lower",
    target="<= 2 d",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Return the median over the regressions that a gate found in the period."""
    began = _changes(facts)
    records, days, unknown = [], [], 0
    for old, new in _regressions(facts.decisions):
        if not period.has(new.created):
            continue
        between = [one for one in began if moment(old.created) <= moment(one[0]) <= moment(new.created)]
        if not between:
            unknown += 1
            records.append(KpiRecord(new.id, new.created, None, "no change since the ship before was recorded"))
            continue
        first, what = between[0]
        waiting = (moment(new.created) - moment(first)).total_seconds() / _DAY
        days.append(waiting)
        records.append(KpiRecord(new.id, new.created, waiting, f"{what}, {first}; {len(between)} changes in all"))
    return waited(
        days, [True] * len(days), counted="regressions that a gate found", records=records,
        why="no gate that had shipped said no-ship" if not unknown else "no change before a regression was recorded",
        left_out={"without a recorded change": unknown} if unknown else {},
        estimates="regressions that a gate found, whose changes were recorded; what nobody found is in no number",
    )  # fmt: skip


def _regressions(decisions: list[Decision]) -> list[tuple[Decision, Decision]]:
    """Return (ship, no-ship after it), each no-ship that directly follows a ship of its gate, on another subject."""
    gates: dict[str, list[Decision]] = {}
    for one in decisions:
        if one.verdict != "inconclusive":
            gates.setdefault(one.gate, []).append(one)
    return [
        (old, new)
        for chain in gates.values()
        for old, new in pairwise(chain)
        if (old.verdict, new.verdict) == ("ship", "no-ship")
    ]


def _changes(facts: KpiFacts) -> list[tuple[str, str]]:
    """Return (when, what) of all that changed the system, oldest first."""
    said = [(one.since or one.at, one.told) for one in facts.changes if one.kind in OF_SUBJECT]
    merged = [(one.when, f"merged {one.about[:12]}") for one in facts.occurrences if one.kind == "change.merged"]
    return sorted([*said, *merged], key=lambda one: moment(one[0]))
