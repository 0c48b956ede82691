"""The twenty sections of a dossier: one a file under ``parts/``, each a function of the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

from shipworthy.evidence.dossier.fact import DossierPart, Fact, FactTable, Item, WrittenWords
from shipworthy.evidence.dossier.frameworks import answers
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.kinds.section import SECTIONS

NOTHING = "not stated"
"""Stands in a cell where the files say nothing."""


class Absent(NamedTuple):
    """A section does not apply, and why, as the source shows it; the text follows "because"."""

    because: Fact


Make = Callable[[DossierSource], Iterator[Item | Absent]]


class SectionMaker(NamedTuple):
    """One section: its number, its name in files, its title, and what makes it."""

    number: int
    slug: str
    title: str
    make: Make


_made: dict[int, SectionMaker] = {}


def section(number: int, slug: str, title: str) -> Callable[[Make], Make]:
    """Register what makes a section."""

    def register(make: Make) -> Make:
        _made[number] = SectionMaker(number, slug, title, make)
        return make

    return register


@cache
def sections() -> tuple[SectionMaker, ...]:
    """Return the makers of all sections, in their order."""
    package = import_module("shipworthy.evidence.dossier.parts")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return tuple(_made[number] for number in range(SECTIONS))


def parts(source: DossierSource) -> tuple[DossierPart, ...]:
    """Return the whole dossier, every section of it: with what is known, why it does not apply, or that it is open."""
    return tuple(_part(maker, source) for maker in sections())


def _part(maker: SectionMaker, source: DossierSource) -> DossierPart:
    part = DossierPart(maker.number, maker.slug, maker.title, (), answers().get(maker.number, ()))
    made = list(maker.make(source))
    items: list[Item] = [one for one in made if not isinstance(one, Absent)]
    derived = next((one.because for one in made if isinstance(one, Absent)), None)
    said = source.get("section", part.id)
    if said is not None and said["not_applicable"] is not None:
        derived = source.fact(said["not_applicable"], said.ref, open=bool(said["public"]))
    elif said is not None:
        items += _said(said.says, said.ref, source)
    if (note := source.notes(part.name)) is not None:
        items.append(note)
    told = [one for one in items if not isinstance(one, WrittenWords)]
    if derived is not None and not items:
        return DossierPart(part.number, part.slug, part.title, (), part.answers, derived)
    if derived is not None:
        # Somebody says that it does not apply, and there is something: a reader sees both.
        items.insert(0, Fact(f"Said not to apply, because {derived.text}", derived.sources, derived.open))
    elif not told and said is None:
        why = "Nothing is written down of this, and nobody said why it does not apply"
        hint = f"say it in `dossier.yaml` under {part.id}"
        items.insert(0, source.gap(f"{why}: {hint}.", source.system.ref, open=True))
    return DossierPart(part.number, part.slug, part.title, tuple(items), part.answers)


def _said(said: Any, ref: str, source: DossierSource) -> Iterator[Item]:
    open = bool(said["public"])
    if said["text"].strip():
        yield source.words(said["text"].strip(), ref, by=said["by"], open=open)
    for name in said["files"]:
        digest = source.files[name]
        yield source.fact(f"{said['by']} refers to the file {name}, {digest}.", ref, name, open=open)


def table(columns: Sequence[str], rows: Sequence[Any], caption: str = "", numeric: Sequence[int] = ()) -> list[Item]:
    """Return a table in a list; nothing where it has no rows."""
    return [FactTable(tuple(columns), tuple(rows), caption, tuple(numeric))] if rows else []


def yes(value: bool | None) -> str:
    """Return a flag as a word."""
    return NOTHING if value is None else "yes" if value else "no"


def listed(values: Sequence[str] | None, empty: str = "none") -> str:
    """Return several things in a cell."""
    return NOTHING if values is None else ", ".join(values) or empty
