"""What the ids behind facts are: a list at the end of each document, so that a short label leads to the whole id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from shipworthy.evidence.dossier.fact import DossierPart, Fact, FactTable, Group, Item, MissingFact, WrittenWords
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.taxonomies import resolve_ref, taxonomies

_LONG = re.compile(r"(DEC|RUN|REL)-[0-9TZ]+-([0-9a-f]+)")


def label(id: str) -> str:
    """Return an id as it stands behind a sentence: of a decision and a run what tells it apart.

    >>> label("RUN-20261130T225528479Z-c0248d"), label("RK-leak")
    ('RUN:c0248d', 'RK-leak')
    """
    return _LONG.sub(r"\1:\2", id)


def sources_part(
    source: DossierSource, parts: Sequence[DossierPart], *, open: bool, brief: bool = False
) -> DossierPart:
    """Return the list of all ids behind the facts of some sections; members of the pack are listed in section 19.

    Args:
        open: for customers, who are not told where in the owner's files something stands.
        brief: in a sentence, and of those alone that are shortened: for a document of one page.
    """
    ids = sorted({id for part in parts for id in named(part)} - set(source.members))
    if brief:
        short = [id for id in ids if label(id) != id]
        told = "; ".join(f"{label(id)} is {id}" for id in short)
        return DossierPart(-1, "sources", "Sources", (source.fact(f"{told}.", *short, open=True),) if short else ())
    rows = tuple(
        source.row((f"{label(id)}\n{id if label(id) != id else ''}", *_about(source, id, open=open)), id, open=True)
        for id in ids
    )
    items = (FactTable(("Id", "What it is", "Where it stands"), rows),) if rows else ()
    return DossierPart(-1, "sources", "Sources", items)


def named(part: DossierPart) -> Iterator[str]:
    """Yield every id behind the facts of a section."""
    for item in (*part.items, *([part.absent] if part.absent is not None else [])):
        yield from _named(item)


def _named(item: Item) -> Iterator[str]:
    match item:
        case Group(_, items):
            for one in items:
                yield from _named(one)
        case FactTable():
            yield from (id for row in item.rows for id in row.sources)
        case Fact() | MissingFact() | WrittenWords():
            yield from item.sources


def _about(source: DossierSource, id: str, *, open: bool) -> tuple[str, str]:
    """Return what an id is, and where it stands."""
    if (entity := source.named(id)) is not None:
        said = entity.says.get("title") or entity.says.get("text") or entity.says.get("must") or ""
        return (
            f"{entity.kind}{': ' if said else ''}{said}",
            entity.digest if open else f"{entity.place}\n{entity.digest}",
        )
    if id in source.manifests:
        seal = source.seals[id]
        return f"run of {source.manifests[id]['created']}", f"Merkle root of its records\n{seal['original']['merkle']}"
    if source.decision is not None and id == source.decision.id:
        return f"decision of {source.decision.created}", "decision.json"
    if id.startswith("audit:"):
        entry = next(one for one in source.entries if f"audit:{one['number']}" == id)
        return f"entry of {entry['at']}", f"audit log\n{entry['kind']}"
    if id in source.files:
        return "file of the workspace", source.files[id]
    key = id.partition(":")[0]
    if key in taxonomies():
        return resolve_ref(id).title or "entry", taxonomies()[key].name
    return ("day or term of law", "kept as data") if key == "law" else ("member of the pack", "")
