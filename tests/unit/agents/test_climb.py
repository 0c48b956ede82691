from __future__ import annotations

from random import Random

import pytest

from shipworthy.agents.climb import Climbed, Climber, Weighed, climb
from shipworthy.core.errors import UsageError


def climbed(goal: int, *, tries: int, begin: tuple[int, ...] = (0,)) -> tuple[Climbed[int, int], list[int]]:
    """Look for a number by steps of 1 to 3 from the nearest."""
    played: list[int] = []

    def play(one: int) -> Weighed[int]:
        played.append(one)
        return Weighed(-one, one == goal, -abs(goal - one), one)

    found = climb(
        begin, lambda one, rng: one + rng.choice((-3, -1, 1, 3)), play, lambda one: one, tries=tries, rng=Random(1)
    )
    return found, played


def test_it_comes_nearer_until_it_is_there_and_makes_no_try_twice() -> None:
    found, played = climbed(40, tries=200)
    assert played[found.first - 1] == 40
    assert (found.reached, found.shortest, found.came) == (1, 40, -40)
    assert len(set(played)) == len(played) == found.tries
    assert found.first < 100


def test_what_is_not_reached_has_no_first_try_and_the_nearest() -> None:
    found, played = climbed(1000, tries=20)
    assert (found.first, found.reached, found.tries) == (0, 0, 20)
    assert found.shortest == max(played)


def test_the_last_of_the_first_ones_comes_first_and_a_third_of_the_tries_are_such() -> None:
    _, played = climbed(5, tries=9, begin=(100, 200, 300, 400))
    assert played[:3] == [300, 200, 100]


def test_the_same_seed_makes_the_same_tries() -> None:
    assert climbed(40, tries=60) == climbed(40, tries=60)


@pytest.mark.parametrize(("begin", "tries"), [((), 5), ((1,), 0)])
def test_there_must_be_something_to_do(begin: tuple[int, ...], tries: int) -> None:
    with pytest.raises(UsageError, match="a try to make"):
        climbed(1, tries=tries, begin=begin)


def test_two_of_the_nearest_may_be_joined() -> None:
    joined: list[tuple[str, str]] = []

    def cross(one: str, other: str, rng: Random) -> str:
        joined.append((one, other))
        return one[:2] + other[2:]

    climber: Climber[str, int] = Climber(
        ["aaxx", "xxaa"], lambda one, rng: one + "x", lambda one: one, tries=30, rng=Random(1), cross=cross
    )
    made = []
    while (one := climber.next()) is not None and one != "aaaa":
        made.append(one)
        climber.tell(one, Weighed(0, False, one.count("a"), len(one)))
    assert joined and one == "aaaa"
    assert len(made) == len(set(made))


def test_several_tries_may_be_under_way_before_any_is_told() -> None:
    climber: Climber[int, int] = Climber([1, 2], lambda one, rng: one + rng.randint(1, 9), int, tries=20, rng=Random(1))
    under_way = [climber.next() for _ in range(6)]
    assert len(set(under_way)) == 6
    for one in under_way:
        climber.tell(one or 0, Weighed(0, False, float(one or 0), 1))
    assert climber.nearest[0] == max(one or 0 for one in under_way)
