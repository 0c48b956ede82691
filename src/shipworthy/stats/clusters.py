"""Clustered counts: the checks on what goes into every test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def counts(hits: ArrayLike, trials: ArrayLike, what: str = "") -> tuple[Floats, Floats]:
    """Check per-cluster counts and return them as floats, without the clusters that have no trials.

    Raises:
        ValueError: not one-dimensional, of different length, not whole numbers, negative, more hits than trials, or
            no trial at all.
    """
    x, n = whole(hits, f"{what}hits"), whole(trials, f"{what}trials")
    if x.shape != n.shape:
        raise ValueError(f"{what}hits has {x.size} clusters and {what}trials {n.size}; give one entry a cluster")
    if (x > n).any():
        at = int(np.argmax(x > n))
        raise ValueError(f"cluster {at} has more {what}hits ({x[at]:.0f}) than {what}trials ({n[at]:.0f})")
    if not n.sum():
        raise ValueError(f"no {what}trials at all: there is nothing to estimate")
    return x[n > 0], n[n > 0]


def whole(values: ArrayLike, name: str) -> Floats:
    """Return whole, non-negative numbers, one entry a cluster, as floats.

    Raises:
        ValueError: not one-dimensional, or entries that are not such numbers.
    """
    given: NDArray[Any] = np.asarray(values)
    if given.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one entry a cluster; got shape {given.shape}")
    if given.size and given.dtype.kind not in "iufb":
        raise ValueError(f"{name} must be numbers; got {given.dtype}")
    array = given.astype(np.float64)
    if not np.isfinite(array).all() or (array != np.floor(array)).any():
        raise ValueError(f"{name} must be whole numbers")
    if (array < 0).any():
        raise ValueError(f"{name} must not be negative")
    return array


def check_confidence(confidence: float) -> float:
    """Return `confidence` if it lies in [0.5, 1).

    Raises:
        ValueError: it does not; 95 written for 0.95 is the usual reason.
    """
    if not 0.5 <= confidence < 1:
        raise ValueError(f"confidence must lie in [0.5, 1); got {confidence}")
    return float(confidence)
