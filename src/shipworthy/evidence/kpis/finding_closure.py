"""How many findings are remedied in time, and shown to be."""

from __future__ import annotations

from shipworthy.core.finding_entry import moment as read
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured, measured
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import share
from shipworthy.findings.closure import finding_closure


@measured(
    title="Finding closure in time",
    formula="S1 and S2 findings whose remedy a re-run that passed verified by their deadline / those whose deadline "
    "ended in the period",
    source="findings",
    unit="share",
    better="higher",
    target=">= 90 %",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Count the deadlines that ended; an accepted risk is not remedied, and stands in a column of its own."""
    now = facts.now.isoformat(timespec="seconds")
    found = finding_closure(facts.findings, period.start.isoformat(), period.end.isoformat(), now)
    ages = {age: f"open past due, up to {age} days" if age else "open past due, longer" for age in found.past_due}
    records = [
        KpiRecord(one.id, term.due, None if not term.met else float(read(term.met) <= read(term.due)),
                  f"{term.severity}, {one.state}")
        for one in facts.findings
        for term in one.terms
        if term.due and period.has(read(term.due)) and read(term.due) <= facts.now and term.severity in ("S1", "S2")
    ]  # fmt: skip
    return share(
        found.met, found.ended, counted="deadlines of S1 and S2 findings that ended",
        why=f"no deadline of an S1 or S2 finding ended in {period.name}", records=records,
        estimates="findings as they are, taken as independent of one another",
        parts=[
            KpiPart(name="remedied too late", hits=found.late, of=found.ended),
            KpiPart(name="risk accepted: not closed", hits=found.accepted, of=found.ended),
            KpiPart(name="rejected: no finding after all", hits=found.rejected, of=found.ended),
            KpiPart(name="not remedied", hits=found.open, of=found.ended),
            *(KpiPart(name=ages[age], hits=count) for age, count in found.past_due.items()),
        ],
    )  # fmt: skip
