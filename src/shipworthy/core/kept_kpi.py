"""A number as it was on a day, as an entry of the audit chain keeps it. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

KPI_KEPT = "kpi.kept"
"""The kind of entry that holds a number."""


class KeptKpi(NamedTuple):
    """A number of a period, when it was kept.

    Attributes:
        value, low, high: in the number's unit; None where there was none.
        hits, of: what was counted, among how many.
        met: whether its target was met: yes, no, unsure or unknown.
        entry: its number in the audit chain; `at` when it was entered.
    """

    system: str
    name: str
    period: str
    value: float | None
    low: float | None
    high: float | None
    hits: float | None
    of: float | None
    target: str
    met: str
    entry: int = 0
    at: str = ""


_TEXTS = ("system", "name", "period", "target", "met")
_NUMBERS = ("value", "low", "high", "hits", "of")


def kept_kpi_of(number: int, at: str, body: Mapping[str, Any]) -> KeptKpi:
    """Return the number that an entry holds.

    Raises:
        ValueError: it holds none.
    """
    if set(body) != {*_TEXTS, *_NUMBERS}:
        raise ValueError(f"entry {number} keeps no number: it has other fields")
    wrong = [name for name in _TEXTS if type(body[name]) is not str]
    wrong += [name for name in _NUMBERS if body[name] is not None and type(body[name]) not in (int, float)]
    if wrong:
        raise ValueError(f"entry {number} keeps no number: {wrong[0]} is none")
    return KeptKpi(**body, entry=number, at=at)
