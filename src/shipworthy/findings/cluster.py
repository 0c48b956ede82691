"""Signals that say the same, found without a model: what they share is counted, so it can be shown.

Two signals are one where their words are the same but for letter case, marks and white space, where they name the same
sample, or where their texts share `ALIKE` of their character 5-grams (Jaccard, exact). The order of the signals is
that in which they were seen, and each joins the cluster whose first signal it is most alike to, so that a new signal
never takes an old cluster apart, and none drifts away. Wrong to use for texts of several pages, or across languages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from math import log2
from typing import NamedTuple

from shipworthy.core.severity import Severity, worst
from shipworthy.core.signal import Signal, plain_words
from shipworthy.detect.near_duplicates import GramIndex, grams

ALIKE = 0.5
"""Share of 5-grams from which on two texts are one."""
WEIGHTS: Mapping[Severity, int] = {"S1": 100, "S2": 30, "S3": 5, "S4": 1}
"""What a severity weighs, as in the KPIs."""
UNRATED: Severity = "S3"
"""What a cluster weighs as whose signals nobody rated."""
_COMPARED = 4_000
"""Characters of a text that are compared."""
_SHOWN = 60


class Join(NamedTuple):
    """Why a signal is in a cluster: the first signal of the cluster, how much it is like it, and what they share.

    Attributes:
        similarity: in [0, 1]; 1 where they are the same.
        because: in words.
    """

    signal: str
    like: str
    similarity: float
    because: str


class SignalCluster(NamedTuple):
    """Signals that say the same.

    Attributes:
        signals: oldest first.
        joins: one for each signal but the first.
        severity: the worst that a signal of it has; `UNRATED` where none has any (then `rated` is False).
        reach: how many people are affected: different codes, and each signal without one.
        novelty: 1 where nothing like it is known, 0 where the same words led to a finding before.
        known: the finding that it is most alike to; empty where none shares half of its words.
    """

    signals: tuple[Signal, ...]
    joins: tuple[Join, ...]
    severity: Severity
    rated: bool
    reach: int
    novelty: float
    known: str = ""

    @property
    def id(self) -> str:
        """The id of its first signal, which does not change when more come."""
        return self.signals[0].id

    @property
    def rank(self) -> float:
        """Severity x reach x novelty: the weight, times the doublings of reach, times novelty (at least a tenth)."""
        return WEIGHTS[self.severity] * log2(1 + self.reach) * max(0.1, self.novelty)


def cluster(
    signals: Iterable[Signal], known: Mapping[str, Sequence[Signal]] = {}, *, alike: float = ALIKE
) -> list[SignalCluster]:
    """Return the clusters of some signals, the one that ranks highest first.

    Args:
        known: finding -> the signals that led to it; they are not clustered, only compared with.
        alike: in (0, 1].
    """
    order = sorted(signals, key=lambda one: (one.at, one.id))
    index, firsts = GramIndex(), list[int]()
    members: dict[int, list[int]] = {}
    joins: dict[int, Join] = {}
    same: dict[str, int] = {}
    for place, one in enumerate(order):
        said = [f"words {one.fingerprint}", *([f"sample {plain_words(one.sample)}"] if one.sample else [])]
        first, because, similarity = place, "", 1.0
        for key, why in zip(said, ("the same words", "the same sample"), strict=False):
            if not because and key in same:
                first, because = same[key], why
        if not because:
            found = grams(compared(one))
            near, similarity = index.nearest(found, least=alike)
            if near >= 0:
                first = firsts[near]
                shared = f"{round(100 * similarity)} % of their character 5-grams"
                because = f"they share {shared}, such as {_shared(one, order[first])!r}"
            else:
                index.add(found)
                firsts.append(place)
        if because:
            joins[place] = Join(one.id, order[first].id, round(similarity, 4), because)
        members.setdefault(first, []).append(place)
        for key in said:
            same.setdefault(key, first)
    old = _Known(known)
    made = [
        _made([order[p] for p in places], [joins[p] for p in places if p in joins], old) for places in members.values()
    ]
    return sorted(made, key=lambda one: (-one.rank, one.signals[0].at, one.id))


def compared(one: Signal) -> str:
    """Return the words of a signal that are compared."""
    return plain_words(f"{one.title} {one.text}")[:_COMPARED]


class _Known:
    def __init__(self, known: Mapping[str, Sequence[Signal]]) -> None:
        self._index, self._of = GramIndex(), list[str]()
        for finding, signals in known.items():
            for one in signals:
                self._index.add(grams(compared(one)))
                self._of.append(finding)

    def nearest(self, signals: Collection[Signal]) -> tuple[str, float]:
        found = [self._index.nearest(grams(compared(one))) for one in signals]
        place, similarity = max(found, key=lambda pair: pair[1], default=(-1, 0.0))
        return (self._of[place] if place >= 0 else "", similarity)


def _made(signals: Sequence[Signal], joins: Sequence[Join], known: _Known) -> SignalCluster:
    rated = [one.severity for one in signals if one.severity is not None]
    codes = {one.who for one in signals if one.who}
    finding, similarity = known.nearest(signals)
    return SignalCluster(
        tuple(signals),
        tuple(joins),
        worst(rated, UNRATED) if rated else UNRATED,
        bool(rated),
        len(codes) + sum(not one.who for one in signals),
        round(1 - similarity, 4),
        finding if similarity >= ALIKE else "",
    )


def _shared(one: Signal, other: Signal) -> str:
    a, b = compared(one)[:1_000], compared(other)[:1_000]
    found = SequenceMatcher(None, a, b, autojunk=False).find_longest_match()
    return a[found.a : found.a + found.size].strip()[:_SHOWN]
