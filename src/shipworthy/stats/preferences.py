"""Strengths of several systems from pairs of which one was preferred: Bradley and Terry, with intervals."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from shipworthy.stats.clusters import Floats, check_confidence

ROUNDS = 10_000
PRIOR = 0.5
"""Of a comparison, half a win for each side, added to every pair that met: without it a system that never lost has an
infinite strength (Firth's penalty for two systems, Jeffreys' prior)."""


class PairChoice(NamedTuple):
    """One comparison of two systems' answers to one item.

    Attributes:
        first, second: names.
        share: of the win that `first` gets, in [0, 1]: 1 it was preferred, 0 the other, 0.5 a tie or two orders that
            disagree.
        cluster: comparisons that depend on one another, such as those on one item, share it.
    """

    first: str
    second: str
    share: float
    cluster: Hashable


@dataclass(frozen=True, slots=True)
class Strength:
    """One system's strength.

    Attributes:
        name: of the system.
        strength: natural logarithm of the odds to win against a system of average strength.
        low, high: its two-sided interval.
        wins, comparisons: shares that it got, of so many.
    """

    name: str
    strength: float
    low: float
    high: float
    wins: float
    comparisons: int


@dataclass(frozen=True, slots=True)
class Preferred:
    """How often one system is preferred to another, by their strengths.

    Attributes:
        chance: in [0, 1] that the first is preferred, with `low` and `high`.
        better: whether the interval lies wholly above a half; False wholly below; None where neither.
    """

    first: str
    second: str
    chance: float
    low: float
    high: float

    @property
    def better(self) -> bool | None:
        """Which of the two is preferred more often, where that can be told."""
        return True if self.low > 0.5 else False if self.high < 0.5 else None


@dataclass(frozen=True, slots=True)
class BradleyTerry:
    """Strengths, strongest first, and every pair; `clusters` independent groups of comparisons."""

    strengths: tuple[Strength, ...]
    pairs: tuple[Preferred, ...]
    clusters: int
    confidence: float


def bradley_terry(comparisons: Sequence[PairChoice], confidence: float = 0.95) -> BradleyTerry:
    """Return the strengths of systems that were compared in pairs, with intervals that respect clusters.

    Bradley and Terry (1952): the odds that one is preferred are the ratio of two strengths, found by Hunter's (2004)
    minorisation from all comparisons at once. Ties count half. Intervals are the delete-one jackknife over clusters
    with Student's t, of each strength against the average and of each pair by itself; coverage is simulated in the
    tests. Pairs are not corrected for their number: use `holm` on many.

    Args:
        comparisons: at least one; several may be of one item, and a pair may have met any number of times.
        confidence: in [0.5, 1).

    Raises:
        ValueError: fewer than two clusters or systems, a share outside [0, 1], a system against itself, or systems of
            which no chain of comparisons leads from one to the other: they have no common scale.

    Wrong to use where whether one is preferred depends on the item in ways that do not average out (one system for
    code, another for prose): look at slices. A judge's preference for its own style is in the strengths, too.

    >>> won = [PairChoice("a", "b", 1.0, n) for n in range(30)] + [PairChoice("a", "b", 0.0, n) for n in range(30, 40)]
    >>> found = bradley_terry(won)
    >>> [one.name for one in found.strengths], round(found.pairs[0].chance, 2), found.pairs[0].better
    (['a', 'b'], 0.74, True)
    """
    check_confidence(confidence)
    names = sorted({name for one in comparisons for name in (one.first, one.second)})
    if len(names) < 2:
        raise ValueError(f"{len(names)} system(s): there is nothing to compare")
    place = {name: n for n, name in enumerate(names)}
    groups = {group: n for n, group in enumerate(dict.fromkeys(one.cluster for one in comparisons))}
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} cluster(s): an interval needs at least two")
    wins = np.zeros((len(groups), len(names), len(names)))
    for one in comparisons:
        if one.first == one.second:
            raise ValueError(f"{one.first!r} was compared with itself")
        if not 0 <= one.share <= 1:
            raise ValueError(f"the share of a win must lie in [0, 1]; got {one.share}")
        i, j, group = place[one.first], place[one.second], groups[one.cluster]
        wins[group, i, j] += one.share
        wins[group, j, i] += 1 - one.share
    total = wins.sum(0)
    met = (total + total.T) > 0
    if not _connected(met):
        raise ValueError("no chain of comparisons joins all systems: they have no common scale")
    whole = _strengths(total, met)
    parts = np.array([_strengths(total - wins[group], met, whole) for group in range(len(groups))])
    t = float(stdtrit(len(groups) - 1, 1 - (1 - confidence) / 2))
    reach = t * _error(parts)
    strengths = [
        Strength(
            name, float(whole[n]), float(whole[n] - reach[n]), float(whole[n] + reach[n]), float(total[n].sum()),
            round(float((total[n] + total[:, n]).sum())),
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    strengths.sort(key=lambda one: (-one.strength, one.name))
    pairs = []
    for a, first in enumerate(strengths):
        for second in strengths[a + 1 :]:
            i, j = place[first.name], place[second.name]
            apart = whole[i] - whole[j]
            away = t * float(_error(parts[:, i] - parts[:, j]))
            pairs.append(
                Preferred(first.name, second.name, _chance(apart), _chance(apart - away), _chance(apart + away))
            )
    return BradleyTerry(tuple(strengths), tuple(pairs), len(groups), float(confidence))


def _strengths(wins: Floats, met: Floats, start: Floats | None = None) -> Floats:
    """Return log strengths with mean 0, the most likely ones given half a win for each side of every pair that met."""
    padded = wins + PRIOR * met
    games = padded + padded.T
    won = padded.sum(1)
    power = np.exp(start) if start is not None else np.ones(len(wins))
    for _ in range(ROUNDS):
        new = won / (games / (power[:, None] + power[None, :])).sum(1)
        new /= np.exp(np.log(new).mean())
        done = float(np.abs(np.log(new / power)).max()) < 1e-10
        power = new
        if done:
            break
    found: Floats = np.log(power)
    return found


def _error(parts: Floats) -> Floats:
    """Return the jackknife's standard errors, one a column."""
    groups = len(parts)
    found: Floats = np.sqrt((groups - 1) / groups * ((parts - parts.mean(0)) ** 2).sum(0))
    return found


def _connected(met: Floats) -> bool:
    seen, queue = {0}, [0]
    while queue:
        for other in np.flatnonzero(met[queue.pop()]):
            if int(other) not in seen:
                seen.add(int(other))
                queue.append(int(other))
    return len(seen) == len(met)


def _chance(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))
