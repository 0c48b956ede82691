"""Melding confidence distributions: a limit of what depends on several numbers, each known by its own limits.

Fay, Proschan and Brittain, Biometrics 2015. Each number is drawn from its confidence distribution, on the side that is
careful, and the limit is a quantile of what the draws give.
"""

from __future__ import annotations

import numpy as np

from shipworthy.stats.clusters import Floats

DRAWS = 100_000


def share_draws(found: int, labelled: int, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw a share from the lower and from the upper confidence distribution of Clopper and Pearson."""
    low = rng.beta(found, labelled - found + 1, draws) if found else np.zeros(draws)
    high = rng.beta(found + 1, labelled - found, draws) if found < labelled else np.ones(draws)
    return low, high


def cluster_means(rows: Floats, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the means of some shares over clusters, and the weight of one cluster more (Gaffke 2005).

    Weights are Dirichlet(1, ..., 1) over the clusters and one more. They are drawn for each distinct cluster, which is
    all that matters: one beta each where every share is 0 or 1.

    Args:
        rows: one a share, shape (shares, clusters).

    Returns:
        The means without the extra cluster, shape (shares, draws), and its weight, shape (draws,).
    """
    values, times = np.unique(rows, axis=1, return_counts=True)
    weights = rng.standard_gamma(times.astype(np.float64), size=(draws, values.shape[1]))
    extra = rng.standard_gamma(1.0, size=draws)
    total = weights.sum(axis=1) + extra
    return (weights @ values.T / total[:, None]).T, extra / total


def safe_tail(tail: float, draws: int) -> float:
    """Return the tail to take a quantile at: two standard errors of the drawing on the safe side, and not below 0."""
    return max(0.0, tail - 2 * float(np.sqrt(tail * (1 - tail) / draws)))
