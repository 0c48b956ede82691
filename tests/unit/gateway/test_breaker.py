"""When an upstream is left alone, and when it is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.gateway.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def made(failures=3, open_s=10.0):
    clock = Clock()
    return Breaker(failures, open_s, clock), clock


def fail(breaker, times=1):
    for _ in range(times):
        breaker.begin().end(False)


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker, _ = made()
    fail(breaker, 2)
    breaker.begin().end(True)
    fail(breaker, 2)
    assert breaker.state == "closed"
    fail(breaker)
    assert (breaker.state, breaker.opened, breaker.wait_s) == ("open", 1, 10.0)
    assert breaker.begin() is None


def test_half_open_lets_one_through_and_it_decides() -> None:
    breaker, clock = made()
    fail(breaker, 3)
    clock.now = 10.0
    assert breaker.state == "half_open"
    probe = breaker.begin()
    assert breaker.begin() is None
    probe.end(False)
    assert (breaker.state, breaker.opened, breaker.wait_s) == ("open", 2, 10.0)
    clock.now = 20.0
    breaker.begin().end(True)
    assert breaker.state == "closed"
    fail(breaker, 2)
    assert breaker.state == "closed"


def test_a_probe_that_nobody_waited_for_leaves_the_next_one_its_place() -> None:
    breaker, clock = made()
    fail(breaker, 3)
    clock.now = 10.0
    with breaker.begin():
        pass
    assert breaker.state == "half_open"
    breaker.begin().end(True)
    assert breaker.state == "closed"


def test_what_was_begun_before_it_opened_decides_nothing_afterwards() -> None:
    breaker, clock = made()
    early = [breaker.begin() for _ in range(6)]
    for trial in early[:3]:
        trial.end(False)
    early[3].end(True)
    assert breaker.state == "open"
    clock.now = 10.0
    probe = breaker.begin()
    early[4].end(False)
    early[5].end(True)
    assert breaker.state == "half_open"
    probe.end(True)
    assert breaker.state == "closed"


def test_none_never_opens_it() -> None:
    breaker, _ = made(failures=0)
    fail(breaker, 100)
    assert breaker.begin() is not None


@given(st.lists(st.tuples(st.sampled_from(["begin", "good", "bad", "none"]), st.floats(0, 5)), max_size=60))
def test_while_it_is_not_closed_at_most_one_is_on_its_way(steps) -> None:
    breaker, clock = made(failures=2, open_s=3.0)
    flying, probing = [], 0
    for what, seconds in steps:
        clock.now += seconds
        if what == "begin":
            state = breaker.state
            trial = breaker.begin()
            if state == "open":
                assert trial is None
            if trial is not None:
                flying.append((trial, state != "closed"))
                probing += state != "closed"
        elif flying:
            trial, probe = flying.pop(0)
            probing -= probe
            trial.end({"good": True, "bad": False, "none": None}[what])
        assert probing <= 1
