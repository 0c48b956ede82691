"""What a sentinel makes of answers, without any target: distances, names, errors, and a test that can be made again."""

from __future__ import annotations

import pytest

from shipworthy.core.sentinel import ProbeAnswer, SentinelLook, SentinelPlan, request_seed, uniform
from shipworthy.evals.sentinel import _announced, capital_of, change_by, distance

PLAN = SentinelPlan(
    id="SEN-1", system="SYS-a", target="default", declared="", probes={f"p{n}": "?" for n in range(6)}, repeats=8,
    again=2, alpha=0.01, seed=5,
)  # fmt: skip


def said(text: str, first: int, times: int, **more: str) -> list[ProbeAnswer]:
    return [ProbeAnswer(f"p{n}", first + turn, text, **more) for turn in range(times) for n in range(6)]


def test_distances_are_symmetric_whole_and_blind_to_case_and_space() -> None:
    assert distance("Yes,  it is", "yes, it is") == 0
    assert distance("", "") == 0
    assert distance("yes", "no") == distance("no", "yes") == 1000
    assert 0 < distance("the train leaves at nine", "the train leaves at ten") < 1000


def test_a_change_is_seen_and_errors_are_no_evidence() -> None:
    first = said("it is blue", 0, 8)
    same, other = said("it is blue", 8, 2), said("I will not say", 8, 2)
    assert capital_of(PLAN, [first]) == 1.0
    assert capital_of(PLAN, [first, same]) < 10
    assert capital_of(PLAN, [first, other]) > 100
    failed = said("", 8, 2, error="TargetTimeout")
    assert capital_of(PLAN, [first, failed]) == 1.0
    assert capital_of(PLAN, [first, [*failed, *other]]) == capital_of(PLAN, [first, other])
    assert capital_of(PLAN, [first, other]) == capital_of(PLAN, [first, other])


def test_what_a_provider_says_by_itself() -> None:
    first = said("x", 0, 1, model="m", fingerprint="fp_1")
    assert _announced(first, first) == ()
    now = said("x", 1, 1, model="m", fingerprint="fp_2")
    assert _announced(first, now) == ("m fp_2",)
    assert _announced(said("x", 0, 1), now) == ()  # it said nothing then: that it says something now is no change
    assert _announced(first, said("", 1, 1, error="TargetError", model="n")) == ()
    look = SentinelLook(number=3, at="", answers=tuple(now), announced=("m fp_2",))
    found = change_by(PLAN, SentinelLook(number=0, at="", answers=tuple(first)), look)
    assert (found.kind, found.was, found.now, found.source) == ("vendor-model", "m fp_1", "m fp_2", "SEN-1")


def test_ties_and_seeds_are_fixed_by_the_enrolment() -> None:
    ties = [uniform(PLAN, "p1", number) for number in range(200)]
    assert all(0 < one < 1 for one in ties)
    assert len(set(ties)) == 200
    assert sum(ties) / 200 == pytest.approx(0.5, abs=0.1)
    assert len({request_seed(PLAN, "p1", number) for number in range(200)}) == 200
    assert all(0 <= request_seed(PLAN, "p2", number) < 2**31 for number in range(50))
