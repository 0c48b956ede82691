"""The cards: of the system, and of the model in it; and the data sheet."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.hugging_face import front_matter
from shipworthy.evidence.dossier.paper import paper
from shipworthy.evidence.dossier.parts.p05_impact import personal_data
from shipworthy.evidence.dossier.section import listed
from shipworthy.evidence.dossier.source import DossierSource


@paper("system-card", "System card", "what the system is, for whom, what protects it, and what it cannot do",
       1, 2, 3, 10, 11, 12)  # fmt: skip
def system_card(source: DossierSource) -> Iterator[Item]:
    """Tell what was decided of the system that the card is about."""
    yield from _decided(source)


@paper("model-card", "Model card", "the model as it was measured in this system, with a front matter for Hugging Face",
       1, 3, 7, 8, 12, front=front_matter)  # fmt: skip
def model_card(source: DossierSource) -> Iterator[Item]:
    """Tell which model it is about: the one that answers in this system."""
    models = [one for one in source.all("component") if one["kind"] == "model"]
    for one in models:
        fixed = {True: "fixed", False: "not fixed", None: "not stated to be fixed"}[one["pinned"]]
        yield source.fact(f"The model is {one['title']} ({one.id}); its version is {fixed}.", one.ref, open=True)
    if not models:
        yield source.gap("No component of the kind `model` is written down.", source.system.ref, open=True)
    yield source.fact(
        "What is told was measured of the model within this system, behind its guards where it has any, and says "
        "nothing of the model elsewhere.", source.system.ref, open=True,
    )  # fmt: skip
    yield from _decided(source)


@paper("data-sheet", "Data sheet", "which data it holds and was tested on", 3, 5)
def data_sheet(source: DossierSource) -> Iterator[Item]:
    """Tell how many kinds of data there are, and how many of them are personal."""
    data, personal = source.all("data"), personal_data(source)
    if data:
        yield source.fact(f"Categories of data: {len(data)}; about people: {listed([p.id for p in personal])}.",
                          *(one.ref for one in data), open=True)  # fmt: skip
    else:
        yield source.gap("No category of data is written down.", source.system.ref, open=True)


def _decided(source: DossierSource) -> Iterator[Item]:
    made = source.decision
    if made is None:
        yield source.gap("No decision was made on it yet.", source.system.ref, open=True)
    else:
        yield source.fact(f"The gate {made.gate} said {made.verdict} on {made.created[:10]}.", made.id, open=True)
