"""The rate behind a scorer that errs, from people's labels on some of its hits and some of the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import Floats, check_confidence, counts

DRAWS = 100_000


@dataclass(frozen=True, slots=True)
class AuditedRate:
    """A rate corrected for its scorer's errors.

    Attributes:
        rate: in [0, 1]: share called a hit times how many of these are hits, and the same of the rest.
        low, high: one-sided limits, each at `confidence` by itself.
        observed: the rate that the scorer gives, each cluster counted once.
        precision: share of labelled scorer-positives that are hits; None where none was labelled.
        missed: share of labelled scorer-negatives that are hits all the same; None where none was labelled.
        sensitivity, specificity: of the scorer, as they follow from these; None where they are undefined.
    """

    rate: float
    low: float
    high: float
    observed: float
    precision: float | None
    missed: float | None
    sensitivity: float | None
    specificity: float | None
    confidence: float


def audited_rate(
    hits: ArrayLike,
    trials: ArrayLike,
    positives: tuple[int, int],
    negatives: tuple[int, int],
    confidence: float = 0.95,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> AuditedRate:
    """Return the rate of true hits with one-sided limits that hold although the scorer errs.

    The rate is ``Q P+ + (1 - Q) P-`` (Rogan and Gladen 1978 in its predictive form): Q the share that the scorer
    calls a hit, P+ and P- the shares of true hits among what it calls a hit and what it does not. The limits meld the
    three (Fay, Proschan and Brittain, Biometrics 2015): each is drawn from its own confidence distribution, and the
    limit is a quantile of what the draws give. P+ and P- have Clopper and Pearson's, Q has Gaffke's (2005) for the
    mean over clusters, which is Clopper and Pearson's where every cluster has one trial. The rate rises or falls with
    Q, so of Q's upper and lower distribution the less favourable one is taken in every draw. Nothing is assumed
    normal: limits of the prediction-powered sort wrongly pass .08 to .24 of the time at these sizes.

    Args:
        hits, trials: of each cluster as the scorer gave them.
        positives: (labelled a hit, labelled) among attempts that the scorer called a hit.
        negatives: the same among attempts that it did not. A label that is unsure counts as a hit for an upper limit.
        confidence: of each limit, in [0.5, 1).
        draws: of the Monte-Carlo; at least 1,000. The quantile is taken two of its standard errors on the safe side.
        seed: of the draws: the same input gives the same limits.

    Raises:
        ValueError: counts that cannot be; hits without a labelled positive or misses without a labelled negative, about
            which nothing would be known.

    Wrong to use where labels were not drawn at random within what the scorer called a hit and what it did not, where
    several labels are of one cluster (they are not independent: draw one attempt a cluster), and where clusters
    differ much in size while attempts were drawn with equal chance (every cluster counts once here). Coverage of a
    melded limit is simulated, not proved. It gains little over labelling the same attempts by hand at random; about
    100 positives and 300 negatives is the size that works.

    >>> r = audited_rate([1] * 8 + [0] * 392, [1] * 400, (6, 8), (0, 300))
    >>> round(r.observed, 3), round(r.rate, 3), r.low < r.rate < r.high
    (0.02, 0.015, True)
    """
    check_confidence(confidence)
    if draws < 1000:
        raise ValueError(f"draws must be at least 1,000; got {draws}")
    x, n = counts(hits, trials)
    good, right = _labels(positives, "positives"), _labels(negatives, "negatives")
    shares = x / n
    observed = float(shares.mean())
    if x.sum() > 0 and not good[1]:
        raise ValueError("no attempt that the scorer called a hit was labelled: label some of them")
    if (n - x).sum() > 0 and not right[1]:
        raise ValueError("no attempt that the scorer did not call a hit was labelled: label some of them")
    rng = np.random.default_rng(seed)
    q_low, q_high = _mean_draws(shares, draws, rng)
    tail = 1 - confidence
    slack = 2 * float(np.sqrt(tail * confidence / draws))
    _, p_high = _share_draws(*good, draws, rng)
    _, m_high = _share_draws(*right, draws, rng)
    p_low, _ = _share_draws(*good, draws, rng)
    m_low, _ = _share_draws(*right, draws, rng)
    above = np.maximum(_mix(q_high, p_high, m_high), _mix(q_low, p_high, m_high))
    below = np.minimum(_mix(q_high, p_low, m_low), _mix(q_low, p_low, m_low))
    precision = good[0] / good[1] if good[1] else None
    missed = right[0] / right[1] if right[1] else None
    true = observed * (precision or 0.0)
    lost = (1 - observed) * (missed or 0.0)
    rate = true + lost
    return AuditedRate(
        rate=rate,
        low=float(np.quantile(below, max(tail - slack, 0.0))),
        high=float(np.quantile(above, min(confidence + slack, 1.0))),
        observed=observed,
        precision=precision,
        missed=missed,
        sensitivity=true / rate if rate > 0 else None,
        specificity=(1 - observed - lost) / (1 - rate) if rate < 1 else None,
        confidence=float(confidence),
    )


def _labels(given: tuple[int, int], what: str) -> tuple[int, int]:
    found, labelled = given
    if found != int(found) or labelled != int(labelled) or not 0 <= found <= labelled:
        raise ValueError(f"{what} must be (labelled a hit, labelled), whole and in that order; got {given}")
    return int(found), int(labelled)


def _mix(q: Floats, positive: Floats, negative: Floats) -> Floats:
    return q * positive + (1 - q) * negative


def _share_draws(found: int, labelled: int, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw a share from the lower and from the upper confidence distribution of Clopper and Pearson."""
    low = rng.beta(found, labelled - found + 1, draws) if found else np.zeros(draws)
    high = rng.beta(found + 1, labelled - found, draws) if found < labelled else np.ones(draws)
    return low, high


def _mean_draws(shares: Floats, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw a mean of values in [0, 1] from its lower and upper confidence distribution (Gaffke 2005).

    Weights are Dirichlet(1, ..., 1) over the values and one more at the end of the range, 0 or 1. They are drawn for
    each distinct value, which is all that matters: one beta each where every share is 0 or 1.
    """
    values, times = np.unique(shares, return_counts=True)
    weights = rng.standard_gamma(times.astype(np.float64), size=(draws, values.size))
    extra = rng.standard_gamma(1.0, size=draws)
    total = weights.sum(axis=1) + extra
    sums = weights @ values
    return sums / total, (sums + extra) / total
