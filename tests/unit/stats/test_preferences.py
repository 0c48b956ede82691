"""Strengths from pairs: known values, what has no scale, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.preferences import BradleyTerry, PairChoice, bradley_terry


def pairs(wins: int, losses: int, first: str = "a", second: str = "b", start: int = 0) -> list[PairChoice]:
    shares = [1.0] * wins + [0.0] * losses
    return [PairChoice(first, second, share, start + n) for n, share in enumerate(shares)]


def test_two_systems_are_their_share_of_wins_with_half_a_win_each() -> None:
    found = bradley_terry(pairs(30, 10))
    assert found.pairs[0].chance == pytest.approx(30.5 / 41)
    assert found.strengths[0].strength == pytest.approx(np.log(30.5 / 10.5) / 2)
    assert (found.strengths[0].wins, found.strengths[0].comparisons, found.clusters) == (30.0, 40, 40)
    assert found.pairs[0].better is True


def test_a_system_that_never_lost_has_a_finite_strength() -> None:
    found = bradley_terry(pairs(12, 0))
    assert 0.9 < found.pairs[0].chance < 1


def test_strengths_join_systems_that_never_met() -> None:
    found = bradley_terry([*pairs(30, 10), *pairs(30, 10, "b", "c", 100)])
    assert [one.name for one in found.strengths] == ["a", "b", "c"]
    far = next(pair for pair in found.pairs if (pair.first, pair.second) == ("a", "c"))
    assert far.chance == pytest.approx((30.5 / 10.5) ** 2 / (1 + (30.5 / 10.5) ** 2))
    assert sum(one.strength for one in found.strengths) == pytest.approx(0)


def test_ties_count_half_and_the_order_of_a_pair_does_not_matter() -> None:
    one = bradley_terry([*pairs(10, 5), *(PairChoice("a", "b", 0.5, 50 + n) for n in range(5))])
    other = bradley_terry([PairChoice("b", "a", 1 - c.share, c.cluster) for c in pairs(10, 5)]
                          + [PairChoice("b", "a", 0.5, 50 + n) for n in range(5)])  # fmt: skip
    assert one.pairs[0].chance == pytest.approx(13 / 21)
    assert other.pairs[0].chance == pytest.approx(13 / 21)


def test_comparisons_on_one_item_are_one() -> None:
    alone = bradley_terry(pairs(30, 10))
    together = bradley_terry([one._replace(cluster=int(str(one.cluster)) // 10) for one in pairs(30, 10)])
    width = lambda found: found.pairs[0].high - found.pairs[0].low  # noqa: E731
    assert width(together) > 2 * width(alone)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([], r"0 system\(s\)"),
        ([PairChoice("a", "b", 1.0, 1)], r"1 cluster\(s\)"),
        ([PairChoice("a", "a", 1.0, 1), PairChoice("a", "b", 1.0, 2)], "compared with itself"),
        ([PairChoice("a", "b", 1.5, 1), PairChoice("a", "b", 1.0, 2)], r"must lie in \[0, 1\]"),
        ([PairChoice("a", "b", 1.0, 1), PairChoice("c", "d", 1.0, 2)], "no chain of comparisons"),
    ],
)
def test_what_has_no_common_scale_is_refused(said: list[PairChoice], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bradley_terry(said)


def test_the_intervals_cover() -> None:
    rng = np.random.default_rng(5)
    true = np.array([0.7, 0.0, -0.7])
    covered: list[bool] = []

    def drawn() -> BradleyTerry:
        won = []
        for item in range(80):
            # What makes an item hard for one makes it hard in all its pairs: comparisons on it are not independent.
            shift = rng.normal(0, 0.5, 3)
            for i in range(3):
                for j in range(i + 1, 3):
                    chance = 1 / (1 + np.exp(true[j] + shift[j] - true[i] - shift[i]))
                    won.append(PairChoice(str(i), str(j), float(rng.random() < chance), item))
        return bradley_terry(won)

    for _ in range(80):
        found = drawn()
        top = next(pair for pair in found.pairs if {pair.first, pair.second} == {"0", "2"})
        # The shifts pull chances towards a half: the truth is the mean of them.
        truth = float(np.mean(1 / (1 + np.exp(-(1.4 + np.random.default_rng(1).normal(0, 0.5 * 2**0.5, 200_000))))))
        chance = (top.low, top.high) if top.first == "0" else (1 - top.high, 1 - top.low)
        covered.append(chance[0] <= truth <= chance[1])
    assert np.mean(covered) >= 0.88
