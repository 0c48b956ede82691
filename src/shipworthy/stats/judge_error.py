"""A rate, and a change of one, behind a judge whose errors were measured beforehand on labelled answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import Floats, check_confidence, counts, whole
from shipworthy.stats.criterion import TestVerdict
from shipworthy.stats.melding import DRAWS, cluster_means, safe_tail, share_draws
from shipworthy.stats.paired import NoninferiorityTest


class JudgeAccuracy(NamedTuple):
    """What people's labels say of a judge: one label a cluster, so that they are independent.

    Attributes:
        found: of `positives` labelled hits, those that it called one.
        cleared: of `negatives` labelled as none, those that it called none.
    """

    found: int
    positives: int
    cleared: int
    negatives: int

    @property
    def sensitivity(self) -> float:
        """Share of the labelled hits that it found, in [0, 1]."""
        return self.found / self.positives

    @property
    def specificity(self) -> float:
        """Share of the rest that it cleared, in [0, 1]."""
        return self.cleared / self.negatives

    @property
    def informedness(self) -> float:
        """Youden's J, in [-1, 1]: at 0 its word says nothing."""
        return self.sensitivity + self.specificity - 1

    def checked(self) -> JudgeAccuracy:
        """Return itself.

        Raises:
            ValueError: counts that cannot be, or no label of one of the two kinds.
        """
        hits, rest = (self.found, self.positives, "hit"), (self.cleared, self.negatives, "answer without a hit")
        for right, labelled, what in (hits, rest):
            if not 0 <= right <= labelled or right != int(right) or labelled != int(labelled):
                raise ValueError(
                    f"a judge cannot be right on {right} of {labelled}: (found, positives, ...) are counts"
                )
            if not labelled:
                raise ValueError(f"no {what} was labelled: nothing is known of the judge there")
        return self


@dataclass(frozen=True, slots=True)
class JudgedRate:
    """A rate corrected for its judge's errors.

    Attributes:
        rate: in [0, 1], of what was scored; 0 where the judge's false hits explain all that it found.
        low, high: one-sided limits, each at `confidence` by itself; what has no score is a hit for `high` and none for
            `low`.
        observed: the rate that the judge gives, each cluster counted once.
        unlike: the judge finds fewer hits than its false hits alone would give: these answers are not like those that
            it was measured on, and `low`, `high` and `rate` say nothing.
    """

    rate: float
    low: float
    high: float
    observed: float
    unlike: bool
    confidence: float


