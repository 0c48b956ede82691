"""A canary beside its control, looked at as often as one likes: is it worse, or can that be ruled out?"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np

STEPS = 40
"""Bets on the odds, spread evenly over their logarithm."""
FURTHEST = 5.0
"""Natural logarithm of the furthest rise or fall that is bet on."""


@dataclass(frozen=True, slots=True)
class CanaryState:
    """What is known after some batches.

    Attributes:
        canary_events, canary_sessions, control_events, control_sessions: seen so far.
        worse: e-value against "the canary's rate is at most `tolerated` times the control's".
        fine: e-value against "it is more than that".
        verdict: ``hold`` where the first has reached 1 / alpha, ``go`` where the second has, else ``watch``.
    """

    canary_events: int
    canary_sessions: int
    control_events: int
    control_sessions: int
    worse: float
    fine: float
    verdict: Literal["hold", "go", "watch"]


class Canary:
    """Compares a share of traffic on a new system with the rest, batch by batch.

    Given how many events there were in both, and that they are rare and independent, the canary's share of them is
    binomial with a chance that depends on nothing but the ratio of the two rates: each batch is a bet against that
    chance (a mixture of likelihood ratios), and the product of bets is a test martingale, so that the chance ever to
    hold a canary that is fine, or ever to let one go that is not, is at most `alpha` (Ville), whenever one looks.

    Args:
        tolerated: how many times the control's rate the canary's may be; at least 1.
        alpha: of each of the two mistakes, in (0, 0.5).

    Raises:
        ValueError: arguments that cannot be.

    Wrong to use where events are common (above a few in a hundred sessions the binomial is too wide, which is safe and
    slow), where users choose the canary, or where one user makes many events: count users then.

    >>> watch = Canary(tolerated=1.5)
    >>> watch.batch(canary=(0, 1_000), control=(2, 9_000)).verdict
    'watch'
    >>> watch.batch(canary=(14, 1_000), control=(3, 9_000)).verdict
    'hold'
    """

    def __init__(self, *, tolerated: float = 1.5, alpha: float = 0.05) -> None:
        if not 1 <= tolerated <= 100:
            raise ValueError(f"what is tolerated must lie in [1, 100] times the control's rate; got {tolerated}")
        if not 0 < alpha < 0.5:
            raise ValueError(f"alpha must lie in (0, 0.5); got {alpha}")
        self.tolerated, self.alpha = tolerated, alpha
        steps = np.linspace(FURTHEST / STEPS, FURTHEST, STEPS)
        self._worse, self._fine = np.zeros(STEPS), np.zeros(STEPS)
        self._up, self._down = steps, -steps
        self._seen = [0, 0, 0, 0]
        self._held: Literal["hold", "go", "watch"] = "watch"

    def batch(self, canary: tuple[int, int], control: tuple[int, int]) -> CanaryState:
        """Take in what happened since the last batch: events and sessions of each.

        The first verdict that is reached stays.

        Raises:
            ValueError: more events than sessions, or fewer than none.
        """
        for events, sessions in (canary, control):
            if not 0 <= events <= sessions:
                raise ValueError(f"{events} events in {sessions} sessions: events are counted once a session")
        self._seen = [a + b for a, b in zip(self._seen, (*canary, *control), strict=True)]
        events = canary[0] + control[0]
        if events and canary[1] and control[1]:
            odds = log(self.tolerated * canary[1] / control[1])
            self._worse += _won(canary[0], control[0], odds, self._up)
            self._fine += _won(canary[0], control[0], odds, self._down)
        worse, fine = _mean(self._worse), _mean(self._fine)
        if self._held == "watch":
            self._held = "hold" if worse >= 1 / self.alpha else "go" if fine >= 1 / self.alpha else "watch"
        inside, of_inside, outside, of_outside = self._seen
        return CanaryState(inside, of_inside, outside, of_outside, worse, fine, self._held)


def _won(canary: int, control: int, odds: float, steps: np.ndarray) -> np.ndarray:
    """Return the logarithm of each bet's factor: the likelihood at other odds over that at the null's."""
    null_in, null_out = -np.logaddexp(0, -odds), -np.logaddexp(0, odds)
    bet = odds + steps
    won: np.ndarray = canary * (-np.logaddexp(0, -bet) - null_in) + control * (-np.logaddexp(0, bet) - null_out)
    return won


def _mean(logs: np.ndarray) -> float:
    top = float(logs.max())
    return float(np.exp(min(500.0, top + np.log(np.exp(logs - top).mean()))))
