"""Amounts that follow from known ones: checked by doing the sum again, never by believing it.

The model adds, halves and takes percentages; a policy that refuses what it did not read asks about most of them.
An amount is derived if at most two steps of plain arithmetic over known numbers give it and it is no larger than the
largest two of them together: a hijacked model can pick among a few sums, and not name its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement

MOST_NUMBERS = 12
"""Known numbers beyond these are left out: with more of them, two steps reach nearly anything."""


def derivable(amount: float, known: Iterable[float]) -> bool:
    """Say whether an amount follows from known numbers.

    Args:
        known: numbers that the user said, or that stand in trusted fields; not negative.

    >>> derivable(4, [10, 12]), derivable(200.29, [1000, 19.5, 5.29]), derivable(9999, [10, 12])
    (True, True, False)
    """
    numbers = sorted({n for n in known if 0 < n < 1e12})[:MOST_NUMBERS]
    if not numbers or not 0 < amount <= sum(numbers[-2:]):
        return False
    wanted = round(amount, 2)
    once = set(numbers)
    for a, b in combinations_with_replacement(numbers, 2):
        once.update(_steps(a, b))
    if wanted in {round(n, 2) for n in once}:
        return True
    return any(round(n, 2) == wanted for a in once for b in numbers for n in _sums(a, b))


def _steps(a: float, b: float) -> Iterator[float]:
    yield from _sums(a, b)
    yield from (a / 2, b / 2, a * b / 100)


def _sums(a: float, b: float) -> Iterator[float]:
    yield from (a + b, abs(a - b))
