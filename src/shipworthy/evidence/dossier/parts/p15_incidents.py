"""What is done when it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.law import clocks


@section(15, "incidents", "Incident plan")
def incidents(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell severities, levers with the day on which each was drilled, and terms of law."""
    rows = [
        source.row(
            (f"{one.id}\n{one['title']}", one["kind"], f"{one['max_minutes']:,} min", one["last_drilled"] or "NEVER",
             f"every {one['every_days']:,} days", listed(one["contains"], "nothing")), one.ref, open=True,
        )
        for one in source.all("lever")
    ]  # fmt: skip
    yield from table(("Lever", "Kind", "Works within", "Last drilled", "To be drilled", "Contains"), rows)
    for one in source.all("lever"):
        if one["last_drilled"] is None:
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
