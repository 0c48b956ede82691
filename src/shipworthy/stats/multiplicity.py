"""Many tests at once: how to raise an alarm without raising it every week."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's adjusted p-values, in the order given.

    Rejecting those at most alpha keeps the chance of *any* false alarm at most alpha, whatever the dependence between
    the tests (Holm 1979).

    Args:
        p_values: each in [0, 1].

    Raises:
        ValueError: not one-dimensional, or a value outside [0, 1].

    Wrong to use on the criteria of a gate that must all pass (no correction is due there), and needlessly strict for
    a dashboard that only sorts what to look at.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values must be one-dimensional; got shape {p.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie in [0, 1]")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def gatekeeping(p_values: ArrayLike, suites: Sequence[Hashable], primary: Sequence[bool]) -> NDArray[np.float64]:
    """Return adjusted p-values where each suite's primary metric is tested before its other metrics.

    Every suite has an equal share of alpha. Its primary metric is tested with all of it. Only if that changed are the
    suite's other metrics tested, by Holm, with the same share; and a suite whose metrics all changed leaves its share
    to the others. With one metric a suite this is `holm`. A suite that names no primary shares alpha among its metrics
    by Holm from the beginning.

    Rejecting those at most alpha keeps the chance of *any* false alarm at most alpha, whatever is true of the others
    and whatever the dependence between the tests: it is a closed test with weighted Bonferroni tests whose weights
    never fall when a hypothesis leaves (Marcus, Peritz and Gabriel 1976; Bretz, Maurer, Brannath and Posch 2009).

    Args:
        p_values: each in [0, 1].
        suites: which suite each belongs to.
        primary: whether it is its suite's primary metric; at most one a suite.

    Raises:
        ValueError: not one-dimensional, lengths differ, a value outside [0, 1], two primaries in one suite.

    Wrong to use where primaries were chosen after the data were seen. A metric behind its primary is at least as large
    as it: read "above alpha" there as "not tested", and not as "did not change".

    >>> gatekeeping([0.01, 0.001, 0.2], ["a", "a", "b"], [True, False, True]).tolist()
    [0.02, 0.02, 0.2]
    >>> gatekeeping([0.04, 0.001, 0.2], ["a", "a", "b"], [True, False, True]).tolist()
    [0.08, 0.08, 0.2]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not p.size == len(suites) == len(primary):
        raise ValueError(f"one suite and one primary a p-value; got {p.shape}, {len(suites)} and {len(primary)}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie in [0, 1]")
    firsts = [suite for suite, first in zip(suites, primary, strict=True) if first]
    if len(firsts) > len(set(firsts)):
        raise ValueError("a suite has two primary metrics")
    adjusted, reached = np.empty_like(p), 0.0
    left = set(range(p.size))
    while left:
        now = {i: p[i] / weight for i, weight in _weights(left, suites, primary).items()}
        nearest = min(now, key=lambda i: (now[i], i))
        reached = max(reached, min(float(now[nearest]), 1.0))
        adjusted[nearest] = reached
        left.remove(nearest)
    return adjusted


def _weights(left: set[int], suites: Sequence[Hashable], primary: Sequence[bool]) -> dict[int, float]:
    """Return the shares of alpha of the tests that are open while these are left: above 0, 1 in all."""
    members: dict[Hashable, list[int]] = {}
    for i in left:
        members.setdefault(suites[i], []).append(i)
    open_ = ([i for i in mine if primary[i]] or mine for mine in members.values())
    return {i: 1 / (len(members) * len(mine)) for mine in open_ for i in mine}
