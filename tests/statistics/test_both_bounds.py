"""The bounds that a pack's verifier works out in plain Python are the library's, to 1e-9, on random data sets."""

from __future__ import annotations

import os
import random
from math import log

import numpy as np
import pytest

from shipworthy.evidence import bounds
from shipworthy.stats import betting, paired, sample_rates

SETS = int(os.environ.get("SHIPWORTHY_BOUND_SETS", "80"))
"""Data sets; 10,000 of them in the nightly job."""
NEAR = 1e-9
TAILS = (0.5, 0.2, 0.1, 0.05, 0.025, 0.01, 0.005, 0.0005)


def drawn(rng: random.Random) -> list[float]:
    """Draw shares of clusters: binary ones, of a few attempts, or any number; rare and common, few and many."""
    size, common = int(10 ** rng.uniform(0, 2.5)), rng.random() ** 3
    each = rng.choice((1, 1, 2, 3, 8, 0))
    if each:
        shares = [sum(rng.random() < common for _ in range(each)) / each for _ in range(size)]
    else:
        shares = [min(1.0, max(0.0, rng.gauss(common, 0.2))) for _ in range(size)]
    return [1 - share for share in shares] if rng.random() < 0.3 else shares


def by_bets(shares: list[float], tail: float) -> float:
    """Return where the verifier's capital reaches its goal."""
    below, above, goal = max(sum(shares) / len(shares), 1e-12), 1 - 1e-12, log(1 / tail)
    if below >= above or bounds.log_capital(shares, above, tail) < goal:
        return 1.0
    for _ in range(44):
        middle = (below + above) / 2
        if bounds.log_capital(shares, middle, tail) >= goal:
            above = middle
        else:
            below = middle
    return above


@pytest.mark.parametrize("part", range(4))
def test_limits_agree(part: int) -> None:
    for number in range(part, SETS, 4):
        rng = random.Random(number)
        shares, tail = drawn(rng), rng.choice(TAILS)
        about = f"set {number}: {len(shares)} clusters, tail {tail}"
        low, high = sample_rates.share_limits(np.array(shares), tail)
        assert abs(bounds.upper_limit(shares, tail) - high) <= NEAR, about
        assert abs(1 - bounds.upper_limit([1 - share for share in shares], tail) - low) <= NEAR, about
        changes = [share - rng.choice(shares) for share in shares]
        _, low, high = paired.change_limits(np.array(changes), tail)
        assert abs(bounds.rise_limit(changes, tail) - high) <= NEAR, about
        assert abs(-bounds.rise_limit([-change for change in changes], tail) - low) <= NEAR, about
        assert abs(by_bets(shares, tail) - betting.upper_limit(np.array(shares), tail)) <= NEAR, about
