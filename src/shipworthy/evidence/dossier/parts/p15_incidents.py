"""What is done when it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core.incident_entry import DRILLED, EXERCISED, INCIDENT
from shipworthy.core.incident_standing import standings_of
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.law import clocks


@section(15, "incidents", "Incident plan")
def incidents(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell severities, levers with the day on which each was drilled, terms of law, and the incidents there were."""
    drills = {
        said["lever"]: (str(said["at"])[:10], ref) for ref, said in source.entered(DRILLED) if said["worked"]
    }  # fmt: skip
    days = {one.id: _last(one["last_drilled"], drills.get(one.id)) for one in source.all("lever")}
    rows = [
        source.row(
            (f"{one.id}\n{one['title']}", one["kind"], f"{one['max_minutes']:,} min", days[one.id] or "NEVER",
             f"every {one['every_days']:,} days", listed(one["contains"], "nothing")), one.ref,
            *([drills[one.id][1]] if one.id in drills else []), open=True,
        )
        for one in source.all("lever")
    ]  # fmt: skip
    yield from table(("Lever", "Kind", "Works within", "Last drilled", "To be drilled", "Contains"), rows)
    for one in source.all("lever"):
        if days[one.id] is None:
            yield source.gap(f"{source.title('lever', one.id)} was never drilled: nobody knows whether it works.",
                             one.ref, open=True)  # fmt: skip
    if not rows:
        yield source.gap("No lever is written down: how the system is stopped is not said.", source.system.ref,
                         open=True)  # fmt: skip
    worst = sorted({one["severity"] for one in source.all("risk")})
    if worst:
        yield source.fact(f"Risks of the severities {', '.join(worst)} are known; S1 is the worst.",
                          *(one.ref for one in source.all("risk")), open=True)  # fmt: skip
    act = source.system["ai_act"]
    if act and act["risk_class"] == "high":
        terms = [
            source.row((one.what, f"{one.days} days", one.seen), f"law:{one.id}", one.article)
            for one in clocks() if one.id.startswith("art73")
        ]  # fmt: skip
        yield from table(("Report of a serious incident", "Within", "Official text"), terms)
    elif act:
        yield source.fact(
            f"The terms of Article 73 are not applicable, because they are for high-risk systems, and this one is "
            f"declared as {act['risk_class']}.", source.system.ref, "eu-ai-act:Art73@2024", open=True,
        )  # fmt: skip
    matrix = [
        source.row((one["severity"], one["commander"], listed(one["tell"], "nobody else"),
                    f"{one['triage_minutes']:,} min", f"{one['contain_minutes']:,} min"), one.ref)
        for one in source.all("escalation")
    ]  # fmt: skip
    yield from table(("Severity", "Led by", "Told", "Triaged within", "Contained within"), matrix, "Who is called.")
    yield from _happened(source)


def _happened(source: DossierSource) -> Iterator[Item]:
    """Tell the incidents and exercises on record when it was decided: facts, and no words of people."""
    entries = [(int(ref.removeprefix("audit:")), said) for ref, said in source.entered(INCIDENT)]
    system = source.system.id
    found = standings_of((number, said) for number, said in entries if said["system"] == system)
    rows = [
        source.row(
            (one.id, one.severity or "not rated", one.state, one.times.get("aware", ""), one.times.get("contained", ""),
             f"{one.minutes:,.1f} min" if one.minutes is not None else "not by a replay",
             listed(one.cases, "none")), *(f"audit:{number}" for number in one.entries),
        )
        for one in found
    ]  # fmt: skip
    columns = ("Incident", "Severity", "State", "Aware", "Contained", "To contain", "Regression cases")
    yield from table(columns, rows, "Incidents on record; contained means that the replay of the reproduction failed.")
    for one in found:
        if one.state != "closed" and one.severity in ("S1", "S2"):
            yield source.gap(f"{one.id} ({one.severity}) is {one.state} and not closed.", f"audit:{one.entries[-1]}")
    if source.decision is not None and not found:
        yield source.fact("No incident was on record when it was decided.", source.decision.id)
    held = [
        source.row((said["id"], said["scenario"], said["at"], f"{said['points']:,} of {said['most']:,}"), ref)
        for ref, said in source.entered(EXERCISED)
        if said["system"] == system
    ]
    yield from table(("Exercise", "Scenario", "Held", "Points"), held, "Tabletop exercises.")


def _last(written: str | None, drilled: tuple[str, str] | None) -> str | None:
    return max((day for day in (written, drilled[0] if drilled else None) if day), default=None)
