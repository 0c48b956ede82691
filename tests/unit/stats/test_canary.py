"""A canary beside its control, batch by batch."""

from __future__ import annotations

import pytest

from shipworthy.stats.canary import Canary


def test_the_first_verdict_stays() -> None:
    watch = Canary()
    assert watch.batch((20, 1_000), (2, 9_000)).verdict == "hold"
    state = watch.batch((0, 50_000), (100, 50_000))
    assert state.verdict == "hold"
    assert (state.canary_events, state.canary_sessions, state.control_events, state.control_sessions) == (
        20, 51_000, 102, 59_000
    )  # fmt: skip


def test_a_canary_that_is_as_good_may_go() -> None:
    watch = Canary(tolerated=2.0)
    states = [watch.batch((2, 2_000), (18, 18_000)) for _ in range(60)]
    assert states[0].verdict == "watch" and states[-1].verdict == "go"


@pytest.mark.parametrize("batch", [((0, 500), (0, 4_500)), ((0, 0), (3, 100)), ((3, 100), (0, 0))])
def test_what_says_nothing_changes_nothing(batch: tuple[tuple[int, int], tuple[int, int]]) -> None:
    watch = Canary()
    state = watch.batch(*batch)
    assert (state.worse, state.fine, state.verdict) == (pytest.approx(1.0), pytest.approx(1.0), "watch")


@pytest.mark.parametrize("wrong", [{"tolerated": 0.9}, {"alpha": 0.5}, {"alpha": 0.0}])
def test_arguments_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must lie"):
        Canary(**wrong)


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="events in"):
        Canary().batch((2, 1), (0, 1))
