from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import LimitReached, UsageError
from shipworthy.core.records import RoleUse, Usage
from shipworthy.exchange.budget import Budget, Limits, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("45s", 45), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1.5h", 5400), ("2 m", 120)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 minutes", "m5", "1h-3m", "5mm"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UsageError, match="5m"):
        parse_duration(text)


@given(st.integers(0, 10**7))
def test_whole_seconds_survive_being_written_and_read(seconds):
    text = format_duration(seconds)
    assert abs(parse_duration(text) - seconds) <= (30 if seconds >= 3600 else 0.5)


def test_requests_are_counted_before_they_are_made():
    budget = Budget(Limits(requests=2))
    budget.take()
    budget.take()
    assert not budget.over  # all that is left may be in the cache
    with pytest.raises(LimitReached, match="2 requests"):
        budget.take()
    assert budget.over
    assert budget.requests == 2


@pytest.mark.parametrize(
    ("limits", "word"),
    [(Limits(tokens=12), "12 tokens"), (Limits(cost_usd=0.5), r"\$0.50"), (Limits(seconds=0), "time")],
)
def test_a_used_up_budget_refuses(limits, word):
    budget = Budget(limits)
    if limits.seconds is None:
        budget.take()
        budget.spend("target", Usage(10, 2, 0.5))
    with pytest.raises(LimitReached, match=word):
        budget.take()
    assert budget.over


def test_without_limits_nothing_ends():
    budget = Budget()
    for _ in range(100):
        budget.take()
        budget.spend("target", Usage(10**6, 10**6, 1000.0))
    assert not budget.over
    assert budget.remaining_seconds is None


def test_a_negative_limit_is_refused():
    with pytest.raises(UsageError, match="requests is -1"):
        Limits(requests=-1)


@pytest.mark.parametrize("name", ["requests", "tokens", "cost_usd", "seconds"])
def test_a_limit_that_is_no_number_is_refused(name):
    with pytest.raises(UsageError, match=name):
        Limits(**{name: float("nan")})


def test_what_is_spent_is_kept_by_role_and_in_all():
    budget = Budget(Limits(requests=3))
    for role, tokens in (("target", 10), ("judge", 1), ("judge", 2)):
        budget.take(role)
        budget.spend(role, Usage(tokens, tokens, 0.5))
    with pytest.raises(LimitReached):
        budget.take("attacker")
    assert budget.roles == {
        "target": RoleUse(calls=1, usage=Usage(10, 10, 0.5)),
        "judge": RoleUse(calls=2, usage=Usage(3, 3, 1.0)),
    }
    assert (budget.requests, budget.usage) == (3, Usage(13, 13, 1.5))


def test_every_role_spends_from_one_budget():
    budget = Budget(Limits(tokens=5))
    budget.take("judge")
    budget.spend("judge", Usage(5, 0))
    with pytest.raises(LimitReached, match="5 tokens"):
        budget.take("target")


@pytest.mark.parametrize("text", ["1h1h", "5m1h", "\u0665s", "9" * 400 + "s", "1e9s"])
def test_a_duration_that_cannot_be_meant_is_refused(text):
    with pytest.raises(UsageError, match="not a duration"):
        parse_duration(text)
