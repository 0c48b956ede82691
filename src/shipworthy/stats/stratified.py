"""A rate over strata that a judge saw samples of, corrected by people's labels on some of what it saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shipworthy.stats.clusters import Floats, check_confidence
from shipworthy.stats.melding import DRAWS, safe_tail, share_draws


class AuditedStratum(NamedTuple):
    """One stratum: independent units, a random sample of which a judge was asked about.

    Attributes:
        size: units in it.
        called: of `judged` units, those that the judge called a hit; `lost` were drawn and got no answer.
        true_called: of `labelled_called` units that it called a hit and people labelled, the true hits.
        true_rest: of `labelled_rest` others that people labelled, the true hits.
    """

    size: int
    called: int
    judged: int
    true_called: int
    labelled_called: int
    true_rest: int
    labelled_rest: int
    lost: int = 0

    def checked(self) -> AuditedStratum:
        """Return itself.

        Raises:
            ValueError: counts that cannot be, or a stratum of which nothing was judged.
        """
        drawn = self.judged + self.lost
        fine = 0 <= self.called <= self.judged and 0 < drawn <= self.size and self.lost >= 0
        fine = fine and 0 <= self.true_called <= self.labelled_called <= self.called
        if not (fine and 0 <= self.true_rest <= self.labelled_rest <= self.judged - self.called):
            raise ValueError(f"these counts cannot be of one stratum: {self}")
        return self


@dataclass(frozen=True, slots=True)
class StratifiedRate:
    """A rate over all units of all strata.

    Attributes:
        rate: corrected, in [0, 1]; of what was judged, and what nobody labelled taken at the judge's word.
        low, high: two-sided limits at `confidence`. What got no answer is a hit for `high`, and none for `low`.
        observed: the rate at the judge's word, weighted by the strata's sizes.
        labelled: units that people labelled.
    """

    rate: float
    low: float
    high: float
    observed: float
    labelled: int
    confidence: float


def stratified_audited_rate(
    strata: Sequence[AuditedStratum], confidence: float = 0.95, *, draws: int = DRAWS, seed: int = 0
) -> StratifiedRate:
    """Return the rate of true hits among all units, with limits that hold although the judge errs.

    Of stratum h the rate is ``Q P+ + (1 - Q) P-``: Q the share that the judge calls a hit, P+ and P- the shares of true
    hits among what it called one and what it did not. Each is drawn from its Clopper-Pearson confidence distribution,
    on the careful side, strata are added up by their sizes (Horvitz and Thompson 1952, chances of inclusion being equal
    within a stratum), and the limits are quantiles of the sums (melding: Fay, Proschan and Brittain 2015).

    Args:
        confidence: of both limits together, in [0.5, 1).
        draws: of the Monte-Carlo; at least 1,000. Quantiles are taken two of their standard errors on the safe side.
        seed: the same input gives the same limits.

    Raises:
        ValueError: no stratum, counts that cannot be, a confidence out of range.

    Wrong to use where units depend on one another (sessions of one person), and where labels were not drawn at random
    within what the judge called a hit and what it did not in each stratum. A stratum without labels on what the judge
    did not call a hit has 1 for its upper limit there. Coverage is simulated (`tests/statistics`), not proved.

    >>> strata = [AuditedStratum(10_000, 20, 400, 15, 20, 0, 200), AuditedStratum(500, 10, 100, 9, 10, 1, 60)]
    >>> found = stratified_audited_rate(strata)
    >>> round(found.observed, 3), round(found.rate, 3), found.low < found.rate < found.high
    (0.052, 0.041, True)
    """
    check_confidence(confidence)
    if draws < 1000:
        raise ValueError(f"draws must be at least 1,000; got {draws}")
    if not strata:
        raise ValueError("there is no stratum")
    rng, whole = np.random.default_rng(seed), sum(one.checked().size for one in strata)
    above, below = np.zeros(draws), np.zeros(draws)
    rate = observed = 0.0
    for one in strata:
        weight = one.size / whole
        up, down = _limits(one, draws, rng)
        above += weight * up
        below += weight * down
        called = one.called / one.judged if one.judged else 1.0
        right = one.true_called / one.labelled_called if one.labelled_called else 1.0
        missed = one.true_rest / one.labelled_rest if one.labelled_rest else 0.0
        observed += weight * called
        rate += weight * (called * right + (1 - called) * missed)
    safe = safe_tail((1 - confidence) / 2, draws)
    return StratifiedRate(
        rate=rate,
        low=float(np.quantile(below, safe)),
        high=float(np.quantile(above, 1 - safe)),
        observed=observed,
        labelled=sum(one.labelled_called + one.labelled_rest for one in strata),
        confidence=float(confidence),
    )


def _limits(one: AuditedStratum, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the rate of one stratum from its upper and its lower confidence distribution."""
    few, many = share_draws(one.called, one.judged, draws, rng) if one.judged else (np.zeros(draws), np.ones(draws))
    good_low, good_high = _share(one.true_called, one.labelled_called, draws, rng)
    miss_low, miss_high = _share(one.true_rest, one.labelled_rest, draws, rng)
    # Where people find more among what the judge let pass, more calls would lower the rate: take the careful end.
    up = many * np.maximum(good_high, miss_high) + (1 - many) * miss_high
    down = few * good_low + (1 - few) * np.minimum(miss_low, good_low)
    lost = one.lost / (one.judged + one.lost)
    return (1 - lost) * up + lost, (1 - lost) * down


def _share(found: int, labelled: int, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    return share_draws(found, labelled, draws, rng) if labelled else (np.zeros(draws), np.ones(draws))
