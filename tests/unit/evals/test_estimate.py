"""What a plan asks for, and what is read of a target that is not built."""

from __future__ import annotations

import pytest

from shipworthy.core.records import Document, Sample, say
from shipworthy.evals.estimate import _sent, places
from shipworthy.evals.took import Between
from shipworthy.exchange.channel import CONCURRENCY
from shipworthy.workspace.use import Use


@pytest.mark.parametrize(("use", "at_once"), [
    (Use.of("openai_compatible", base_url="http://h/v1", model="m"), CONCURRENCY),
    (Use.of("openai_compatible", base_url="http://h/v1", model="m", concurrency=3), 3),
    (Use.of("smollm2"), 1),
    (Use.of("helpdesk_rag", model={"use": "smollm2"}), 1),
    (Use.of("no_such_target"), CONCURRENCY),
    (Use.of("http", url="http://h", concurrency=True), CONCURRENCY),
])  # fmt: skip
def test_calls_at_one_time_follow_from_what_is_written(use, at_once):
    assert places(use) == at_once


def test_each_turn_sends_again_what_came_before():
    turns = (say("system", "s" * 10), say("user", "a" * 5), say("assistant", "b" * 7), say("user", "c" * 2))
    assert _sent(Sample(id="s", messages=turns)) == 24, "the scripted answer is not asked for"
    unscripted = (say("user", "a" * 5), say("user", "c" * 2))
    assert _sent(Sample(id="s", messages=unscripted)) == 5 + 7
    planted = Sample(id="s", messages=unscripted, documents=(Document(id="d", text="d" * 100),))
    assert _sent(planted) == 212


def test_a_part_of_a_range_is_a_range():
    assert Between(2, 6).times(0.5) == Between(1, 3)
