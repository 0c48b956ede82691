"""How often a criterion behind a calibrated judge passes, and its limits hold, measured where the truth is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shipworthy.stats.clusters import Floats
from shipworthy.stats.judge_error import JudgeAccuracy, judged_rate


class JudgeDesign(NamedTuple):
    """A run whose judge errs, and the labels that its errors were measured on.

    Attributes:
        clusters, attempts: at least 1; `large` clusters more have `large_attempts` each.
        icc: of the true hits within a cluster, in [0, 1]: 1 makes each cluster wholly weak or wholly safe.
        sensitivity, specificity: of the judge, in [0, 1], the same on the labels and in the run.
        positives, negatives: labelled hits and labelled others.
    """

    clusters: int
    attempts: int
    icc: float
    sensitivity: float
    specificity: float
    positives: int = 100
    negatives: int = 300
    large: int = 0
    large_attempts: int = 1


class JudgedShares(NamedTuple):
    """Shares of simulated runs: those that ship, those that fail, and those whose one-sided limits hold."""

    ships: float
    fails: float
    high_holds: float
    low_holds: float


def judged_shares(
    design: JudgeDesign, rate: float, limit: float, *, replicates: int = 1000, seed: int = 0, draws: int = 4000
) -> JudgedShares:
    """Return how runs end whose corrected limits at 95 % are held against `limit`; `unlike` ones decide nothing.

    Args:
        rate: the truth: the mean over clusters of their rate of hits, in (0, 1).
        draws: of each limit; with few of them the limit is the safer for it.
    """
    rng = np.random.default_rng(seed)
    ends = np.zeros(4)
    for _ in range(replicates):
        hits, trials, accuracy = _judged_run(design, rate, rng)
        found = judged_rate(hits, trials, accuracy, draws=draws)
        decides = not found.unlike
        ends += (decides and found.high <= limit, decides and found.low > limit, found.high >= rate, found.low <= rate)
    return JudgedShares(*(ends / replicates).tolist())


def _judged_run(design: JudgeDesign, rate: float, rng: np.random.Generator) -> tuple[Floats, Floats, JudgeAccuracy]:
    trials = np.repeat([design.attempts, design.large_attempts], [design.clusters, design.large])
    rates = np.full(trials.size, rate)
    if design.icc == 1:
        rates = (rng.random(trials.size) < rate).astype(np.float64)
    elif design.icc > 0:
        spread = 1 / design.icc - 1
        rates = rng.beta(rate * spread, (1 - rate) * spread, trials.size)
    true = rng.binomial(trials, rates)
    called = rng.binomial(true, design.sensitivity) + rng.binomial(trials - true, 1 - design.specificity)
    accuracy = JudgeAccuracy(
        int(rng.binomial(design.positives, design.sensitivity)),
        design.positives,
        int(rng.binomial(design.negatives, design.specificity)),
        design.negatives,
    )
    return called.astype(np.float64), trials.astype(np.float64), accuracy
