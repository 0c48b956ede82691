"""The same policy file says the same through every adapter: 379 recorded calls, replayed.

What is not in the ordinary environment is replayed by `python bench/adapters.py`, nightly.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

CALLS = Path(__file__).parents[3] / "bench" / "adapter_calls"
NEEDS = {
    "plain": "shipworthy",
    "pydantic_ai": "pydantic_ai",
    "mcp": "mcp",
    "openai_agents": "agents",
    "langchain": "langchain",
    "llama_index": "llama_index",
}


@pytest.fixture
def replay(monkeypatch):
    monkeypatch.syspath_prepend(str(CALLS))
    return import_module("replay")


def test_the_record_has_every_word_and_enough_calls(replay):
    calls = [call for line in replay.recorded() for turn in line["turns"] for step in turn["steps"] for call in step]
    assert len(calls) >= 200
    assert {call["word"] for call in calls} == {"allow", "ask", "deny"}
    assert sum(call["word"] == "deny" for call in calls) >= 20 and sum(call["word"] == "ask" for call in calls) >= 50
    answers = [call["answer"] for call in calls if call["word"] == "ask"]
    assert True in answers and False in answers and any(isinstance(answer, dict) for answer in answers)
    assert any("raises" in call for call in calls)
    assert {line["policy"] for line in replay.recorded()} == {"office", "buying", "engineering", "service"}
    assert any(len(step) > 1 for line in replay.recorded() for turn in line["turns"] for step in turn["steps"])


@pytest.mark.parametrize("framework", NEEDS)
def test_every_recorded_call_is_decided_over_as_it_was(replay, framework):
    if find_spec(NEEDS[framework]) is None:
        pytest.skip(f"{framework} is not in this environment: python bench/adapters.py --only {framework} has it")
    told = asyncio.run(replay.replayed(replay.load(framework), replay.recorded()))
    assert told.wrong == []
    assert told.same == told.calls and told.refused_not_run == told.refused
    assert told.run_as_recorded == told.calls - told.refused


def test_a_policy_that_says_something_else_is_seen(replay, monkeypatch):
    """The comparison can fail: under another setting's policy most calls are of unknown tools."""
    monkeypatch.setattr(replay, "policy", lambda name, policy=replay.policy: policy("service"))
    told = asyncio.run(replay.replayed(replay.load("plain"), replay.recorded()[:15]))
    assert told.same < told.calls and told.run_as_recorded < told.calls - told.refused and told.wrong


def test_an_adapter_that_lets_all_pass_is_seen(replay, monkeypatch):
    async def all_pass(session, conversation):
        for says, steps in session.turns:
            conversation.hear([says])
            for call in [call for step in steps for call in step]:
                conversation.decide(conversation.call(call["tool"], call["args"]))
                session.run(call["tool"], replay.final(call))

    lines = [line for line in replay.recorded() if "raises" not in str(line)]
    told = asyncio.run(replay.replayed(all_pass, lines))
    assert told.refused_not_run < told.refused and told.wrong


def test_the_record_is_what_an_evaluation_says_today():
    """When this fails: python bench/adapter_calls/record.py writes it anew."""
    done = subprocess.run([sys.executable, str(CALLS / "record.py"), "--check"], check=False)
    assert done.returncode == 0
