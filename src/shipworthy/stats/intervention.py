"""What an intervention did to a rate that is measured day by day: before and after, with or without a control."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats.clusters import check_confidence

_CORRELATIONS = np.linspace(-0.6, 0.95, 63)

LEAST_DAYS = 8
"""Days before, and days after, below which nothing is estimated."""


class Effect(NamedTuple):
    """A change, with its two-sided interval, in the unit of the series.

    Attributes:
        change: level after less level before; negative is less of it.
        slope: change of the trend per day; None where no trend was fitted.
        before, after: days.
        p_value: two-sided, of no change.
        correlation: from day to day, of what is left.
    """

    change: float
    low: float
    high: float
    p_value: float
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    before: int
    after: int
    correlation: float


def interrupted_series(
    values: ArrayLike, start: int, *, weights: ArrayLike | None = None, trend: bool = True, confidence: float = 0.95
) -> Effect:
    """Return by how much the level of a series jumped at a day, beside the trend that it had.

    Segmented regression: a level and a trend, and a change of each from `start` on. What is left may hang together from
    day to day. How much it does is not plugged in as if it were known: limits are those of Student's distributions for
    every correlation, weighed by its restricted likelihood. Simulated, they hold where those of Newey and West, which
    are usual, miss up to four times as often as they say (tests/unit/stats/test_intervention.py).

    Args:
        values: one a day, in order, without gaps, such as violations per 10,000 sessions.
        start: index of the first day after the intervention; at least `LEAST_DAYS` before it and from it on.
        weights: of each day, such as its sessions; above 0. Equal if left out.
        trend: whether the series may have a trend of its own; without one only levels are compared.
        confidence: in [0.5, 1).

    Raises:
        ValueError: too few days, or values and weights that are none.

    It assumes that without the intervention the trend would have gone on, and that nothing else happened on that day: a
    launch, a campaign, another model. Wrong to use where the day was picked because the numbers were high (they fall by
    themselves), and for a gradual rollout, where `difference_in_differences` compares with who had it later.

    Source: Wagner, Soumerai, Zhang and Ross-Degnan 2002; the weighing as in Zellner and Tiao 1964.

    >>> days = [10.0, 12.0, 11.0, 9.0, 10.0, 11.0, 10.0, 9.0, 4.0, 5.0, 4.0, 3.0, 5.0, 4.0, 4.0, 5.0]
    >>> found = interrupted_series(days, 8, trend=False)
    >>> round(found.change, 2), found.high < 0
    (-5.88, True)
    """
    y, w = _given(values, weights, start)
    day = np.arange(y.size, dtype=float)
    after = (day >= start).astype(float)
    columns = [np.ones_like(day), after]
    if trend:
        columns += [day - start, after * (day - start)]
    return _fitted(np.stack(columns, 1), (y, w), start, confidence)


def difference_in_differences(
    treated: ArrayLike, control: ArrayLike, start: int, *, confidence: float = 0.95
) -> Effect:
    """Return by how much a series changed beyond what a control changed over the same days.

    The daily difference of the two is taken, and its level after the start is compared with that before. What happens
    to both on a day, such as a weekend or a campaign, cancels out.

    Args:
        treated, control: one value a day each, of the same days.
        start, confidence: as for `interrupted_series`; Raises as it does.

    It assumes that without the intervention the two would have moved alike (look at them before the start), and that
    the control was not touched by it. Wrong to use where users choose for themselves which of the two they are in.

    Source: Card and Krueger 1994; limits as for `interrupted_series`, since days hang together (Bertrand, Duflo and
    Mullainathan 2004).

    >>> up = [5, 6, 5, 7, 5, 6, 7, 5, 9, 8, 9, 10, 9, 8, 9, 10]
    >>> treated = [a + b for a, b in zip(up, [1] * 8 + [-3] * 8)]
    >>> found = difference_in_differences(treated, up, 8)
    >>> round(found.change, 9)
    -4.0
    """
    one, _ = _given(treated, None, start)
    other, weights = _given(control, None, start)
    if one.size != other.size:
        raise ValueError("treated and control must have the same days")
    day = np.arange(one.size)
    return _fitted(np.stack([np.ones(one.size), (day >= start).astype(float)], 1), (one - other, weights), start,
                   confidence)  # fmt: skip


def _given(values: ArrayLike, weights: ArrayLike | None, start: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y = np.asarray(values, float)
    w = np.ones_like(y) if weights is None else np.asarray(weights, float)
    if y.ndim != 1 or y.shape != w.shape:
        raise ValueError("values and weights must be two lists of the same length")
    if not (np.isfinite(y).all() and np.isfinite(w).all() and (w > 0).all()):
        raise ValueError("every day needs a value, and a weight above 0: leave days without sessions out of both sides")
    if min(start, y.size - start) < LEAST_DAYS:
        raise ValueError(f"at least {LEAST_DAYS} days before and after are needed; got {start} and {y.size - start}")
    return y, w


class _Mixture(NamedTuple):
    """One coefficient: Student's distribution for each correlation from day to day, and how likely that one is."""

    means: NDArray[np.float64]
    spreads: NDArray[np.float64]
    weights: NDArray[np.float64]
    freedom: int

    def below(self, value: float) -> float:
        """Return the chance that the coefficient is below a value."""
        from scipy.special import stdtr

        return float(self.weights @ stdtr(self.freedom, (value - self.means) / self.spreads))

    def limit(self, chance: float) -> float:
        """Return the value that the coefficient is below with a chance."""
        from scipy.optimize import brentq

        far = 1e3 * float(self.spreads.max())
        low, high = float(self.means.min()) - far, float(self.means.max()) + far
        return float(brentq(lambda value: self.below(value) - chance, low, high, xtol=1e-12 * far + 1e-300))


