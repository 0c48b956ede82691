"""A report as a tree: written once, rendered by every report plug-in."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Tone = Literal["good", "bad", "unsure", "plain"]


class Paragraph(Struct, frozen=True, tag=True):
    text: str


class Statement(Struct, frozen=True, tag=True):
    """A sentence about what is so, with the ids of what it comes from; `tone` where it is about something missing."""

    text: str
    sources: tuple[str, ...]
    tone: Tone = "plain"


class Callout(Struct, frozen=True, tag=True):
    """A sentence that must not be missed."""

    text: str
    tone: Tone = "plain"
    title: str = ""


class Facts(Struct, frozen=True, tag=True):
    """Name and value pairs."""

    rows: tuple[tuple[str, str], ...]


class Table(Struct, frozen=True, tag=True):
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """What follows a line feed in a cell is second to what stands before it: an interval under its rate."""
    caption: str = ""
    tones: tuple[Tone, ...] = ()
    """One a row, or none."""
    numeric: tuple[int, ...] = ()
    """Indices of columns to align right."""


class Interval(Struct, frozen=True):
    """One line of an interval picture; all numbers in [0, 1], or [-1, 1] for changes; of a value in its unit.

    Attributes:
        rate, low, high: the estimate and its two-sided interval; all None where nothing was measured.
        bound: the one-sided bound that is held against `limit`, on the same scale as `rate`.
    """

    label: str
    rate: float | None
    low: float | None
    high: float | None
    limit: float | None = None
    tone: Tone = "plain"
    note: str = ""
    bound: float | None = None


class Intervals(Struct, frozen=True, tag=True):
    """Rates, or means, with their intervals as a picture; `better` says which side of the limit is the good one."""

    rows: tuple[Interval, ...]
    caption: str = ""
    better: Literal["lower", "higher"] = "lower"
    change: bool = False
    """The rows are changes of a rate, in points, or of a value."""
    unit: str | None = None
    """Of a value; None where the rows are rates."""


class Turn(Struct, frozen=True):
    role: str
    text: str


class Transcript(Struct, frozen=True, tag=True):
    """A conversation, already redacted."""

    title: str
    turns: tuple[Turn, ...]
    note: str = ""
    tone: Tone = "plain"


class Code(Struct, frozen=True, tag=True):
    text: str
    language: str = ""


class Picture(Struct, frozen=True, tag=True):
    """A drawing, made by this program: as SVG for a page, and as Mermaid for what renders that.

    Attributes:
        text: what it shows, in a sentence, for who cannot see it.
    """

    title: str
    svg: str
    mermaid: str
    text: str


class Section(Struct, frozen=True, tag=True):
    title: str
    children: tuple[Block, ...]
    id: str = ""
    brief: tuple[Paragraph | Table, ...] = ()
    """The section in a few lines, for a report that has no room for all of it."""


Block = Section | Paragraph | Statement | Callout | Facts | Table | Intervals | Transcript | Code | Picture


class Alert(Struct, frozen=True):
    """Something that a reviewer must see before the verdict, such as a gate that a change loosens.

    Attributes:
        name: what it is about; `text` what is so of it.
        tone: ``bad`` blocks; anything else is said.
        note: what was done about it, such as who approved it.
        place: ``file:line``, or the empty string.
    """

    name: str
    text: str
    tone: Tone = "bad"
    note: str = ""
    place: str = ""


class DocumentTree(Struct, frozen=True):
    """A whole report; `alerts` stand before all of it, under the line `alerted`."""

    title: str
    children: tuple[Block, ...]
    subtitle: str = ""
    alerts: tuple[Alert, ...] = ()
    alerted: str = ""
