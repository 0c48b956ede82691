"""Stated confidence against correctness: calibration error, Brier score, and risk against coverage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats.clusters import Floats, check_confidence
from shipworthy.stats.mean import MeanInterval, mean_interval

DRAWS = 2_000
"""Resamplings of clusters."""


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """Answers of like confidence: how many, their mean stated confidence and share of right ones, both in [0, 1]."""

    low: float
    high: float
    answers: int
    stated: float
    right: float


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Expected calibration error in [0, 1], its bootstrap interval, and the bins that it sums over."""

    error: float
    low: float
    high: float
    bins: tuple[ConfidenceBin, ...]
    answers: int
    clusters: int
    confidence: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Risk against coverage: the share of wrong answers among the surest ones.

    Attributes:
        coverage, risk: of every level of stated confidence, the surest first; both in (0, 1] and [0, 1].
        area: under the curve (AURC), in [0, 1]; lower is better; `low`, `high` its bootstrap interval.
        excess: the area less that of the best order there is with as many wrong answers (E-AURC); 0 is a perfect order.
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    area: float
    low: float
    high: float
    excess: float
    answers: int
    clusters: int
    confidence: float


def calibration_error(
    stated: ArrayLike,
    right: ArrayLike,
    clusters: ArrayLike,
    *,
    bins: int = 10,
    confidence: float = 0.95,
    seed: int = 0,
) -> CalibrationError:
    """Return the expected calibration error (ECE) over bins of equal width, with an interval over clusters.

    Args:
        stated: confidence of each answer, in [0, 1], shape (n,).
        right: whether it was right, 0 or 1, shape (n,).
        clusters: a whole number for what is independent, shape (n,).
        bins: at least 2.
        seed: of the resampling.

    Raises:
        ValueError: shapes that differ, no answers, or a value out of range.

    Source: Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017. The interval is the percentile bootstrap of whole
    clusters.

    Wrong to use to compare systems with few answers: the error of a perfectly calibrated system is above 0 on a finite
    sample, the more bins the more, and the bootstrap carries that bias along (with 100 answers and ten bins, about
    0.1). Compare `brier_score`, which has no such bias.

    >>> calibration_error([0.9] * 10, [1] * 9 + [0], range(10)).error
    0.0
    """
    s, r, groups = _checked(stated, right, clusters)
    if bins < 2:
        raise ValueError(f"at least 2 bins are needed; got {bins}")
    check_confidence(confidence)

    def error(s: Floats, r: Floats) -> float:
        return sum(abs(one.stated - one.right) * one.answers for one in _bins(s, r, bins)) / len(s)

    low, high = _bootstrap(error, s, r, groups, confidence=confidence, seed=seed)
    whole = round(error(s, r), 12)
    return CalibrationError(
        whole, min(low, whole), max(high, whole), tuple(_bins(s, r, bins)), len(s), len(groups), confidence
    )


def brier_score(stated: ArrayLike, right: ArrayLike, clusters: ArrayLike, *, confidence: float = 0.95) -> MeanInterval:
    """Return the mean squared distance of stated confidence and correctness, in [0, 1], with its interval.

    Arguments and errors as for `calibration_error`. 0.25 is what "50 %" to everything gets. Source: Brier 1950; the
    interval assumes no law (`mean_interval`).

    >>> round(brier_score([0.5] * 40, [0, 1] * 20, range(40)).mean, 3)
    0.25
    """
    s, r, groups = _checked(stated, right, clusters)
    loss = (s - r) ** 2
    totals = [float(loss[at].sum()) for at in groups]
    return mean_interval(totals, [len(at) for at in groups], low=0, high=1, confidence=confidence)


def risk_coverage(
    stated: ArrayLike, right: ArrayLike, clusters: ArrayLike, *, confidence: float = 0.95, seed: int = 0
) -> RiskCoverage:
    """Return how many answers are wrong if only the surest are given, for every share that is given.

    Arguments and errors as for `calibration_error`. Answers of one stated confidence cannot be told apart: they are
    taken in together, in mean over their orders. Source: El-Yaniv and Wiener 2010; Geifman, Uziel and El-Yaniv 2019.
    The interval is the percentile bootstrap of whole clusters.

    Wrong to use to choose a threshold and judge it on the same answers.

    >>> curve = risk_coverage([0.9, 0.9, 0.4, 0.4], [1, 1, 0, 1], range(4))
    >>> curve.coverage, curve.risk
    ((0.5, 1.0), (0.0, 0.25))
    """
    s, r, groups = _checked(stated, right, clusters)
    check_confidence(confidence)

    def area(s: Floats, r: Floats) -> float:
        return float(_risks(s, r).mean())

    low, high = _bootstrap(area, s, r, groups, confidence=confidence, seed=seed)
    whole, risks = area(s, r), _risks(s, r)
    ends = np.flatnonzero(np.append(np.diff(-np.sort(-s)) != 0, True))
    best = float(_risks(r, r).mean())
    return RiskCoverage(
        tuple(float((at + 1) / len(s)) for at in ends), tuple(float(risks[at]) for at in ends),
        whole, min(low, whole), max(high, whole), max(0.0, whole - best), len(s), len(groups), confidence,
    )  # fmt: skip


def _checked(
    stated: ArrayLike, right: ArrayLike, clusters: ArrayLike
) -> tuple[Floats, Floats, list[NDArray[np.int64]]]:
    s, r, c = (np.asarray(list(v) if isinstance(v, range) else v, dtype=np.float64) for v in (stated, right, clusters))
    if not (s.ndim == 1 and s.shape == r.shape == c.shape):
        raise ValueError(
            f"stated, right and clusters must be as long as each other; got {s.shape}, {r.shape}, {c.shape}"
        )
    if not len(s):
        raise ValueError("there are no answers")
    if not ((s >= 0) & (s <= 1)).all():
        raise ValueError("stated confidence must lie in [0, 1]")
    if not np.isin(r, (0.0, 1.0)).all():
        raise ValueError("right must be 0 or 1")
    order = np.argsort(c, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(c[order]) != 0))
    return s, r, np.split(order, starts[1:])


def _bins(s: Floats, r: Floats, bins: int) -> list[ConfidenceBin]:
    at = np.minimum((s * bins).astype(np.int64), bins - 1)
    return [
        ConfidenceBin(b / bins, (b + 1) / bins, int(own.sum()), float(s[own].mean()), float(r[own].mean()))
        for b in range(bins)
        if (own := at == b).any()
    ]


def _risks(s: Floats, r: Floats) -> Floats:
    """Return the risk among the k surest answers, for k from 1 to n; ties are spread evenly."""
    order = np.argsort(-s, kind="stable")
    sure, wrong = s[order], 1 - r[order]
    starts = np.append(True, np.diff(sure) != 0)
    block = np.cumsum(starts) - 1
    mean = np.bincount(block, weights=wrong) / np.bincount(block)
    risks: Floats = np.cumsum(mean[block]) / np.arange(1, len(s) + 1)
    return risks


def _bootstrap(
    of: Callable[[Floats, Floats], float],
    s: Floats,
    r: Floats,
    groups: list[NDArray[np.int64]],
    *,
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    drawn = np.empty(DRAWS)
    for number in range(DRAWS):
        at = np.concatenate([groups[g] for g in rng.integers(0, len(groups), len(groups))])
        drawn[number] = of(s[at], r[at])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return float(low), float(high)
