from __future__ import annotations

import asyncio

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Request
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule


class Door:
    """A pipeline with one limit and a clock that a test moves."""

    def __init__(self, **params: object) -> None:
        self.now = 0.0
        self.guard = registry.create("guard", "rate_limit", params)
        self.guard.clock = lambda: self.now
        self.pipeline = Pipeline(
            [Rule("GD-plain", registry.create("guard", "normalise", {})), Rule("GD-1", self.guard)]
        )

    def says(self, text: str, user: str = "ana", session: str = "s1") -> bool:
        ctx = GuardContext(Request(messages=(), user=user, session=session))
        return not asyncio.run(self.pipeline.apply("input", text, ctx)).blocked


def test_messages_of_a_user_in_a_time() -> None:
    door = Door(messages=2, seconds=10)
    assert [door.says("hi") for _ in range(4)] == [True, True, False, False]
    assert door.says("hi", user="omar")
    assert not door.says("hi", session="s2")
    door.now = 9.9
    assert not door.says("hi")
    door.now = 25
    assert door.says("hi")


def test_characters_and_sessions() -> None:
    door = Door(characters=10, per="session")
    assert door.says("123456")
    assert not door.says("12345")
    assert door.says("12345", session="s2")
    door.now = 60
    assert door.says("1234567890")


def test_who_goes_on_stays_blocked_and_takes_no_memory() -> None:
    door = Door(characters=10, seconds=10)
    for _ in range(200):
        door.now += 1
        door.says("123456")
    assert not door.says("123456")
    assert len(door.guard._seen["ana"].sizes) <= 11


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 3, 11]), st.integers(1, 8)), max_size=30),
    st.integers(0, 3),
    st.integers(0, 12),
)
def test_the_running_totals_are_the_sums(steps: list[tuple[int, int]], messages: int, characters: int) -> None:
    assume(messages or characters)
    door = Door(messages=messages, characters=characters, seconds=10)
    for later, size in steps:
        door.now += later
        blocked = not door.says("x" * size)
        seen = door.guard._seen["ana"]
        assert seen.characters == sum(n for _, n in seen.sizes)
        assert blocked == ((0 < messages < len(seen.sizes)) or (0 < characters < seen.characters))
        assert all(door.now - when < 10 for when, _ in seen.sizes)


def test_a_disguised_message_counts_once() -> None:
    door = Door(messages=2)
    assert [door.says("p\u0430y me") for _ in range(3)] == [True, True, False]


def test_bad_settings_are_refused() -> None:
    for params, what in [
        ({}, "no limit"),
        ({"messages": -1}, "0 or more"),
        ({"messages": 1, "seconds": 0}, "above 0"),
        ({"messages": 1, "per": "users"}, "did you mean 'user'"),
    ]:
        with pytest.raises(PluginError, match=what):
            registry.create("guard", "rate_limit", params)
