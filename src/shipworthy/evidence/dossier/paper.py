"""Documents that are made of the sections: which there are, for whom, and what stands in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal, NamedTuple

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.evidence.dossier.fact import DossierPart, Group, Item, MissingFact, customer_part
from shipworthy.evidence.dossier.frameworks import annex_iv
from shipworthy.evidence.dossier.section import parts, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.dossier.sources import sources_part
from shipworthy.release.wording import count

View = Literal["internal", "customer", "regulator"]
VIEWS: tuple[View, ...] = ("internal", "customer", "regulator")
DOSSIER = "dossier"

Lead = Callable[[DossierSource], Iterator[Item]]


class Paper(NamedTuple):
    """A kind of document.

    Attributes:
        sections: numbers of the dossier's sections that stand in it; `lead` makes what stands before them.
        views: for whom it may be made.
        front: makes a front matter in YAML, for Markdown; None where it has none.
        brief: whether it is to fit a page, and so spells out what is shortened alone.
    """

    id: str
    title: str
    what: str
    sections: tuple[int, ...] = ()
    lead: Lead | None = None
    views: tuple[View, ...] = VIEWS
    front: Callable[[DossierSource], str] | None = None
    brief: bool = False


_made: dict[str, Paper] = {}


def paper(
    id: str,
    title: str,
    what: str,
    *sections: int,
    views: tuple[View, ...] = VIEWS,
    front: Callable[[DossierSource], str] | None = None,
    brief: bool = False,
) -> Callable[[Lead], Lead]:
    """Register a kind of document by what makes its first section; the arguments are the attributes of `Paper`."""

    def register(lead: Lead) -> Lead:
        _made[id] = Paper(id, title, what, sections, lead, views, front, brief)
        return lead

    return register


@cache
def papers() -> dict[str, Paper]:
    """Return every kind of document by its id."""
    package = import_module("shipworthy.evidence.dossier.papers")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    whole = Paper(DOSSIER, "Dossier", "all twenty sections, as they go into an evidence pack", tuple(range(20)))
    return {DOSSIER: whole, **dict(sorted(_made.items()))}


def paper_named(id: str) -> Paper:
    """Return a kind of document.

    Raises:
        UsageError: there is none of that name; the nearest is given.
    """
    if id not in papers():
        raise UsageError(f"there is no document {id!r}: {did_you_mean(id, list(papers()))}")
    return papers()[id]


def contents(source: DossierSource, wanted: Paper, view: View) -> tuple[DossierPart, ...]:
    """Return the sections of a document in a view.

    Raises:
        UsageError: it is not made for this view.
    """
    if view not in wanted.views:
        raise UsageError(f"{wanted.id} is made for {' and '.join(wanted.views)}, not for {view}")
    whole = parts(source)
    found = [whole[number] for number in wanted.sections]
    if wanted.lead is not None:
        found.insert(0, DossierPart(-1, "summary", "Summary", tuple(wanted.lead(source))))
    if view == "regulator" and wanted.id == DOSSIER:
        found.append(annex_index(source, whole))
    if view == "customer":
        found = [customer_part(part) for part in found]
    return (*found, sources_part(source, found, open=view == "customer", brief=wanted.brief))


def annex_index(source: DossierSource, whole: tuple[DossierPart, ...]) -> DossierPart:
    """Return the index by the points of Annex IV: where what each asks for stands, and what is open there."""
    rows = []
    for point in annex_iv():
        there = [whole[number] for number in point.sections]
        gaps = sum(_gaps(part) for part in there)
        absent = [part.id for part in there if part.absent is not None]
        state = f"{count(gaps, 'gap')} named" if gaps else "no gap named"
        state += f"; not applicable: {', '.join(absent)}" if absent else ""
        where = ", ".join(f"{part.number:02} {part.title}" for part in there)
        rows.append(source.row((point.point, point.words, where, state), "eu-ai-act:AnnexIV@2024"))
    caption = (
        "The points of Annex IV in words of ours, and the sections that speak to them. That one speaks to a point does "
        "not say that it satisfies it."
    )
    return DossierPart(
        -1, "annex-iv", "Index by Annex IV", tuple(table(("Point", "Asks for", "Section", "State"), rows, caption))
    )


def _gaps(part: DossierPart) -> int:
    inner = [one for item in part.items for one in (item.items if isinstance(item, Group) else (item,))]
    return sum(isinstance(one, MissingFact) for one in inner)
