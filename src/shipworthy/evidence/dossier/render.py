"""Sections as pages: Markdown with blocks for people's words, and HTML. Every page says that it certifies nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.core.document import Block, Callout, DocumentTree, Facts, Paragraph, Section, Statement, Table
from shipworthy.evidence.dossier import notes
from shipworthy.evidence.dossier.fact import Fact, FactTable, Gap, Group, Item, Part, Words
from shipworthy.evidence.dossier.frameworks import DISCLAIMER
from shipworthy.reports import html, markdown

KEPT_BACK = "What is known of this stands in the owner's own evidence, and is not part of this view."
SOURCES = "Behind each sentence and in the last column of each table stand the ids of what it comes from."


def tree(title: str, subtitle: str, parts: Sequence[Part], facts: Sequence[tuple[str, str]] = ()) -> DocumentTree:
    """Return sections as a document.

    Args:
        facts: name and value pairs that stand before the first section.
    """
    head: list[Block] = [Callout(DISCLAIMER), *([Facts(tuple(facts))] if facts else []), Paragraph(SOURCES)]
    return DocumentTree(title, (*head, *map(section_of, parts)), subtitle)


def section_of(part: Part) -> Section:
    """Return one section as a section of a document."""
    children: list[Block] = [child for item in part.items for child in _blocks(item)]
    if part.absent is not None:
        children.append(Statement(f"Not applicable, because {part.absent.text}", part.absent.sources))
    if not children:
        children.append(Paragraph(KEPT_BACK))
    number = f"{part.number:02} " if part.number >= 0 else ""
    return Section(f"{number}{part.title}", tuple(children), f"s-{part.slug}")


def _blocks(item: Item) -> list[Block]:
    match item:
        case Fact(text, sources):
            return [Statement(text, sources)]
        case Gap(text, sources):
            return [Statement(text, sources, "unsure")]
        case FactTable(columns, rows, caption, numeric):
            body = tuple((*row.cells, "\n".join(("", " · ".join(row.sources)))) for row in rows)
            return [Table((*columns, "Source"), body, caption, (), numeric)]
        case Words(text, sources, by):
            said = f"Written by {by}" if by else "Written by people"
            return [Section(said, (*map(Paragraph, text.split("\n\n")), Statement("", sources)))]
        case Group(title, items):
            return [Section(title, tuple(block for one in items for block in _blocks(one)))]


def page_markdown(
    document: DocumentTree, parts: Sequence[Part], written: Mapping[str, str], basis: str, front: str = ""
) -> str:
    """Return a document as Markdown, a block for people's words behind each section.

    Args:
        written: what stands in the blocks already.
        basis: what it was made from.
        front: front matter, for readers that know what to do with it.
    """
    pieces = [front + markdown.heading(document)]
    for part in parts:
        pieces.append(f"{markdown.section(section_of(part))}\n{notes.block(part.name, '')}")
    return notes.sealed(notes.merged("\n".join(pieces), written), basis)


def page_html(document: DocumentTree) -> str:
    """Return a document as one HTML file that needs nothing else."""
    return html.page(document, maker="shipworthy · documents", contents=True)


def plain_markdown(part: Part) -> str:
    """Return one section as a file of a pack."""
    return markdown.section(section_of(part), 1) + f"\n{DISCLAIMER}\n"


def with_words(parts: Sequence[Part], written: Mapping[str, str], file: str) -> tuple[Part, ...]:
    """Return sections with what people wrote into a document of them, for a form that has no blocks."""
    found = []
    for part in parts:
        words = (Words(written[part.name], (file,)),) if part.name in written else ()
        found.append(Part(part.number, part.slug, part.title, (*part.items, *words), part.answers, part.absent))
    return tuple(found)
