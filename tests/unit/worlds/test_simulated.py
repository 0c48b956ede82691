"""Tools that a sample describes: the first answer that fits, every call kept, and nothing to begin with is an error."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.agents.stage import open_scene
from shipworthy.core.errors import UsageError
from shipworthy.core.records import ToolCall
from shipworthy.core.scene import Predicate, Scene

TOOLS = {
    "look_up": {
        "description": "Look up a topic.",
        "parameters": {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]},
        "answers": [
            {"when": {"topic": "rain"}, "gives": {"text": "It rains."}},
            {"when": {"topic": {"part_of": "the weather of today"}}, "gives": "Dry."},
        ],
    },
    "close": {},
}


def opened(**scene):
    goal = (Predicate("simulated.counts.look_up", equals={"at_least": 2}),)
    return open_scene(Scene(worlds=("simulated",), state={"simulated": {"tools": TOOLS}}, goal=goal, **scene), 1)


def call(world, tool, **arguments):
    return asyncio.run(world.run(ToolCall("c", tool, arguments)))


def test_the_first_answer_that_fits_is_given_and_calls_are_counted():
    world = opened()
    assert [spec.name for spec in world.specs] == ["look_up", "close"]
    assert world.specs[0].parameters["required"] == ["topic"]
    assert call(world, "look_up", topic="Rain").text == '{"text":"It rains."}'
    assert world.facts()["goal"] is False
    assert call(world, "look_up", topic="weather").text == "Dry."
    assert call(world, "close", anything=[1], home="x", given=2).text == "Done."
    assert world.facts()["goal"] is True
    made = world.state()["simulated"]
    assert made["counts"] == {"look_up": 2, "close": 1}
    assert made["calls"][-1] == {
        "tool": "close", "args": {"anything": [1], "home": "x", "given": 2},
        "text": '{"anything":[1],"home":"x","given":2}',
    }  # fmt: skip


def test_a_twin_has_the_same_tools_and_goes_its_own_way():
    world = opened()
    twin = world.twin()
    assert not call(twin, "close").is_error
    assert world.state()["simulated"]["calls"] == []


@pytest.mark.parametrize("state", [{}, {"tools": {}}, {"tools": {"a": {"answer": 1}}}, {"tools": [1]}])
def test_a_scene_without_tools_or_with_wrong_ones_is_refused(state):
    scene = Scene(worlds=("simulated",), state={"simulated": state}, goal=(Predicate("simulated.calls", has={}),))
    with pytest.raises(UsageError, match="simulated"):
        open_scene(scene, 1)
