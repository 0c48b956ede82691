"""Sentinels, simulated: false alarms over many looks are no more than stated, and how long a change stays unseen.

The answers are drawn, and everything behind them is what a sentinel does: distances, ties, p-values, capital.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from shipworthy.core.sentinel import ProbeAnswer, SentinelPlan
from shipworthy.evals.sentinel import capital_of
from shipworthy.stats.conformal import ChangeTest

PROBES = 12
WORDS = ("gladly, here it is", "here it is", "I cannot do that", "of course: the second of May", "no", "it is blue")


def plan(seed: int, alpha: float) -> SentinelPlan:
    return SentinelPlan(
        id=f"SEN-{seed}", system="SYS-s", target="t", declared="", probes={f"p{n}": "?" for n in range(PROBES)},
        repeats=6, again=1, alpha=alpha, seed=seed,
    )  # fmt: skip


def answers(dice: np.random.Generator, laws: np.ndarray, first: int, times: int) -> list[ProbeAnswer]:
    """Return so many answers to each probe, each drawn from the probe's own law over `WORDS`."""
    return [
        ProbeAnswer(f"p{n}", first + turn, WORDS[dice.choice(len(WORDS), p=laws[n])])
        for turn in range(times)
        for n in range(PROBES)
    ]


def laws(dice: np.random.Generator, kind: str) -> np.ndarray:
    """Return a law for each probe: all of it on one answer, nearly all, or spread."""
    spread = {"deterministic": 0.0, "nearly": 0.05, "sampling": 0.6}[kind]
    made = np.full((PROBES, len(WORDS)), spread / len(WORDS))
    made[np.arange(PROBES), dice.integers(len(WORDS), size=PROBES)] += 1 - spread
    return made


class Watched(NamedTuple):
    """How a target is watched: answers to each probe at the enrolment and at each look, and the level."""

    repeats: int = 6
    again: int = 1
    alpha: float = 0.1


def first_alarm(seed: int, kind: str, watched: Watched, *, looks: int, change_at: int | None) -> int | None:
    """Return the look of the first alarm; None where there was none."""
    dice = np.random.default_rng(seed)
    law, later = laws(dice, kind), laws(dice, kind)
    sentinel, given = plan(seed, watched.alpha), watched.repeats
    said = [answers(dice, law, 0, given)]
    for look in range(1, looks + 1):
        now = law if change_at is None or look < change_at else later
        said.append(answers(dice, now, given, watched.again))
        given += watched.again
        if capital_of(sentinel, said) >= 1 / watched.alpha:
            return look
    return None


@pytest.mark.parametrize("kind", ["deterministic", "nearly", "sampling"])
def test_false_alarms_over_all_looks_are_no_more_than_stated(kind: str) -> None:
    times, watched = 60, Watched()
    alarms = sum(first_alarm(seed, kind, watched, looks=10, change_at=None) is not None for seed in range(times))
    assert alarms <= watched.alpha * times + 3 * np.sqrt(watched.alpha * (1 - watched.alpha) * times)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.01, 0.2])
def test_two_hundred_looks_keeps_its_level(alpha: float) -> None:
    times, dice = 1_200, np.random.default_rng(7)
    test, alarm = ChangeTest((times,)), np.zeros(times, dtype=bool)
    for _ in range(200):
        alarm |= test.look(dice.random((times, PROBES))) >= 1 / alpha
    assert alarm.mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / times)
    assert alarm.mean() > 0  # a test that can never raise one would pass the line above


@pytest.mark.parametrize(
    ("kind", "watched", "most"),
    [
        ("deterministic", Watched(10, 1, 0.01), 2),
        ("nearly", Watched(10, 1, 0.01), 3),
        ("sampling", Watched(20, 3, 0.01), 4),
    ],
)
def test_a_change_of_most_answers_is_seen_soon(kind: str, watched: Watched, most: int) -> None:
    """Median delay in looks, after a change on look 3, at alpha 1 %."""
    seen = [first_alarm(seed, kind, watched, looks=8, change_at=3) for seed in range(7)]
    delays = sorted(99 if at is None else at - 2 for at in seen)
    assert delays[len(delays) // 2] <= most, delays
    assert all(at is None or at >= 3 for at in seen)
