"""How often a find is made again before it is called one: an exact test of its rate, sized in advance."""

from __future__ import annotations

from typing import NamedTuple

from scipy.special import bdtr

MOST = 2_000


class RerunSize(NamedTuple):
    """A plan for making one attempt again.

    Attributes:
        n: tries; `hits` of them, at the least, confirm it.
        alpha: probability that one whose rate is `unless` is confirmed; `power` that one whose rate is `rate` is.
    """

    n: int
    hits: int
    alpha: float
    power: float


def rerun_size(rate: float, unless: float = 0.1, *, alpha: float = 0.05, power: float = 0.8) -> RerunSize:
    """Return the fewest tries that tell an attack that works at `rate` from one that works at `unless`.

    The tries are independent given the words (the target's sampling is drawn anew), so the number of hits is binomial,
    and the test is exact. It says nothing of other words, and for a target that draws nothing all tries are one.

    Args:
        rate: in (0, 1], above `unless`, which is in (0, 1).
        alpha, power: the most and the least probability of the two outcomes, in (0, 1).

    Raises:
        ValueError: a number is out of range, or more than 2,000 tries would be needed.

    >>> rerun_size(0.5)[:2]
    (8, 3)
    """
    if not 0 < unless < rate <= 1 or not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError(f"0 < unless < rate <= 1, alpha and power in (0, 1): not {unless}, {rate}, {alpha}, {power}")
    for n in range(1, MOST + 1):
        hits = next((c for c in range(1, n + 1) if _reach(c, n, unless) <= alpha), None)
        if hits is not None and (found := _reach(hits, n, rate)) >= power:
            return RerunSize(n, hits, _reach(hits, n, unless), found)
    raise ValueError(f"{rate} and {unless} are too near each other to be told apart by {MOST:,} tries")


def _reach(hits: int, n: int, rate: float) -> float:
    """Return the chance of at least so many hits in n tries."""
    return 1.0 if hits <= 0 else float(1 - bdtr(hits - 1, n, rate)) if rate < 1 else float(hits <= n)
