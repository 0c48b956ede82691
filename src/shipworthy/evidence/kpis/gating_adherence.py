"""How many releases of high risk went past the gate, as they should."""

from __future__ import annotations

from shipworthy.core.occurrence import Occurrence, moment
from shipworthy.core.records import Decision
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiRecord, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.kpis.shares import part, share


@measured(
    title="Gating adherence",
    formula="high-risk deployments with a decision to ship on their subject before they went out / all of them",
    source="`deploy.ga` occurrences, from the deployment pipeline; decisions that the audit log holds",
    unit="share",
    better="higher",
    target=">= 100 %",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Hold each deployment of the period against the decisions before it; a census."""
    deployed = facts.happened(period, "deploy.ga")
    high = [one for one in deployed if one.fields["tier"] == "high"]
    if not high:
        return nothing(
            f"no deployment of high risk was recorded in {period.name} (`shipworthy record deploy.ga`)",
            {"of lower risk": len(deployed)} if deployed else {},
        )
    found = [(one, *_gated(one, facts.decisions)) for one in high]
    good = sum(not why for _, _, why in found)
    return share(
        good, len(high), census=True, counted="high-risk deployments",
        estimates="deployments that the pipeline recorded; one that nobody recorded is in no number",
        records=[
            KpiRecord(one.about, one.when, float(not why), why or f"shipped on {decision}")
            for one, decision, why in found
        ],
        left_out={"of lower risk": len(deployed) - len(high)} if len(deployed) > len(high) else {},
        parts=[part("as a sample of all such deployments", good, len(high), "exact limits")],
    )  # fmt: skip


def _gated(one: Occurrence, decisions: list[Decision]) -> tuple[str, str]:
    """Return the decision that a deployment rests on, and why it does not count; the latter is empty where it does."""
    named, subject = one.fields.get("decision", ""), one.fields.get("subject", "")
    before = [d for d in decisions if moment(d.created) <= one.moment]
    if named:
        found = next((d for d in before if d.id == named), None)
        if found is None:
            return named, f"{named} is no decision that the audit log held before it went out"
        if subject and found.subject_digest != subject:
            return named, f"{named} is about another subject than the one that went out"
    elif subject:
        found = next((d for d in reversed(before) if d.subject_digest == subject), None)
        if found is None:
            return "", "no decision before it is about the subject that went out"
    else:
        return "", "it names neither its decision nor its subject, so nothing shows that it was decided on"
    return found.id, "" if found.verdict == "ship" else f"{found.id} says {found.verdict}"
