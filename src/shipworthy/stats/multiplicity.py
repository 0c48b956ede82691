"""Many tests at once: how to raise an alarm without raising it every week."""

from __future__ import annotations

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
