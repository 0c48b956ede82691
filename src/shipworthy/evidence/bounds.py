"""The bound of a rate, worked out again from a pack's counts. Standard library only.

It repeats `shipworthy.stats.sample_rates` and `shipworthy.stats.paired` in plain Python instead of calling them:
whoever holds a pack needs neither numpy nor trust in the code that decided.
"""

from __future__ import annotations

from cmath import exp as cexp
from cmath import log as clog
from collections import Counter
from collections.abc import Sequence
from math import cosh, fsum, log, pi, sinh, sqrt

from shipworthy.core.condition import Condition

NEAR = 1e-6
"""A bound may be this much better than the recomputed one: both are found by search, on an integral."""
_STEP = 0.125
_HALVINGS = 36


def chance_above(shares: Sequence[float], limit: float) -> float:
    """Return the chance that a flat Dirichlet-weighted mean of the shares and of one more, whole, reaches a limit.

    It does when independent gammas, times what each share is above the limit, sum to at least zero: a contour integral
    of the sum's moment-generating function, through its saddlepoint.

    Args:
        shares: one a cluster, in [0, 1]; at least one.
        limit: in [0, 1].
    """
    counted = Counter(round(share, 12) for share in shares)
    counted[1.0] += 1
    parts = [(times, share - limit) for share, times in counted.items() if share != limit]
    lowest, highest = min((v for _, v in parts), default=0.0), max((v for _, v in parts), default=0.0)
    if lowest >= 0:
        return 1.0
    if highest <= 0:
        return 0.0
    below, above = 1 / lowest, 1 / highest
    for _ in range(_HALVINGS):
        t = (below + above) / 2
        if fsum(w * v / (1 - t * v) for w, v in parts) < 0:
            below = t
        else:
            above = t
    t = (below + above) / 2
    # The integrand has a pole at zero, so the path keeps off it, on the side of the saddlepoint.
    apart = 1 / sqrt(fsum(w * v * v for w, v in parts))
    t = max(t, min(apart, 0.5 / highest)) if t >= 0 else min(t, max(-apart, 0.5 / lowest))
    scale = 1 / sqrt(fsum(w * (v / (1 - t * v)) ** 2 for w, v in parts))
    total, node = 0.0, 0
    while node < 2000:
        z = complex(t, scale * sinh(node * _STEP))
        height = cexp(-sum(w * clog(1 - z * v) for w, v in parts)) / z * scale * cosh(node * _STEP)
        total += height.real / (1 if node else 2)
        if abs(height) < 1e-10 and node:
            break
        node += 1
    chance = total * _STEP / pi
    return min(1.0, max(0.0, chance if t > 0 else 1 + chance))


def upper_limit(shares: Sequence[float], tail: float) -> float:
    """Return Gaffke's upper limit of the mean share: the limit that is reached with the chance `tail`."""
    below, above = fsum(shares) / len(shares), 1.0
    if chance_above(shares, below) <= tail:
        return below
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        if chance_above(shares, middle) > tail:
            below = middle
        else:
            above = middle
    return above


def rise_limit(changes: Sequence[float], tail: float) -> float:
    """Return the upper limit of a mean change in [-1, 1], from the limits of what rose and of what fell.

    Zou and Donner (2008), with the observed correlation of the two.
    """
    clusters = len(changes)
    up, down = [max(c, 0.0) for c in changes], [max(-c, 0.0) for c in changes]
    rose, fell = fsum(up) / clusters, fsum(down) / clusters
    one = max(0.0, upper_limit(up, tail) - rose)
    other = max(0.0, fell - (1 - upper_limit([1 - d for d in down], tail)))
    scale = sqrt(fsum((u - rose) ** 2 for u in up) * fsum((d - fell) ** 2 for d in down))
    together = fsum((u - rose) * (d - fell) for u, d in zip(up, down, strict=True))
    correlation = together / scale if scale else 0.0
    return min(1.0, rose - fell + sqrt(max(0.0, one**2 + other**2 - 2 * correlation * one * other)))


def too_good(values: Sequence[float], bound: float, condition: Condition) -> bool:
    """Say whether a rate's bound is better than its clusters allow.

    Args:
        values: shares of hits, one a cluster; for a condition on a change, the changes of them.
        bound: as the decision holds it; of a change, the bound of the worsening.
    """
    tail = 1 - condition.confidence
    if condition.test == "noninferiority":
        worse = list(values) if condition.side == "upper" else [-value for value in values]
        return bound < rise_limit(worse, tail) - NEAR
    if condition.side == "lower":
        values, bound = [1 - value for value in values], 1 - bound
    bound += NEAR
    if bound >= 1:
        return False
    return bound <= fsum(values) / len(values) or log(max(chance_above(values, bound), 1e-300) / tail) > 1e-4
