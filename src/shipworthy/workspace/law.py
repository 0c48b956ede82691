"""Terms and days of law, as data: what they are about, where that is said, and whether the official text was seen."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from shipworthy.core.cells import csv_records
from shipworthy.workspace.taxonomies import FOLDER as TAXONOMIES

FOLDER = TAXONOMIES.parent / "crosswalks"


class LawDate(NamedTuple):
    """A day of law: from when something applies, where that is said, and whether the official text was seen.

    Attributes:
        date: ``2026-12-02``.
        article: a taxonomy reference, such as ``eu-ai-act:Art5@2024``.
    """

    id: str
    date: str
    what: str
    article: str
    source: str
    seen: str

    @property
    def about(self) -> str:
        """The article without the version: what refers to it, in whatever version, is about it."""
        return self.article.partition("@")[0]


class LawClock(NamedTuple):
    """A term of law, in days.

    Attributes:
        days: of 24 hours each.
        starts: the mark of an incident's timeline that it counts from; empty where it is no term of an incident.
        applies: id of the `LawDate` from which on it applies; empty where it does already.
    """

    id: str
    days: int
    what: str
    article: str
    source: str
    seen: str
    starts: str = ""
    applies: str = ""


@cache
def dates() -> tuple[LawDate, ...]:
    """Return the days of law, oldest first."""
    return tuple(sorted((LawDate(**row) for row in csv_records(FOLDER / "dates.csv")), key=lambda one: one.date))


@cache
def clocks() -> tuple[LawClock, ...]:
    """Return the terms of law."""
    return tuple(LawClock(**{**row, "days": int(row["days"])}) for row in csv_records(FOLDER / "clocks.csv"))  # type: ignore[arg-type]
