"""A report as a tree: written once, rendered by every report plug-in."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Tone = Literal["good", "bad", "unsure", "plain"]


class Paragraph(Struct, frozen=True, tag=True):
    text: str


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
    caption: str = ""
    tones: tuple[Tone, ...] = ()
    """One a row, or none."""
    numeric: tuple[int, ...] = ()
    """Indices of columns to align right."""


class Interval(Struct, frozen=True):
    """One line of an interval picture; all numbers in [0, 1], or [-1, 1] for differences."""

    label: str
    rate: float
    low: float
    high: float
    limit: float | None = None
    tone: Tone = "plain"
    note: str = ""


class Intervals(Struct, frozen=True, tag=True):
    """Rates with their intervals as a picture; `better` says which side of the limit is the good one."""

    rows: tuple[Interval, ...]
    caption: str = ""
    better: Literal["lower", "higher"] = "lower"


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


class Section(Struct, frozen=True, tag=True):
    title: str
    children: tuple[Block, ...]
    id: str = ""


Block = Section | Paragraph | Callout | Facts | Table | Intervals | Transcript | Code


class Document(Struct, frozen=True):
    title: str
    children: tuple[Block, ...]
    subtitle: str = ""
