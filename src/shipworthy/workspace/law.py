"""Days of law as data: from when something applies, where that is said, and whether the official text was seen."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from shipworthy.core.cells import csv_records
from shipworthy.workspace.taxonomies import FOLDER as TAXONOMIES

FOLDER: Path = TAXONOMIES.parent / "crosswalks"


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


@cache
def dates() -> tuple[LawDate, ...]:
    """Return the days of law, oldest first."""
    return tuple(sorted((LawDate(**row) for row in csv_records(FOLDER / "dates.csv")), key=lambda one: one.date))
