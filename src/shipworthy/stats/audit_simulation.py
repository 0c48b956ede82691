"""How often an audited criterion passes, measured on data whose truth is known."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from shipworthy.stats.audit import audited_rate
from shipworthy.stats.clusters import Floats


class AuditDesign(NamedTuple):
    """A run whose scorer errs, and how many of its attempts people label.

    Attributes:
        clusters, attempts: at least 1; `large` clusters more have `large_attempts` each.
        icc: of the true hits within a cluster, in [0, 1]: 1 makes each cluster wholly weak or wholly safe.
        sensitivity, specificity: of the scorer, in [0, 1].
        positives, negatives: labels wanted on what the scorer called a hit, and on the rest.
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


def passes_audited(
    design: AuditDesign,
    rate: float,
    limit: float,
    *,
    verdict: Literal["pass", "fail"] = "pass",
    replicates: int = 1000,
    seed: int = 0,
    draws: int = 4000,
) -> float:
    """Return the share of runs whose audited upper limit at 95 % is at most `limit`; or whose lower one is above it.

    Labels are drawn as `shipworthy labels draw` does: one attempt a cluster, then of each kind so many at random.

    Args:
        rate: the truth: the mean over clusters of their rate of hits, in (0, 1).
        verdict: ``pass`` asks for the upper limit, ``fail`` for the lower one.
        draws: of each limit; with few of them the limit is the safer for it.
    """
    rng = np.random.default_rng(seed)
    passed = 0
    for _ in range(replicates):
        hits, trials, positives, negatives = _audited_run(design, rate, rng)
        found = audited_rate(hits, trials, positives, negatives, draws=draws)
        passed += found.high <= limit if verdict == "pass" else found.low > limit
    return passed / replicates


def _audited_run(
    design: AuditDesign, rate: float, rng: np.random.Generator
) -> tuple[Floats, Floats, tuple[int, int], tuple[int, int]]:
    trials = np.repeat([design.attempts, design.large_attempts], [design.clusters, design.large])
    rates = np.full(trials.size, rate)
    if design.icc == 1:
        rates = (rng.random(trials.size) < rate).astype(np.float64)
    elif design.icc > 0:
        spread = 1 / design.icc - 1
        rates = rng.beta(rate * spread, (1 - rate) * spread, trials.size)
    true = rng.binomial(trials, rates)
    called_true = rng.binomial(true, design.sensitivity)
    called_false = rng.binomial(trials - true, 1 - design.specificity)
    # The attempt that is drawn from a cluster is any of its own: a true hit that was called one, or missed, or neither.
    place = rng.random(trials.size) * trials
    hit = place < true
    called = np.where(hit, place < called_true, place - true < called_false)
    labels = []
    for kind, most in ((True, design.positives), (False, design.negatives)):
        offered = rng.permutation(hit[called == kind])[:most]
        labels.append((int(offered.sum()), int(offered.size)))
    hits = (called_true + called_false).astype(np.float64)
    return hits, trials.astype(np.float64), labels[0], labels[1]
