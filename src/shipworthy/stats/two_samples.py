"""How far two samples are apart: as distributions over values, and as clouds of vectors. Diagnostics, not decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from shipworthy.stats.clusters import Floats

_NOISE = 1.36
"""Kolmogorov's 95 % point: two samples of one distribution are seldom further apart than this over the root of n."""


class SampleDistance(NamedTuple):
    """How far two samples are apart, in [0, 1], and how far two of one distribution often are at these sizes."""

    distance: float
    noise: float


def ordered_distance(one: Mapping[float, int], other: Mapping[float, int]) -> SampleDistance:
    """Return the largest difference of two distribution functions (Kolmogorov and Smirnov).

    Args:
        one, other: value -> how often it was seen.

    Raises:
        ValueError: a sample is empty.

    Unlike a test's p-value it does not grow with the samples; `noise` shrinks. Wrong to take for significance where
    samples are clustered, as sessions of one user are.

    >>> round(ordered_distance({1: 50, 2: 50}, {1: 80, 2: 20}).distance, 2)
    0.3
    """
    n, m = _sizes(one, other)
    values = sorted({*one, *other})
    left = np.cumsum([one.get(value, 0) for value in values]) / n
    right = np.cumsum([other.get(value, 0) for value in values]) / m
    return SampleDistance(float(np.abs(left - right).max()), min(1.0, _NOISE * ((n + m) / (n * m)) ** 0.5))


def named_distance(one: Mapping[str, int], other: Mapping[str, int]) -> SampleDistance:
    """Return the total variation of two distributions over names: the share that would have to move.

    `noise` is its mean for two samples of one distribution, half the sum over names of the mean absolute difference.

    Raises:
        ValueError: a sample is empty.

    >>> round(named_distance({"a": 90, "b": 10}, {"a": 60, "b": 40}).distance, 2)
    0.3
    """
    n, m = _sizes(one, other)
    names = {*one, *other}
    apart = sum(abs(one.get(name, 0) / n - other.get(name, 0) / m) for name in names) / 2
    pooled = np.array([(one.get(name, 0) + other.get(name, 0)) / (n + m) for name in names])
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return SampleDistance(apart, min(1.0, float(np.sqrt(2 / np.pi) * spread.sum() / 2)))


class CloudDistance(NamedTuple):
    """How far the means of two clouds of unit vectors are apart, in [0, 2], and how often chance alone does as much."""

    distance: float
    p: float


def mean_distance(one: Floats, other: Floats, *, permutations: int = 500, seed: int = 0) -> CloudDistance:
    """Return the distance of the means of two samples of vectors: the maximum mean discrepancy of a linear kernel.

    Args:
        one, other: shape (vectors, dimensions), at least two vectors each.
        permutations: of the labels, for `p`, which is at least ``1 / (permutations + 1)``.

    Raises:
        ValueError: shapes that do not fit, or too few vectors.

    Source: Gretton et al. 2012. It sees a shift of the mean and no other; exchangeable vectors are taken for granted.
    """
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1] or min(len(one), len(other)) < 2:
        raise ValueError(f"two samples of at least two vectors of one length; got {one.shape} and {other.shape}")
    pooled, rng = np.concatenate([one, other]), np.random.default_rng(seed)
    n, total = len(one), np.concatenate([one, other]).sum(axis=0)

    def apart(sum_of_first: Floats) -> float:
        return float(np.linalg.norm(sum_of_first / n - (total - sum_of_first) / len(other)))

    seen = apart(one.sum(axis=0))
    more = sum(apart(pooled[rng.permutation(len(pooled))[:n]].sum(axis=0)) >= seen for _ in range(permutations))
    return CloudDistance(seen, (more + 1) / (permutations + 1))


def _sizes(one: Mapping[Any, int], other: Mapping[Any, int]) -> tuple[int, int]:
    n, m = sum(one.values()), sum(other.values())
    if not n or not m:
        raise ValueError("one of the two samples is empty")
    return n, m
