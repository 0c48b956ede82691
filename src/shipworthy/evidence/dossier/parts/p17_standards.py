"""What others ask for, and where the evidence for it stands."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.crosswalk import crosswalks
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.frameworks import standards
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.law import dates


@section(17, "standards", "Standards and crosswalks")
def standards_part(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell standards with the sections that speak to them, crosswalks by links, days of law, and the declaration."""
    yield from crosswalks(source)
    rows = [
        source.row((one.id, one.title, one.state, " ".join(f"{n:02}" for n in one.sections), one.source),
                   source.system.ref, open=True)
        for one in standards()
    ]  # fmt: skip
    caption = "Which sections speak to which standard, as we read it. No standard is said to be met."
    yield from table(("Standard", "About", "State", "Sections", "As told by"), rows, caption)
    law = [
        source.row((one.date, one.what, one.source, one.seen), f"law:{one.id}", one.article, open=True)
        for one in dates()
    ]
    yield from table(("Day", "What begins", "Source", "What was seen"), law, "Days of law are data: check them.")
    act = source.system["ai_act"]
    if act is None:
        yield source.gap("Whether a declaration of conformity is due cannot be told: `ai_act` is not declared.",
                         source.system.ref, open=True)  # fmt: skip
    elif act["risk_class"] == "high" and act["role"] == "provider":
        yield source.gap("A provider of a high-risk system draws up a declaration of conformity: name it under SEC-17.",
                         source.system.ref, "eu-ai-act:Art47@2024", open=True)  # fmt: skip
    else:
        yield source.fact(
            f"A declaration of conformity is not applicable, because it is drawn up by providers of high-risk systems, "
            f"and this one is declared as {act['risk_class']}, its owner as {act['role']}.",
            source.system.ref, "eu-ai-act:Art47@2024", open=True,
        )  # fmt: skip
