"""Whom it touches: the assessments that laws ask for, as far as the files show that they apply."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource, ToldEntity

PERSONAL = ("personal", "special")


def personal_data(source: DossierSource) -> list[ToldEntity]:
    """Return the categories of data that are about people."""
    return [one for one in source.all("data") if one["sensitivity"] in PERSONAL]


@section(5, "impact", "Impact on people")
def impact(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell whether a fundamental rights or data protection impact assessment is due, and what it is about."""
    act, system = source.system["ai_act"], source.system.ref
    if act is None:
        yield source.gap(
            "Whether a fundamental rights impact assessment is due (Article 27) cannot be told: `ai_act` is not "
            "declared.", system, "eu-ai-act:Art27@2024", open=True,
        )  # fmt: skip
    elif act["risk_class"] == "high" and act["role"] == "deployer":
        yield source.gap(
            "A deployer of a high-risk system may owe a fundamental rights impact assessment: name it in the dossier "
            "under SEC-05.", system, "eu-ai-act:Art27@2024", open=True,
        )  # fmt: skip
    else:
        yield source.fact(
            f"A fundamental rights impact assessment is not due, because it is owed by deployers of high-risk systems, "
            f"and this one is declared as {act['risk_class']}, its owner as {act['role']}.",
            system, "eu-ai-act:Art27@2024", open=True,
        )  # fmt: skip
    about = personal_data(source)
    if about:
        yield source.fact(
            "A data protection impact assessment is to be considered: the system holds personal data.",
            *(one.ref for one in about), open=True,
        )  # fmt: skip
    elif source.all("data"):
        yield source.fact(
            "No category of data is declared as personal, so nothing here asks for a data protection impact "
            "assessment.", *(one.ref for one in source.all("data")), open=True,
        )  # fmt: skip
    rows = []
    for one in about:
        held = [part for part in source.all("component") if one.id in (part["holds"] or ())]
        gone = [sub for sub in source.all("subprocessor") if one.id in sub["data"]]
        rows.append(
            source.row(
                (source.title("data", one.id), one["sensitivity"], listed([p.id for p in held], "no part says so"),
                 listed([s.id for s in gone], "nobody")),
                one.ref, *(p.ref for p in held), *(s.ref for s in gone),
            )
        )  # fmt: skip
    yield from table(("Personal data", "Sensitivity", "Held by", "Reaches"), rows)
    journeys = [
        source.row((source.title("journey", one["journey"]), source.title("risk", one["risk"])),
                   one["journey"], one["risk"], open=True)
        for one in source.coverage
    ]  # fmt: skip
    yield from table(("People who", "May meet the risk"), journeys)