def _fitted(
    x: NDArray[np.float64], series: tuple[NDArray[np.float64], NDArray[np.float64]], start: int, confidence: float
) -> Effect:
    miss = (1 - check_confidence(confidence)) / 2
    y, w = series
    root = np.sqrt(w / w.mean())
    found = _mixtures(x * root[:, None], y * root)
    if found is None:  # a straight line through every point: nothing is left that could have been otherwise
        exact = np.linalg.lstsq(x, y, rcond=None)[0]
        change = float(exact[1])
        straight = float(exact[3]) if x.shape[1] == 4 else None
        p_value = float(abs(change) < 1e-12)
        return Effect(change, change, change, p_value, straight, straight, straight, start, y.size - start, 0.0)
    mixtures, correlation = found
    jump = mixtures[1]
    below = jump.below(0.0)
    slope: tuple[float | None, float | None, float | None] = (None, None, None)
    if x.shape[1] == 4:
        bend = mixtures[3]
        slope = (float(bend.weights @ bend.means), bend.limit(miss), bend.limit(1 - miss))
    return Effect(
        float(jump.weights @ jump.means), jump.limit(miss), jump.limit(1 - miss), min(1.0, 2 * min(below, 1 - below)),
        *slope, start, y.size - start, correlation,
    )  # fmt: skip


def _mixtures(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[list[_Mixture], float] | None:
    """Return each coefficient's distribution, and the mean correlation; None where a line fits every point."""
    n, k = x.shape
    fits = []
    for correlation in _CORRELATIONS:
        xs, ys = _whitened(x, correlation), _whitened(y[:, None], correlation)[:, 0]
        q, r = np.linalg.qr(xs)
        coefficients = np.linalg.solve(r, q.T @ ys)
        rest = float(np.sum((ys - xs @ coefficients) ** 2))
        if rest <= 1e-24 * max(1.0, float(ys @ ys)):
            return None
        # The restricted likelihood: what is left after coefficients and scale are taken out.
        likelihood = -0.5 * ((n - k) * math.log(rest) + 2 * float(np.log(np.abs(np.diag(r))).sum()))
        likelihood += 0.5 * math.log(1 - correlation**2)
        inverse = np.linalg.inv(r)
        fits.append((likelihood, coefficients, np.sqrt((inverse**2).sum(1) * rest / (n - k))))
    likelihoods = np.array([fit[0] for fit in fits])
    weights = np.exp(likelihoods - likelihoods.max())
    weights /= weights.sum()
    mixtures = [
        _Mixture(np.array([fit[1][i] for fit in fits]), np.array([fit[2][i] for fit in fits]), weights, n - k)
        for i in range(k)
    ]
    return mixtures, float(weights @ _CORRELATIONS)


def _whitened(rows: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """Return rows whose days no longer hang together, if they did with this correlation."""
    first = math.sqrt(1 - correlation**2) * rows[:1]
    return np.concatenate([first, rows[1:] - correlation * rows[:-1]])
