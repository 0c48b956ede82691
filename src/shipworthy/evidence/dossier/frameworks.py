"""What others ask for, as data: points of Annex IV, terms of law, standards, and the sections that speak to them.

It organises evidence and certifies nothing: that a section speaks to a point does not say that it satisfies it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from shipworthy.core.cells import csv_records
from shipworthy.workspace.law import FOLDER

DISCLAIMER = (
    "This document organises evidence and certifies nothing. It is no declaration of conformity, and no legal advice."
)
"""Stands on every document."""


class AnnexPoint(NamedTuple):
    """A point of Annex IV, in words of ours, and the sections that speak to it."""

    point: str
    words: str
    sections: tuple[int, ...]


class Standard(NamedTuple):
    """A standard, its state as others tell it, and the sections that speak to it."""

    id: str
    title: str
    state: str
    source: str
    sections: tuple[int, ...]


@cache
def annex_iv() -> tuple[AnnexPoint, ...]:
    """Return the points of Annex IV in their order."""
    return tuple(AnnexPoint(row["point"], row["words"], _numbers(row)) for row in csv_records(FOLDER / "annex-iv.csv"))


@cache
def standards() -> tuple[Standard, ...]:
    """Return the standards that are told of."""
    rows = csv_records(FOLDER / "standards.csv")
    return tuple(Standard(row["id"], row["title"], row["state"], row["source"], _numbers(row)) for row in rows)


@cache
def answers() -> Mapping[int, tuple[str, ...]]:
    """Return what asks for each section: references by its number."""
    return {int(row["section"]): tuple(row["refs"].split()) for row in csv_records(FOLDER / "sections.csv")}


def _numbers(row: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(int(number) for number in row["sections"].split())
