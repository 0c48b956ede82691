"""The bounds of rates and means, worked out again from a pack's counts. Standard library only.

It repeats `shipworthy.stats.sample_rates`, `shipworthy.stats.paired` and `shipworthy.stats.betting` in plain Python
instead of calling them: whoever holds a pack needs neither numpy nor trust in the code that decided.
"""

from __future__ import annotations

from cmath import exp as cexp
from cmath import log as clog
from collections import Counter
from collections.abc import Sequence
from math import cosh, exp, fsum, log, log1p, pi, sinh, sqrt, tanh
from typing import NamedTuple

NEAR = 1e-8
"""A bound may differ this much from the recomputed one, in widths of the range: both are found by search, and agree to
1e-9 (`tests/statistics/test_both_bounds.py`)."""
_SURE = 1e-7
"""Of the logarithm of a chance: what is nearer to the limit than this may lie on either side of it."""
_STEP = 0.15
_MOST_BENT = 1.0
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
    ratios = [(w, v / (1 - t * v)) for w, v in parts]
    scale = 1 / sqrt(fsum(w * r * r for w, r in ratios))
    # It bends the way that the steepest descent does: on a straight one, rare hits among many would oscillate for long.
    bend = max(-_MOST_BENT, min(_MOST_BENT, 2 / 3 * fsum(w * (r * scale) ** 3 for w, r in ratios)))
    total, node = 0.0, 0
    while node < 2000:
        along, aside = sinh(node * _STEP), cosh(node * _STEP)
        z = complex(t + scale * bend * (aside - 1), scale * along)
        height = cexp(-sum(w * clog(1 - z * v) for w, v in parts)) / z * scale * complex(aside, -bend * along)
        total += height.real / (1 if node else 2)
        if abs(height) < 1e-13 and node:
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


_STEADY = {1.0: 25, 0.8: 15, 0.6: 12, 0.4: 10, 0.25: 8, 0.15: 8, 0.08: 8, 0.04: 6, 0.02: 5, 0.01: 3}
"""Of a run that may be ended early: how the capital is split over bets, as shares of the largest one."""


def log_capital(y: Sequence[float], limit: float, tail: float, *, anytime: bool = False) -> float:
    """Return the logarithm of what betting against ``mean >= limit`` has made of one unit of capital.

    The bets are those of `shipworthy.stats.betting`: seven guesses at the variance share the capital.

    Args:
        y: means of the clusters, in [0, 1].
        limit: in (0, 1).
        anytime: whether the bets are those that hold after every cluster at once.
    """
    weights = [(k + 1) ** -0.75 for k in range(7)]
    ratio = 2 * log(1 / tail) * (1 - limit) / (len(y) * limit)
    shares = [tanh(sqrt(ratio * 3**k)) for k in range(7)]
    if anytime:
        weights, shares = list(_STEADY.values()), list(_STEADY)
    counted = Counter(y)
    gains = []
    for share, weight in zip(shares, weights, strict=True):
        bet = share / (1 - limit)
        # A bet's cap may be passed by a rounding error, and a stake be lost whole.
        if min(bet * (limit - v) for v in counted) > -1:
            won = fsum(times * log1p(bet * (limit - v)) for v, times in counted.items())
            gains.append(log(weight / sum(weights)) + won)
    most = max(gains, default=float("-inf"))
    return most + log(fsum(exp(gain - most) for gain in gains)) if gains else most


class LimitLaw(NamedTuple):
    """How the upper limit of a mean over clusters is found; lower limits are those of the mirrored means.

    Attributes:
        low, high: the range of a cluster's mean, or of its change.
        betting: by bets, a theorem for any law; else Gaffke's bound on shares in [0, 1], or on their changes.
        change: whether the means are changes; their range is then [-w, w].
        anytime: whether the bets are those of a run that may be ended early.
    """

    low: float = 0.0
    high: float = 1.0
    betting: bool = False
    change: bool = False
    anytime: bool = False

    def mirrored(self, means: Sequence[float]) -> list[float]:
        """Return means on the other side of the middle of the range."""
        return [self.flip(mean) for mean in means]

    def flip(self, value: float) -> float:
        """Return one value on the other side of the middle of the range."""
        return self.low + self.high - value

    def within(self, means: Sequence[float], limit: float, tail: float) -> bool | None:
        """Say whether the upper limit of the mean is at most `limit`; None where it is too near to tell."""
        if limit >= self.high:
            return True
        if limit < fsum(means) / len(means) or limit <= self.low:
            return False
        if self.change and not self.betting:
            room = limit - rise_limit(means, tail)
            return None if abs(room) < NEAR else room > 0
        over = self._over(means, limit, tail)
        return None if abs(over) < _SURE else over < 0

    def misses(self, means: Sequence[float], stated: float, tail: float) -> int:
        """Say where a stated upper limit lies: below the right one, better than it can be (-1), on it, or above (1)."""
        near, mean = NEAR * (self.high - self.low), fsum(means) / len(means)
        if self.change and not self.betting:
            apart = stated - rise_limit(means, tail)
            return 0 if abs(apart) <= NEAR else -1 if apart < 0 else 1
        if stated < mean - near or (stated + near < self.high and self._over(means, stated + near, tail) > _SURE):
            return -1
        if stated > self.high or (stated - near > mean and self._over(means, stated - near, tail) < -_SURE):
            return 1
        return 0

    def _over(self, means: Sequence[float], limit: float, tail: float) -> float:
        """Return how far the chance to reach a limit is above `tail`, in logarithms; it falls as the limit grows."""
        width = self.high - self.low
        if limit <= self.low:
            return float("inf")
        if self.betting:
            y = [min(1.0, max(0.0, (mean - self.low) / width)) for mean in means]
            return -log(tail) - log_capital(y, (limit - self.low) / width, tail, anytime=self.anytime)
        return log(max(chance_above(means, limit), 1e-300) / tail)
