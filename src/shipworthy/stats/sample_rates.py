"""The mean over samples of a share in [0, 1]: limits that take no model of how attempts hang together.

Each cluster (a sample with all its attacks and attempts) is one number, its share of hits, and counts once. Nothing is
assumed about how shares are spread: no correlation, no design effect, no equal sizes.

The upper limit at tail probability `a` is the ``1 - a`` quantile of ``sum D_i y_i + D_(n+1)``, with the weights ``D``
drawn from the flat Dirichlet distribution on n + 1 parts and the y the shares (Gaffke 2005; Learned-Miller and Thomas,
arXiv 1905.06208). With shares of 0 and 1 it is the limit of Clopper and Pearson; with no hit ``1 - a ** (1 / n)``.
That it misses with probability at most `a` is a *conjecture* supported by simulation (``bench/error_rates.py``,
decision 0010), not a theorem. The bound `proved` (`share_limits`) is dearer and has one. So has `anytime`, which holds
after every cluster at once: it is for runs that are looked at while they go on, and stopped when they have decided.

Wrong to use when clusters depend on one another, when they were picked after seeing their outcome, and for the rate
over attempts where clusters differ in size: that is another number.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, ndtri

from shipworthy.stats.betting import upper_limit
from shipworthy.stats.clusters import Floats

Bound = Literal["gaffke", "proved", "anytime"]
BOUNDS: tuple[Bound, ...] = ("gaffke", "proved", "anytime")
_STEP = 0.15
"""Spacing of the nodes in the substituted variable; half of it changes no tail of the tests by 1e-10."""
_END = -25.0
"""Logarithm of the height of the integrand below which nothing counts any more."""
_MOST_BENT = 1.0
_NODES = 400
_SEARCH = 40
_STEPS = 100
_NEAR = 1e-11
_FLOOR = 1e-12
_GUESSES = (1.3, 1.0)
"""Where the search begins, in the spread of the weighted mean: a little too far, then the normal limit."""


def chance_above(values: Floats, weights: Floats, limit: Floats | float) -> Floats:
    """Return the chance that a Dirichlet-weighted mean reaches a limit.

    The mean is ``sum D_j values_j`` with D ~ Dirichlet(weights). It reaches the limit when a sum of independent gammas,
    ``sum Gamma(weights_j) (values_j - limit)``, is at least zero; that chance is a contour integral of the sum's
    moment-generating function through its saddlepoint, taken by the trapezoidal rule along a hyperbola that bends as
    the steepest descent does: along a straight line the integrand of rare hits among many oscillates for long. Nothing
    is approximated but the integral (absolute error below 1e-9, measured in the tests). With two distinct values the
    weighted mean is a beta, which is used instead.

    Args:
        values: shape (..., k), or (k,) for all rows.
        weights: shape (..., k), not negative; some positive in each row. Weight 0 means "did not occur".
        limit: a number, or one a row.
    """
    w = np.asarray(weights, dtype=np.float64)
    v = np.broadcast_to(values, w.shape)
    there = w > 0
    low = np.where(there, v, np.inf).min(-1)
    high = np.where(there, v, -np.inf).max(-1)
    at = np.broadcast_to(np.asarray(limit, dtype=np.float64), low.shape)
    result: Floats = np.where(at > high, 0.0, np.where(at <= low, 1.0, np.nan))
    top = np.where(there & (v == high[..., None]), w, 0.0).sum(-1)
    bottom = np.where(there & (v == low[..., None]), w, 0.0).sum(-1)
    undecided = np.isnan(result)
    pair = undecided & (np.abs(w.sum(-1) - top - bottom) < 1e-9)
    if pair.any():
        share = (at[pair] - low[pair]) / (high[pair] - low[pair])
        result[pair] = betainc(bottom[pair], top[pair], 1 - share)
    rest = undecided & ~pair
    if rest.any():
        result[rest] = _contour(np.where(there, v - at[..., None], 0.0)[rest], w[rest])
    return result


def _contour(v: Floats, w: Floats) -> Floats:
    """Chance that ``sum Gamma(w) v`` is positive; shape (rows, k), with values on both sides of zero in each row."""
    left, right = 1 / v.min(-1), 1 / v.max(-1)  # the moment-generating function exists in between
    below, above = left, right
    for _ in range(_SEARCH):  # the slope of its logarithm grows from one end to the other
        t = (below + above) / 2
        short = (w * v / (1 - t[:, None] * v)).sum(-1) < 0
        below, above = np.where(short, t, below), np.where(short, above, t)
        if ((above - below) <= 1e-2 * np.minimum(above - left, right - below)).all():  # near is enough
            break
    t = (below + above) / 2
    # The integrand has a pole at zero: keep about a standard deviation away from it, on the side of the saddlepoint.
    apart = 1 / np.sqrt((w * v**2).sum(-1))
    t = np.where(t >= 0, np.maximum(t, np.minimum(apart, right / 2)), np.minimum(t, np.maximum(-apart, left / 2)))
    d = 1 - t[:, None] * v
    ratio = v / d
    scale = 1 / np.sqrt((w * ratio**2).sum(-1))
    bend = np.clip(2 / 3 * (w * (ratio * scale[:, None]) ** 3).sum(-1), -_MOST_BENT, _MOST_BENT)
    start = -(w * np.log(d)).sum(-1)
    total = 0.5 / t * scale
    for node in range(1, _NODES):
        along, aside = np.sinh(node * _STEP), np.cosh(node * _STEP)
        u, right_of = scale * along, scale * bend * (aside - 1)  # of the place on the path, seen from t
        real, imaginary = 1 - right_of[:, None] * ratio, u[:, None] * ratio
        size = -0.5 * (w * np.log(real * real + imaginary * imaginary)).sum(-1)
        turn = (w * np.arctan2(imaginary, real)).sum(-1)
        # exp(i turn) / (t + right_of + i u), times the path's direction (aside - i bend along)
        away = (t + right_of) ** 2 + u * u
        cos, sin = np.cos(turn), np.sin(turn)
        ahead, across = cos * (t + right_of) + sin * u, sin * (t + right_of) - cos * u
        total = total + np.exp(size) * scale * (ahead * aside + across * bend * along) / away
        if (start + size + np.log(scale * aside / np.sqrt(away))).max() < _END:
            break
    found = np.exp(start) * total * _STEP / np.pi
    chance: Floats = np.clip(np.where(t > 0, found, 1 + found), 0.0, 1.0)
    return chance


def table(shares: Floats) -> tuple[Floats, Floats]:
    """Return the distinct shares, shape (k,), and how many clusters show each, shape (..., k).

    Args:
        shares: one a cluster, shape (..., clusters).
    """
    values, code = np.unique(np.round(shares, 12), return_inverse=True)
    rows, k = shares.size // shares.shape[-1], values.size
    code = code.reshape(rows, -1) + k * np.arange(rows)[:, None]
    counts = np.bincount(code.ravel(), minlength=rows * k).astype(np.float64)
    return values, counts.reshape(*shares.shape[:-1], k)


def upper_limits(values: Floats, weights: Floats, tail: float, near: float = _NEAR) -> Floats:
    """Return Gaffke's upper limit of the mean share in each row, never below the mean of the row.

    Args:
        values: the distinct shares, in [0, 1], shape (k,).
        weights: clusters that show each, shape (..., k).
        tail: chance of missing, in (0, 0.5].
        near: how far above the exact limit the answer may lie.
    """
    v, w = _with_top(values, weights)
    mean = (weights * values).sum(-1) / weights.sum(-1)
    shape, w, mean = mean.shape, w.reshape(-1, v.size), mean.reshape(-1)
    below, above = mean.copy(), np.ones_like(mean)
    lowest = np.where(w > 0, v, np.inf).min(-1)
    between = np.where((v > lowest[:, None]) & (v < 1), w, 0.0).sum(-1)
    pair = (between == 0) & (lowest < 1)  # the weighted mean is a beta
    if pair.any():
        ones = np.where(v == 1, w, 0.0).sum(-1)[pair]
        reach = betaincinv(ones, w.sum(-1)[pair] - ones, 1 - tail)
        above[pair] = lowest[pair] + (1 - lowest[pair]) * reach
    active = np.flatnonzero(~pair & (mean < 1))
    missing, spare = np.ones_like(mean), np.full_like(mean, ndtri(_FLOOR) - ndtri(tail))
    missing[active] = _excess(v, w[active], mean[active], tail)
    above = np.where((missing <= 0) & ~pair, mean, above)
    active = active[missing[active] > 0]
    kept = np.zeros_like(mean)
    total = w.sum(-1)
    centre = (w * v).sum(-1) / total
    # Of the weighted mean: its centre and its standard deviation, times the normal quantile.
    width = -ndtri(tail) * np.sqrt(np.maximum((w * v**2).sum(-1) / total - centre**2, 0.0) / (total + 1))
    for step in range(_STEPS):  # regula falsi with the Illinois step, and now and then a halving
        if not active.size:
            break
        a, b = below[active], above[active]
        share = missing[active] / (missing[active] - spare[active])
        share = np.full_like(a, 0.5) if step % 6 == 5 else np.clip(share, 1e-4, 1 - 1e-4)
        middle = a + (b - a) * share
        if step < len(_GUESSES):
            guess = centre[active] + _GUESSES[step] * width[active]
            middle = np.where((guess > a) & (guess < b), guess, middle)
        found = _excess(v, w[active], middle, tail)
        out = found <= 0
        hit, miss = active[out], active[~out]
        above[hit], spare[hit] = middle[out], found[out]
        missing[hit] = np.where(kept[hit] > 0, missing[hit] / 2, missing[hit])
        below[miss], missing[miss] = middle[~out], found[~out]
        spare[miss] = np.where(kept[miss] < 0, spare[miss] / 2, spare[miss])
        kept[hit], kept[miss] = 1, -1
        met = active[np.abs(found) < near]  # the quantile moves faster than the limit: this near, it is on the dot
        above[met] = middle[np.abs(found) < near] + near
        below[met] = above[met]
        active = active[(above - below)[active] > near]
    limits: Floats = np.maximum(above, mean).reshape(shape)
    return limits


def lower_limits(values: Floats, weights: Floats, tail: float, near: float = _NEAR) -> Floats:
    """Return the lower limit of the mean share in each row: the mirror image of `upper_limits`."""
    limits: Floats = 1 - upper_limits(1 - values, weights, tail, near)
    return limits


def upper_within(values: Floats, weights: Floats, limit: float, tail: float) -> NDArray[np.bool_]:
    """Return whether the upper limit is at most `limit`, without computing it: arguments as for `upper_limits`."""
    v, w = _with_top(values, weights)
    mean = (weights * values).sum(-1) / weights.sum(-1)
    inside: NDArray[np.bool_] = (mean <= limit) & (chance_above(v, w, limit) <= tail)
    return inside


def share_limits(shares: Floats, tail: float, bound: Bound = "gaffke") -> tuple[float, float]:
    """Return the lower and upper limit of the mean over clusters, each missing with probability `tail`.

    Args:
        shares: one a cluster, in [0, 1], shape (clusters,).
        bound: ``gaffke``, or ``proved`` or ``anytime`` for the betting limits of `shipworthy.stats.betting`.
    """
    mean = float(shares.mean())
    if bound != "gaffke":
        anytime = bound == "anytime"
        low, high = 1 - upper_limit(1 - shares, tail, anytime=anytime), upper_limit(shares, tail, anytime=anytime)
    else:
        values, weights = table(shares)
        low, high = float(lower_limits(values, weights, tail)), float(upper_limits(values, weights, tail))
    return max(0.0, min(low, mean)), min(1.0, max(high, mean))


def check_bound(bound: str) -> Bound:
    """Return `bound` if it is the name of one.

    Raises:
        ValueError: it is not.
    """
    if bound not in BOUNDS:
        raise ValueError(f"bound is 'gaffke', 'proved' or 'anytime'; got {bound!r}")
    return bound


def _with_top(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Add the best that one more cluster could show: the whole of its share."""
    w = np.asarray(weights, dtype=np.float64)
    return np.append(values, 1.0), np.concatenate([w, np.ones((*w.shape[:-1], 1))], -1)


def _excess(v: Floats, w: Floats, limit: Floats, tail: float) -> Floats:
    """How far the chance to reach the limits is above `tail`, in normal quantiles: nearly a straight line."""
    excess: Floats = ndtri(np.clip(chance_above(v, w, limit), _FLOOR, 1 - _FLOOR)) - ndtri(tail)
    return excess