def judged_rate(
    hits: ArrayLike,
    trials: ArrayLike,
    accuracy: JudgeAccuracy,
    confidence: float = 0.95,
    *,
    unscored: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> JudgedRate:
    """Return the rate of true hits with one-sided limits that hold although the judge errs.

    The rate is ``(Q - (1 - Sp)) / (Se + Sp - 1)`` (Rogan and Gladen 1978): Q the share that the judge calls a hit, Se
    its sensitivity, Sp its specificity. The limits meld the three (Fay, Proschan and Brittain, Biometrics 2015), as in
    `audited_rate`: Q has Gaffke's confidence distribution over clusters, Se and Sp have Clopper and Pearson's. Where
    the two draws leave a judge that tells nothing, the limit is 0 or 1.

    Args:
        hits, trials: of each cluster, as the judge gave them.
        accuracy: of this judge on labelled answers that are like these.
        confidence: of each limit, in [0.5, 1).
        unscored: attempts of each cluster without a score; none if left out. They are hits for the upper limit, and
            none for the lower.
        draws: of the Monte-Carlo; at least 1,000. The quantile is taken two of its standard errors on the safe side.
        seed: of the draws: the same input gives the same limits.

    Raises:
        ValueError: counts, confidence or accuracy that cannot be.

    Wrong to use where the judge errs more, or less, on these answers than on the labelled ones: another model that
    answers, another language, other attacks. Counts show only the grossest of that (`JudgedRate.unlike`), and
    `audited_rate` trusts nothing but labels of these very answers. Coverage of a melded limit is simulated, not proved.

    >>> r = judged_rate([1] * 30 + [0] * 370, [1] * 400, JudgeAccuracy(170, 200, 392, 400))
    >>> round(r.observed, 3), round(r.rate, 3), r.low < r.rate < r.high
    (0.075, 0.066, True)
    """
    check_confidence(confidence)
    if draws < 1000:
        raise ValueError(f"draws must be at least 1,000; got {draws}")
    accuracy.checked()
    x, n = counts(hits, trials)
    given = whole(trials, "trials")
    lost = np.zeros_like(given) if unscored is None else whole(unscored, "unscored")
    if lost.shape != given.shape:
        raise ValueError(f"unscored has {lost.size} clusters and trials {given.size}; give one entry a cluster")
    made = given + lost
    called, blank = whole(hits, "hits")[made > 0] / made[made > 0], lost[made > 0] / made[made > 0]
    rng, tail = np.random.default_rng(seed), 1 - confidence
    (seen, rest, none), extra = cluster_means(np.stack([called, 1 - called - blank, blank]), draws, rng)
    found_low, found_high = share_draws(accuracy.found, accuracy.positives, draws, rng)
    clear_low, clear_high = share_draws(accuracy.cleared, accuracy.negatives, draws, rng)
    # One more cluster than there are, all of it called a hit for the upper limit and none of it for the lower.
    above = _true(seen + extra, seen + rest + extra, found_low, clear_high, unknown=1.0) + none
    below = _true(seen, seen + rest + extra, found_high, clear_low, unknown=0.0)
    observed = float((x / n).mean())
    safe = safe_tail(tail, draws)
    rate = _true(
        np.array([observed]),
        np.ones(1),
        np.array([accuracy.sensitivity]),
        np.array([accuracy.specificity]),
        unknown=observed,
    )
    # How few hits the scored part may show, against how many false ones there would be were none of it true.
    short = (seen + extra) / (seen + rest + extra) - (1 - clear_high)
    return JudgedRate(
        rate=float(rate[0]),
        low=float(np.quantile(below, safe)),
        high=min(1.0, float(np.quantile(above, 1 - safe))),
        observed=observed,
        unlike=bool(np.quantile(short, 1 - safe) < 0),
        confidence=float(confidence),
    )


def judged_noninferiority_test(
    seen: NoninferiorityTest, accuracy: JudgeAccuracy, confidence: float = 0.95
) -> NoninferiorityTest:
    """Correct a test of a change for the errors of the judge that saw it, alike in both runs.

    The change that is seen is ``J = Se + Sp - 1`` times the true one. So the bound on it is divided by the lowest J
    that the labels allow, from Clopper and Pearson's lower limits. The bound gets half of what `confidence` leaves,
    each of the two limits a quarter, and the chance that one of the three misses is at most the sum (Boole). A
    worsening is never made smaller by it.

    Args:
        seen: of the judge's own counts, at the confidence that `seen_confidence` gives.
        confidence: of the corrected bound, in [0.5, 1).

    Raises:
        ValueError: `seen` is at another confidence, or the accuracy cannot be.

    Wrong to use where the judge reads the two systems differently, such as one that prefers its own style; and see
    `judged_rate`.

    >>> from shipworthy.stats import noninferiority_test
    >>> same = [0] * 200
    >>> seen = noninferiority_test(same, [1] * 200, same, [1] * 200, 0.05, confidence=seen_confidence(0.95))
    >>> judged_noninferiority_test(seen, JudgeAccuracy(85, 100, 392, 400)).verdict
    'pass'
    """
    half = (1 - check_confidence(confidence)) / 2
    if abs(seen.confidence - seen_confidence(confidence)) > 1e-12:
        raise ValueError(
            f"the test that is corrected must be at {seen_confidence(confidence):g}; got {seen.confidence:g}"
        )
    accuracy.checked()
    # Of the two-sided interval each end gets half of that, for the change as for the slope.
    slope, wide = _least_slope(accuracy, half / 2), _least_slope(accuracy, half / 4)
    upper = _stretched(seen.bound, slope)
    lower = seen.opposite if seen.opposite > 0 else _stretched(seen.opposite, slope)
    verdict: TestVerdict = "pass" if upper <= seen.margin else "fail" if lower > seen.margin else "inconclusive"
    likely = accuracy.informedness
    difference = _stretched(seen.difference, likely) if likely > 0 else seen.difference
    return NoninferiorityTest(
        verdict=verdict,
        bound=upper if seen.bound > 0 else seen.bound,
        opposite=lower,
        margin=seen.margin,
        worse=seen.worse,
        difference=difference,
        low=min(difference, _stretched(seen.low, wide) if seen.low < 0 else seen.low),
        high=max(difference, _stretched(seen.high, wide) if seen.high > 0 else seen.high),
        clusters=seen.clusters,
        rose=seen.rose,
        fell=seen.fell,
        confidence=float(confidence),
    )


def seen_confidence(confidence: float) -> float:
    """Return the confidence at which the judge's own counts are tested before they are corrected.

    >>> seen_confidence(0.95)
    0.975
    """
    return 1 - (1 - confidence) / 2


def _least_slope(accuracy: JudgeAccuracy, tail: float) -> float:
    """Return the lowest J that the labels allow, each of its two parts missing with chance `tail`."""
    from scipy.special import betaincinv

    kinds = (accuracy.found, accuracy.positives), (accuracy.cleared, accuracy.negatives)
    return sum(float(betaincinv(right, labelled - right + 1, tail)) if right else 0.0 for right, labelled in kinds) - 1


def _true(called: Floats, scored: Floats, sensitivity: Floats, specificity: Floats, *, unknown: float) -> Floats:
    """Return the share that is a true hit, of draws: at most what was scored; `unknown` of it by a judge that guesses.

    Args:
        called, scored: shares of all, so that what has no score can be added.
    """
    slope = sensitivity + specificity - 1
    told = slope > 0
    share = (called - (1 - specificity) * scored) / np.where(told, slope, 1.0)
    found: Floats = np.where(told, np.clip(share, 0.0, scored), unknown * scored)
    return found


def _stretched(change: float, slope: float) -> float:
    """Return a change divided by a slope of at most 1, within [-1, 1]; as far as it goes where the slope is none."""
    if slope <= 0:
        return 1.0 if change > 0 else -1.0 if change < 0 else 0.0
    return min(1.0, max(-1.0, change / slope))
