"""What a dossier says: facts, each with the ids of what it comes from, and what people wrote.

A view is a filter: what is not `open` does not reach a customer. Nothing is open unless a section says so.
"""

from __future__ import annotations

from msgspec import Struct


class Fact(Struct, frozen=True, tag=True):
    """One sentence, or a few, that say what is so.

    Attributes:
        sources: ids of what it comes from; at least one.
    """

    text: str
    sources: tuple[str, ...]
    open: bool = False


class MissingFact(Struct, frozen=True, tag=True):
    """What is not there and ought to be; `sources` name where it is missing."""

    text: str
    sources: tuple[str, ...]
    open: bool = False


class FactRow(Struct, frozen=True):
    """A row of a table, with the ids of what it comes from; a line feed in a cell sets its rest below, smaller."""

    cells: tuple[str, ...]
    sources: tuple[str, ...]
    open: bool = False


class FactTable(Struct, frozen=True, tag=True):
    """Rows that say the same of several things."""

    columns: tuple[str, ...]
    rows: tuple[FactRow, ...]
    caption: str = ""
    numeric: tuple[int, ...] = ()


class WrittenWords(Struct, frozen=True, tag=True):
    """What a person wrote: it is repeated, and held against nothing.

    Attributes:
        by: who says so, where that is known.
        sources: the file, or the entity, that it stands in.
    """

    text: str
    sources: tuple[str, ...]
    by: str = ""
    open: bool = False


class Group(Struct, frozen=True, tag=True):
    """Some of it under a title."""

    title: str
    items: tuple[Fact | MissingFact | FactTable | WrittenWords, ...]


Item = Fact | MissingFact | FactTable | WrittenWords | Group


class DossierPart(Struct, frozen=True):
    """One section.

    Attributes:
        number: 0 to 19, or -1 for what stands before or behind them in a document; `slug` names its files.
        answers: what of others' frameworks asks for it: references, such as ``eu-ai-act:Art9@2024``.
        absent: why it does not apply; it has no items then.
    """

    number: int
    slug: str
    title: str
    items: tuple[Item, ...] = ()
    answers: tuple[str, ...] = ()
    absent: Fact | None = None

    @property
    def id(self) -> str:
        """``SEC-05``."""
        return f"SEC-{self.number:02}"

    @property
    def name(self) -> str:
        """``05-impact``: names its files, and its block for people's words."""
        return f"{self.number:02}-{self.slug}" if self.number >= 0 else self.slug


def customer_part(part: DossierPart) -> DossierPart:
    """Return what of a section may be given to a customer."""
    items = tuple(item for one in part.items if (item := _open(one)) is not None)
    absent = part.absent if part.absent is not None and part.absent.open else None
    return DossierPart(part.number, part.slug, part.title, items, part.answers, absent)


def _open(item: Item) -> Item | None:
    match item:
        case Group(title, items):
            inner = tuple(kept for one in items if (kept := _open(one)) is not None)
            return Group(title, inner) if inner else None  # type: ignore[arg-type]
        case FactTable():
            rows = tuple(row for row in item.rows if row.open)
            return FactTable(item.columns, rows, item.caption, item.numeric) if rows else None
        case _:
            return item if item.open else None
