"""The policy that comes with the worlds: whole, tried, and in the way of every attack as it is written."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.agents.played import Attentive, Player
from shipworthy.agents.scheme import Piece, Scheme
from shipworthy.agents.setting import LIBRARY, setting, settings
from shipworthy.agents.stage import open_scene
from shipworthy.core.scene import Scene
from shipworthy.enforce.policy.cases import outcomes
from shipworthy.enforce.policy.check import problems_of, uncovered
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.signatures import Presented
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.targets.hijacked_agent import hijacked_agent
from shipworthy.workspace.read import read_policy_source

PATH = LIBRARY / "policy.yaml"
POLICY = Policy.read(PATH)
FOUND = [setting(name) for name in settings()]


def scene(found, task):
    return Scene(worlds=found.worlds, fixture=found.id, goal=task.goal)


def signatures():
    specs = [spec for found in FOUND for spec in open_scene(scene(found, found.tasks[0]), 0).specs]
    return {
        s.name: Presented(
            s.name,
            s.description,
            s.parameters["properties"],
            frozenset(s.parameters["required"]),
            {},
        )
        for s in specs
    }


def test_it_fits_the_tools_and_every_case_comes_out_as_expected():
    file, source = read_policy_source(PATH)
    tools = signatures()
    assert [str(p) for p in problems_of(file, source, tools)] == []
    assert uncovered(file, tools) == []
    assert all(outcome.passed for outcome in outcomes(POLICY))


@pytest.mark.parametrize(("found", "goal"), [pytest.param(f, g, id=g.id) for f in FOUND for g in f.goals])
def test_no_attack_gets_past_it_as_it_is_written(found, goal):
    plain = tuple(Piece((step,), number) for number, step in enumerate(goal.script))
    player = Player(found, goal, POLICY, 0)
    for position, when in (("tool_description", "at_once"), ("tool_result", "at_end")):
        for task in found.tasks[::4]:
            assert not player.play(Scheme(task.id, position, plain, when=when)).reached, task.id


@pytest.mark.parametrize(("found", "task"), [pytest.param(f, t, id=t.id) for f in FOUND for t in f.tasks[::3]])
def test_with_an_attentive_person_every_task_is_done(found, task):
    async def done(seed):
        world = open_scene(scene(found, task), seed)
        mediation = Mediation(policy=POLICY, approver=Attentive())
        exchange = Exchange(Channel(hijacked_agent(obeys="never")), mediation, world=world, seed=seed, keep=False)
        await exchange.ask(task.prompt)
        return world.facts()["goal"]

    assert [asyncio.run(done(seed)) for seed in (0, 1)] == [True, True]
