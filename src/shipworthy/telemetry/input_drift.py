"""Whether what comes in is still what it was: a diagnostic for who looks for a cause. It never raises an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from zlib import crc32

import numpy as np
from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.detect.near_duplicates import grams
from shipworthy.stats.clusters import Floats
from shipworthy.stats.two_samples import CloudDistance, mean_distance, named_distance, ordered_distance
from shipworthy.telemetry.facts import FactView

NUMBERS = ("input_tokens", "output_tokens", "bytes", "seconds", "findings")
NAMES = ("feature", "model", "provider", "kind", "dialect", "service", "guards", "prompt", "index")
DIMENSIONS = 512
FAR = 0.1
"""Distance beyond chance from which a column is worth a look."""


class ColumnDrift(Struct, frozen=True, kw_only=True):
    """How far a column of facts is from what it was.

    Attributes:
        distance: Kolmogorov and Smirnov's for numbers, total variation for names; in [0, 1].
        noise: what chance does at these sizes; `far` where the distance is `FAR` beyond it.
        before, now: facts in each time.
        most: the name, or the number, whose share moved most, with both shares.
    """

    column: str
    distance: float
    noise: float
    far: bool
    before: int
    now: int
    most: str


def input_drift(
    view: FactView, before: tuple[date, date], now: tuple[date, date], *, feature: str = ""
) -> list[ColumnDrift]:
    """Hold the facts of one time against those of another, column by column, the furthest apart first.

    Numbers are compared by eighths of a doubling. Facts of one session are taken as independent: `noise` is too small
    where few people make many of them.

    Args:
        before, now: first and last day of each, in UTC.

    Raises:
        UsageError: there is nothing in one of them.
    """
    found = []
    for column in (*NUMBERS, *NAMES):
        number = column in NUMBERS
        value = f"round(8 * log2(1 + greatest({column}, 0)))::INTEGER" if number else f'"{column}"'
        one, other = (_counted(view, value, days, feature) for days in (before, now))
        if not one or not other:
            empty = before if not one else now
            raise UsageError(f"there is nothing from {empty[0]} to {empty[1]}" + (f" of {feature}" * bool(feature)))
        if set(one) == set(other) and len(one) == 1:
            continue
        apart = ordered_distance(one, other) if number else named_distance(one, other)
        n, m = sum(one.values()), sum(other.values())
        moved = max({*one, *other}, key=lambda v: (abs(one.get(v, 0) / n - other.get(v, 0) / m), str(v)))
        name = f"about {2 ** (float(moved) / 8) - 1:.3g}" if number else moved or "none"
        found.append(
            ColumnDrift(
                column=column,
                distance=apart.distance,
                noise=apart.noise,
                far=apart.distance > apart.noise + FAR,
                before=n,
                now=m,
                most=f"{name}: {one.get(moved, 0) / n:.1%} -> {other.get(moved, 0) / m:.1%}",
            )
        )
    return sorted(found, key=lambda drift: (-drift.distance + drift.noise, drift.column))


def word_drift(before: Sequence[str], now: Sequence[str], *, seed: int = 0) -> CloudDistance:
    """Hold texts against others by their character 5-grams, hashed into unit vectors.

    A local stand-in for an embedding: it sees words and languages, not meaning.

    Raises:
        UsageError: fewer than two texts of a time.
    """
    if min(len(before), len(now)) < 2:
        raise UsageError(f"there are {len(before)} and {len(now)} texts: two of each time are the least")
    return mean_distance(_vectors(before), _vectors(now), seed=seed)


def _vectors(texts: Sequence[str]) -> Floats:
    made = np.zeros((len(texts), DIMENSIONS))
    for row, text in zip(made, texts, strict=True):
        for gram in grams(text[:4_000]):
            code = crc32(gram.encode("utf-8", "replace"))
            row[code % DIMENSIONS] += 1.0 if code & 0x80000000 else -1.0
    norms = np.linalg.norm(made, axis=1, keepdims=True)
    unit: Floats = made / np.where(norms > 0, norms, 1.0)
    return unit


def _counted(view: FactView, value: str, days: tuple[date, date], feature: str) -> dict[Any, int]:
    where, given = "day BETWEEN ? AND ?", [days[0].isoformat(), days[1].isoformat()]
    if feature:
        where, given = f"{where} AND feature = ?", [*given, feature]
    return dict(view.query(f"SELECT {value}, count(*) FROM facts WHERE {where} GROUP BY 1", given))
