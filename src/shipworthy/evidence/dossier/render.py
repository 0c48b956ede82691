"""Sections as pages: Markdown with blocks for people's words, and HTML. Every page says that it certifies nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.core import notes
from shipworthy.core.document import Block, Callout, DocumentTree, Paragraph, Section, Statement, Table, Tone
from shipworthy.evidence.dossier.fact import DossierPart, Fact, FactTable, Group, Item, MissingFact, WrittenWords
from shipworthy.evidence.dossier.frameworks import DISCLAIMER
from shipworthy.evidence.dossier.sources import label
from shipworthy.reports import html, markdown

VERDICTS: dict[str, tuple[Tone, str]] = {
    "ship": ("good", "The evidence meets every criterion of the gate."),
    "no-ship": ("bad", "The evidence shows that a criterion is not met, or that what must never happen did."),
    "inconclusive": ("unsure", "The evidence cannot decide yet, which blocks a release just as a no-ship does."),
    "": ("unsure", "Nothing was decided yet."),
}
KEPT_BACK = "What is known of this stands in the owner's own evidence, and is not part of this view."
SOURCES = (
    "Behind each sentence, and in the last column of each table, stand the ids of what it comes from; the list at the "
    "end says what each of them is."
)


def tree(title: str, subtitle: str, parts: Sequence[DossierPart], verdict: str) -> DocumentTree:
    """Return sections as a document.

    Args:
        verdict: of the gate; empty where none was given.
    """
    tone, meaning = VERDICTS[verdict]
    head: list[Block] = [
        Callout(meaning, tone, f"{verdict or 'No decision'}:"),
        Callout(DISCLAIMER),
        Paragraph(SOURCES),
    ]
    return DocumentTree(title, (*head, *map(section_of, parts)), subtitle)


def section_of(part: DossierPart) -> Section:
    """Return one section as a section of a document."""
    children: list[Block] = [child for item in part.items for child in _blocks(item)]
    if part.absent is not None:
        children.append(Statement(f"Not applicable, because {part.absent.text}", _labels(part.absent.sources)))
    if not children:
        children.append(Paragraph(KEPT_BACK))
    number = f"{part.number:02} " if part.number >= 0 else ""
    return Section(f"{number}{part.title}", tuple(children), f"s-{part.slug}")


def _blocks(item: Item) -> list[Block]:
    match item:
        case Fact(text, sources):
            return [Statement(text, _labels(sources))]
        case MissingFact(text, sources):
            return [Statement(text, _labels(sources), "unsure")]
        case FactTable(columns, rows, caption, numeric):
            body = tuple((*row.cells, "\n" + " · ".join(_labels(row.sources))) for row in rows)
            if columns[0] == "Id":  # the list of sources itself
                return [Table(columns, tuple(row.cells for row in rows), caption, (), numeric)]
            return [Table((*columns, "Source"), body, caption, (), numeric)]
        case WrittenWords(text, sources, by):
            said = f"Written by {by}" if by else "Written by people"
            return [Section(said, (*map(Paragraph, text.split("\n\n")), Statement("", _labels(sources))))]
        case Group(title, items):
            return [Section(title, tuple(block for one in items for block in _blocks(one)))]


def _labels(sources: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(label, sources))


def page_markdown(
    document: DocumentTree, parts: Sequence[DossierPart], written: Mapping[str, str], basis: str, front: str = ""
) -> str:
    """Return a document as Markdown, a block for people's words behind each section.

    Args:
        written: what stands in the blocks already.
        basis: what it was made from.
        front: front matter, for readers that know what to do with it.
    """
    pieces = [front + markdown.heading(document)]
    for part in parts:
        mine = "" if part.slug == "sources" else f"\n{notes.block(part.name, '')}"
        pieces.append(f"{markdown.section(section_of(part))}{mine}")
    return notes.sealed(notes.merged("\n".join(pieces), written), basis)


def page_html(document: DocumentTree) -> str:
    """Return a document as one HTML file that needs nothing else."""
    return html.page(document, maker="shipworthy · documents", contents=True)


def plain_markdown(part: DossierPart) -> str:
    """Return one section as a file of a pack."""
    return markdown.section(section_of(part), 1) + f"\n{DISCLAIMER}\n"


def with_words(parts: Sequence[DossierPart], written: Mapping[str, str], file: str) -> tuple[DossierPart, ...]:
    """Return sections with what people wrote into a document of them, for a form that has no blocks."""
    found = []
    for part in parts:
        words = (WrittenWords(written[part.name], (file,)),) if part.name in written else ()
        found.append(DossierPart(part.number, part.slug, part.title, (*part.items, *words), part.answers, part.absent))
    return tuple(found)
