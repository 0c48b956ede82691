"""Does one run lie apart from several runs of the old system: what pairing two runs cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, stdtr, stdtrit

from shipworthy.stats.clusters import Floats, check_confidence
from shipworthy.stats.mean import check_range

FEWEST = 4
"""Runs of the old system: one, and three replicates. With fewer, Student's t is valid and finds next to nothing."""


class RunShift(NamedTuple):
    """One new run beside several old ones.

    Attributes:
        p_value: two-sided, of "the new run is one more of the old ones", in [0, 1].
        down, up: how far the interval of the change reaches below and above its estimate for the spread of whole runs,
            in the unit of the levels, >= 0.
        spread: standard deviation of the old runs' levels, in their unit.
        runs: number of old runs.
    """

    p_value: float
    down: float
    up: float
    spread: float
    runs: int


def run_shift(
    level: float,
    old_levels: Sequence[float],
    clusters: int,
    *,
    low: float = 0.0,
    high: float = 1.0,
    confidence: float = 0.95,
) -> RunShift:
    """Compare one run's rate or mean with those of several runs of the old system on the same samples.

    What moves a whole run (a provider's bad day, another batch of hardware) moves all its attempts together. Pairing
    cannot see it, and no number of samples makes it smaller. The run is therefore the unit here: Student's t of one
    new observation against K old ones, ``(new - mean) / (s * sqrt(1 + 1 / K))`` on K - 1 degrees of freedom, which is
    the prediction interval of a normal sample (Hahn, Journal of Quality Technology 1969). It is taken of the log odds,
    with half a cluster of either outcome added (Haldane 1956, Anscombe 1956), on which a shift of the run is the same
    size at every rate, and of the levels themselves; the larger p-value and the longer reach count. Shifts are skewed
    on the one scale and sampling on the other: each alone raises a few false alarms too many, on opposite sides.
    Sampling of attempts is part of what differs between runs, and so within s.

    Args:
        level: the new run's mean over clusters, in [low, high]; `old_levels` those of at least `FEWEST` old runs.
        clusters: that the levels are means of, >= 1.
        low, high: the range of the levels, known before the data were seen.
        confidence: of the reach, in [0.5, 1).

    Raises:
        ValueError: too few old runs; a level outside the range; bad range, clusters or confidence.

    Assumes that the old runs are independent draws from the same days and hands as the new one, and that their log
    odds are about normal. Wrong to use alone: where the old runs are all alike, as those of a rare event are, it calls
    any difference surely real. Take the larger of its p-value and that of `paired_difference`, which holds whatever
    the law where no run is shifted (simulated: decision 0154). Wrong, too, on replicates made within an hour of each
    other when the new run is made next week: they do not show what a week does.

    >>> shift = run_shift(0.30, [0.10, 0.12, 0.09, 0.11], 200)
    >>> shift.p_value < 0.01, shift.runs
    (True, 4)
    >>> run_shift(0.30, [0.10, 0.22, 0.09, 0.31], 200).p_value > 0.2
    True
    """
    width = check_range(low, high)
    old = np.asarray(old_levels, dtype=np.float64)
    if old.ndim != 1 or old.size < FEWEST:
        raise ValueError(f"old_levels must be those of at least {FEWEST} runs; got {old.size}")
    every = (np.append(old, level) - low) / width
    if not (np.isfinite(every).all() and (every >= -1e-9).all() and (every <= 1 + 1e-9).all()):
        raise ValueError(f"levels must lie in [{low:g}, {high:g}]")
    if clusters < 1:
        raise ValueError(f"clusters must be at least 1; got {clusters}")
    shares = np.clip(every, 0.0, 1.0)
    odds = log_odds(shares, clusters)
    t = float(stdtrit(old.size - 1, (1 + check_confidence(confidence)) / 2)) * sqrt(1 + 1 / old.size)
    now, on_odds, plain = float(odds[-1]), t * float(odds[:-1].std(ddof=1)), t * float(shares[:-1].std(ddof=1))
    at = float(expit(now))
    up, down = max(plain, float(expit(now + on_odds)) - at), max(plain, at - float(expit(now - on_odds)))
    p = float(shift_p(shares[-1:], shares[None, :-1], clusters)[0])
    return RunShift(p, width * down, width * up, float(old.std(ddof=1)), old.size)


def log_odds(shares: Floats, clusters: int) -> Floats:
    """Return the log odds of means in [0, 1] over so many clusters, half a cluster of either outcome added."""
    odds: Floats = logit((shares * clusters + 0.5) / (clusters + 1))
    return odds


def shift_p(new: Floats, old: Floats, clusters: int) -> Floats:
    """Return the two-sided p-values of new shares in [0, 1], shape (n,), against old ones, shape (n, K).

    Where the old ones are all alike, it is 1 for a new one that is, too, and 0 for any other.
    """
    p: Floats = np.maximum(_student(new, old), _student(log_odds(new, clusters), log_odds(old, clusters)))
    return p


def _student(new: Floats, old: Floats) -> Floats:
    runs = old.shape[-1]
    error = old.std(-1, ddof=1) * sqrt(1 + 1 / runs)
    apart = np.abs(new - old.mean(-1))
    # Sums in another order may differ in the last digit where nothing does.
    same, alike = apart <= 1e-9, error <= 1e-9
    t = np.where(same, 0.0, np.where(alike, np.inf, apart / np.where(alike, 1.0, error)))
    p: Floats = 2 * stdtr(runs - 1, -t)
    return p
