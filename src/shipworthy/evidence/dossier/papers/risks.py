"""Risks: their assessment, what is left of them, and what they mean for people's data."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.paper import paper
from shipworthy.evidence.dossier.parts.p05_impact import personal_data
from shipworthy.evidence.dossier.section import listed, table
from shipworthy.evidence.dossier.source import DossierSource


@paper("risk-assessment", "Risk assessment", "what may go wrong, how bad, what is done against it", 4, 10, 16)
def assessment(source: DossierSource) -> Iterator[Item]:
    """Tell how many risks there are by severity, and which nothing is done against."""
    risks = source.all("risk")
    if not risks:
        yield source.gap("No risk is written down.", source.system.ref, open=True)
        return
    count = {severity: sum(one["severity"] == severity for one in risks) for severity in ("S1", "S2", "S3", "S4")}
    told = ", ".join(f"{number} of {severity}" for severity, number in count.items() if number)
    yield source.fact(f"Risks that are known: {told}.", *(one.ref for one in risks), open=True)
    for one in risks:
        if not source.into("risk", one.id, "mitigates", "requirement"):
            yield source.gap(f"Nothing is required against {source.title('risk', one.id)}.", one.ref, open=True)


@paper("residual-risk", "Residual-risk statement", "what is left of each risk, by the evidence", 16, 12)
def residual(source: DossierSource) -> Iterator[Item]:
    """Tell what is left of each risk, each with what it rests on."""
    left = sorted(((source.left(one), one) for one in source.all("risk")), key=lambda p: (-p[0].residual, p[1].id))
    rows = [
        source.row((source.title("risk", one.id), one["severity"], f"{what.inherent:.1f}", f"{what.residual:.1f}",
                    what.basis), *what.sources)
        for what, one in left
    ]  # fmt: skip
    open_ = [
        source.row((source.title("risk", one.id), one["severity"], f"{what.inherent:.1f}", f"{what.residual:.1f}",
                    "measured" if what.measured else "not measured: the inherent one"), *what.sources, open=True)
        for what, one in left
    ]  # fmt: skip
    yield from table(("Risk", "Severity", "Inherent", "Left", "Rests on"), rows, "", (2, 3))
    yield from table(("Risk", "Severity", "Inherent", "Left", "How it is known"), open_, "", (2, 3))
    if not rows:
        yield source.gap("No risk is written down.", source.system.ref, open=True)


@paper("dpia", "Data protection impact assessment", "what happens to people's data, and what protects it", 5, 3, 10)
def dpia(source: DossierSource) -> Iterator[Item]:
    """Tell what is processed, by whom, and which risks to people are known; necessity is for people to argue."""
    about = personal_data(source)
    if not about and source.all("data"):
        yield source.fact("Not applicable, because no category of data is declared as personal.",
                          *(one.ref for one in source.all("data")), open=True)  # fmt: skip
        return
    if not about:
        yield source.gap("Whether it is due cannot be told: no category of data is written down.", source.system.ref,
                         open=True)  # fmt: skip
        return
    yield source.fact(f"Personal data that is processed: {listed([one['title'] for one in about])}.",
                      *(one.ref for one in about), open=True)  # fmt: skip
    for one in about:
        if one["retention_days"] is None:
            yield source.gap(f"How long {one.id} is kept is not stated.", one.ref, open=True)
    yield source.gap("Necessity and proportionality are for a person to argue: write them below.",
                     *(d.ref for d in about), open=True)  # fmt: skip
    for risk in source.all("risk"):
        if any("privacy" in ref or "LLM02" in ref for ref in risk["refs"]):
            left = source.left(risk)
            told = f"{left.residual:.1f} of {left.inherent:.1f} is left" if left.measured else "it was not measured"
            yield source.fact(f"Risk to people: {source.title('risk', risk.id)} ({risk['severity']}); {told}.",
                              *left.sources, open=True)  # fmt: skip
