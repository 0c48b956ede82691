"""The rate behind a scorer that errs, from people's labels on some of its hits and some of the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import Floats, check_confidence, counts, whole
from shipworthy.stats.melding import DRAWS, cluster_means, safe_tail, share_draws


@dataclass(frozen=True, slots=True)
class AuditedRate:
    """A rate corrected for its scorer's errors.

    Attributes:
        rate: in [0, 1]: share called a hit times how many of these are hits, and the same of the rest.
        low, high: one-sided limits, each at `confidence` by itself; what has no score is a hit for `high`
            and none for `low`.
        observed: the rate that the scorer gives, each cluster counted once.
        precision: share of labelled scorer-positives that are hits; None where none was labelled: then all of them are
            taken for hits, but for `low`.
        missed: share of labelled scorer-negatives that are hits all the same; None where none was labelled.
        sensitivity, specificity: of the scorer, as they follow from these; None where they are undefined.
        sensitivity_span, specificity_span: their melded intervals, half of what `confidence` leaves at each end.
    """

    rate: float
    low: float
    high: float
    observed: float
    precision: float | None
    missed: float | None
    sensitivity: float | None
    specificity: float | None
    sensitivity_span: tuple[float, float]
    specificity_span: tuple[float, float]
    confidence: float


def audited_rate(
    hits: ArrayLike,
    trials: ArrayLike,
    positives: tuple[int, int],
    negatives: tuple[int, int],
    confidence: float = 0.95,
    *,
    unscored: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> AuditedRate:
    """Return the rate of true hits with one-sided limits that hold although the scorer errs.

    The rate is ``Q P+ + (1 - Q) P-`` (Rogan and Gladen 1978 in its predictive form): Q the share that the scorer
    calls a hit, P+ and P- the shares of true hits among what it calls a hit and what it does not. The limits meld the
    three (Fay, Proschan and Brittain, Biometrics 2015): each is drawn from its own confidence distribution, and the
    limit is a quantile of what the draws give. P+ and P- have Clopper and Pearson's, Q has Gaffke's (2005) for the
    mean over clusters, which is Clopper and Pearson's where every cluster has one trial: weights are drawn for the
    clusters and for one more, which shows the less favourable end of what a cluster could. Nothing is assumed
    normal: limits of the prediction-powered sort wrongly pass .08 to .24 of the time at these sizes.

    Args:
        hits, trials: of each cluster as the scorer gave them.
        positives: (labelled a hit, labelled) among attempts that the scorer called a hit.
        negatives: the same among attempts that it did not. A label that is unsure counts as a hit for an upper limit.
        confidence: of each limit, in [0.5, 1).
        unscored: attempts of each cluster that the scorer gave no score; none if left out. No label says anything of
            them: they are hits for the upper limit, and none for the lower. `rate` is of what was scored.
        draws: of the Monte-Carlo; at least 1,000. The quantile is taken two of its standard errors on the safe side.
        seed: of the draws: the same input gives the same limits.

    Raises:
        ValueError: counts that cannot be; attempts that were not called a hit and no label on any: they would all have
            to count as hits.

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
    lost = np.zeros_like(whole(trials, "trials")) if unscored is None else whole(unscored, "unscored")
    given = whole(trials, "trials")
    if lost.shape != given.shape:
        raise ValueError(f"unscored has {lost.size} clusters and trials {given.size}; give one entry a cluster")
    x, n = counts(hits, trials)
    # Of every cluster: what is called a hit, what is not, and what has no score, as shares that add up to one.
    made = given + lost
    called = whole(hits, "hits")[made > 0] / made[made > 0]
    blank = lost[made > 0] / made[made > 0]
    good, right = _labels(positives, "positives"), _labels(negatives, "negatives")
    observed = float((x / n).mean())
    if (n - x).sum() > 0 and not right[1]:
        raise ValueError("no attempt that the scorer did not call a hit was labelled: label some of them")
    rng = np.random.default_rng(seed)
    parts, extra = cluster_means(np.stack([called, 1 - called - blank, blank]), draws, rng)
    tail = 1 - confidence
    safe = safe_tail(tail, draws)
    _, p_high = share_draws(*good, draws, rng)
    _, m_high = share_draws(*right, draws, rng)
    p_low, _ = share_draws(*good, draws, rng)
    m_low, _ = share_draws(*right, draws, rng)
    # One more cluster than there are, at the worse end of what it could show.
    any_blank = bool(blank.any())
    most = np.ones(draws) if any_blank else np.maximum(p_high, m_high)
    least = np.zeros(draws) if any_blank else np.minimum(p_low, m_low)
    above = parts[0] * p_high + parts[1] * m_high + parts[2] + extra * most
    below = parts[0] * p_low + parts[1] * m_low + extra * least
    precision = good[0] / good[1] if good[1] else None
    missed = right[0] / right[1] if right[1] else None
    true = observed * (1.0 if precision is None else precision)
    overlooked = (1 - observed) * (missed or 0.0)
    rate = true + overlooked
    # Of the scorer only what it scored says something.
    seen, more = cluster_means(np.stack([x / n, 1 - x / n]), draws, rng)
    found_low, found_high = seen[0] * p_low, (seen[0] + more) * p_high
    lost_low, lost_high = seen[1] * m_low, (seen[1] + more) * m_high
    clear_low, clear_high = seen[1] * (1 - m_high), (seen[1] + more) * (1 - m_low)
    false_low, false_high = seen[0] * (1 - p_high), (seen[0] + more) * (1 - p_low)
    return AuditedRate(
        rate=rate,
        low=float(np.quantile(below, safe)),
        high=float(np.quantile(above, 1 - safe)),
        observed=observed,
        precision=precision,
        missed=missed,
        sensitivity=true / rate if rate > 0 else None,
        specificity=(1 - observed - overlooked) / (1 - rate) if rate < 1 else None,
        sensitivity_span=_span(found_low, lost_high, found_high, lost_low, tail / 2),
        specificity_span=_span(clear_low, false_high, clear_high, false_low, tail / 2),
        confidence=float(confidence),
    )


def _labels(given: tuple[int, int], what: str) -> tuple[int, int]:
    found, labelled = given
    if found != int(found) or labelled != int(labelled) or not 0 <= found <= labelled:
        raise ValueError(f"{what} must be (labelled a hit, labelled), whole and in that order; got {given}")
    return int(found), int(labelled)


def _span(low: Floats, against: Floats, high: Floats, against_high: Floats, tail: float) -> tuple[float, float]:
    """Return quantiles of a share of two parts, each end from the less favourable parts; 0 of nothing, and 1."""
    least = np.divide(low, low + against, out=np.zeros_like(low), where=low + against > 0)
    most = np.divide(high, high + against_high, out=np.ones_like(high), where=high + against_high > 0)
    return float(np.quantile(least, tail)), float(np.quantile(most, 1 - tail))
