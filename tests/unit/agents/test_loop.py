"""The agent's loop: its calls go through the exchange, its bounds hold, and it works with models that know no tools."""

from __future__ import annotations

import asyncio
import json

import pytest

from shipworthy.agents.loop import AgentBounds, AgentLoop
from shipworthy.agents.stage import open_scene
from shipworthy.core.errors import LimitReached, TargetError, TargetTimeout, UsageError
from shipworthy.core.events import Called, PolicyEvent, Returned, StateChanged
from shipworthy.core.records import Message, Reply, ToolCall, Usage, answer
from shipworthy.core.scene import Predicate, Scene
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange

SCENE = Scene(worlds=("mail",), fixture="office", goal=(Predicate("mail.messages.M-105", gone=True),))
DELETE = ToolCall("c1", "mail_delete", {"id": "M-105"})


class Model:
    """A model that answers from a list; `seen` holds what it was asked."""

    def __init__(self, *replies, usage=Usage(10, 5), native=True, wait=0.0):
        self.replies, self.usage, self.wait, self.seen = list(replies), usage, wait, []
        self.native_tools = native

    def describe(self):
        return {"target": "model"}

    async def send(self, request):
        self.seen.append(request)
        await asyncio.sleep(self.wait)
        given = self.replies.pop(0) if self.replies else "done"
        if isinstance(given, Exception):
            raise given
        if isinstance(given, str):
            return answer(given, usage=self.usage)
        if isinstance(given, dict):
            return answer(json.dumps(given), usage=self.usage)
        calls = given if isinstance(given, tuple) else (given,)
        return Reply(messages=(Message("assistant", calls),), finish="tool_calls", usage=self.usage)

    async def close(self):
        pass


class Says:
    def __init__(self, verdict):
        self.verdict = verdict

    def describe(self):
        return {"policy": self.verdict}

    async def decide(self, call, request):
        return PolicyEvent(0, call.id, self.verdict, "rule")


def ask(agent, *, budget=None, policy=None, scene=SCENE):
    mediation = Mediation(policy=policy)
    world = open_scene(scene, 1)
    exchange = Exchange(Channel(agent, budget=budget), mediation, world=world)
    reply = asyncio.run(exchange.ask("Delete the newsletter."))
    return reply, exchange, world


def kinds(exchange):
    return [type(event).__name__ for event in exchange.events]


def test_a_call_of_the_model_is_made_recorded_and_shown_to_it():
    model = Model(DELETE, "It is deleted.")
    reply, exchange, world = ask(AgentLoop(model))
    assert [e.call for e in exchange.events if isinstance(e, Called)] == [DELETE]
    changed = next(e for e in exchange.events if isinstance(e, StateChanged))
    assert changed.facts["goal"] is True
    assert changed.facts["changed"][0]["at"] == "mail.messages.M-105"
    assert reply.text.endswith("It is deleted.") and reply.finish == "stop"
    first, second = model.seen
    assert [spec.name for spec in first.tools] == [spec.name for spec in world.specs]
    assert second.messages[-1].role == "tool" and "deleted" in second.messages[-1].text
    assert first.messages[0].role == "system"


def test_usage_is_added_up_over_all_steps():
    reply, _exchange, _ = ask(AgentLoop(Model(DELETE, DELETE, "done")))
    assert reply.usage == Usage(30, 15)


def test_a_policy_sees_a_call_before_it_runs_and_what_it_denies_is_not_done():
    _reply, exchange, world = ask(AgentLoop(Model(DELETE, "I could not.")), policy=Says("deny"))
    assert "Called" not in kinds(exchange) and "StateChanged" not in kinds(exchange)
    assert "M-105" in world.state()["mail"]["messages"]
    assert next(e for e in exchange.events if isinstance(e, Returned)).result.is_error


def test_steps_are_bounded_and_what_was_done_stands():
    model = Model(*[ToolCall(f"c{n}", "mail_list", {}) for n in range(50)])
    reply, exchange, _ = ask(AgentLoop(model, bounds=AgentBounds(steps=3)))
    assert len(model.seen) == 3 and reply.finish == "length"
    assert kinds(exchange).count("Called") == 3


def test_calls_of_one_step_are_bounded():
    calls = tuple(ToolCall(f"c{n}", "mail_list", {}) for n in range(9))
    reply, exchange, _ = ask(AgentLoop(Model(calls, "done"), bounds=AgentBounds(parallel=2)))
    assert kinds(exchange).count("Called") == 2
    results = [part for message in reply.messages if message.role == "tool" for part in message.parts]
    assert len(results) == 9 and sum(result.is_error for result in results) == 7


def test_tokens_are_bounded():
    model = Model(*[ToolCall(f"c{n}", "mail_list", {}) for n in range(50)])
    reply, _, _ = ask(AgentLoop(model, bounds=AgentBounds(tokens=40)))
    assert len(model.seen) == 3 and reply.finish == "length"


def test_time_is_bounded_and_what_was_done_stands():
    class Slow(Model):
        async def send(self, request):
            self.wait = 0.0 if not self.seen else 60.0
            return await super().send(request)

    reply, _exchange, world = ask(AgentLoop(Slow(DELETE, "late"), bounds=AgentBounds(seconds=1.0)))
    assert reply.finish == "length"
    assert "M-105" not in world.state()["mail"]["messages"]


def test_an_agent_that_did_nothing_in_time_has_not_answered():
    with pytest.raises(TargetTimeout):
        ask(AgentLoop(Model("late", wait=60), bounds=AgentBounds(seconds=0.2)))


def test_a_model_that_fails_is_the_targets_error_and_its_calls_stay_on_record():
    model = Model(DELETE, TargetError("down"))
    world = open_scene(SCENE, 1)
    exchange = Exchange(Channel(AgentLoop(model)), world=world)
    with pytest.raises(TargetError, match="down"):
        asyncio.run(exchange.ask("Delete it."))
    assert "Called" in kinds(exchange)


def test_a_run_out_of_requests_stops():
    with pytest.raises(LimitReached):
        ask(AgentLoop(Model("x")), budget=Budget(Limits(requests=0)))


def test_a_model_without_tools_chooses_by_schema():
    model = Model({"tool": "mail_delete"}, {"id": "M-105"}, {"tool": "answer"}, "It is gone.", native=False)
    reply, _exchange, world = ask(AgentLoop(model))
    assert "M-105" not in world.state()["mail"]["messages"]
    assert reply.text.endswith("It is gone.") and reply.finish == "stop"
    choose, argue, again, _ = model.seen
    assert choose.schema["properties"]["tool"]["enum"][-1] == "answer" and not choose.tools
    assert argue.schema == next(spec.parameters for spec in world.specs if spec.name == "mail_delete")
    assert "It gave" in again.messages[-1].text


def test_a_small_model_is_shown_little_and_points_at_what_it_has_read():
    model = Model({"id": "M-105"}, {"tool": "mail_delete"}, {"id": "M-105"}, "Gone.", native=False)
    agent = AgentLoop(
        model, only=("mail_read", "mail_delete"), first="mail_read", once=True, copies=("id",), longest=80
    )
    _, exchange, world = ask(agent)
    assert [e.call.name for e in exchange.events if isinstance(e, Called)] == ["mail_read", "mail_delete"]
    assert "M-105" not in world.state()["mail"]["messages"]
    first, choose, argue, _ = model.seen  # with no tool left it is asked for its answer at once
    assert "enum" not in first.schema["properties"]["id"], "nothing was read that it could point at"
    assert choose.schema["properties"]["tool"]["enum"] == ["mail_delete", "answer"]
    assert {"M-105", "news@paperweekly.example"} <= set(argue.schema["properties"]["id"]["enum"])
    assert all([m.role for m in request.messages] == ["system", "user"] for request in model.seen)
    assert agent.describe()["only"] == ["mail_read", "mail_delete"]


def test_what_a_small_model_needs_is_refused_where_it_cannot_be_had():
    for wanted in ({"first": "mail_read"}, {"once": True}, {"copies": ("id",)}, {"longest": 80}):
        with pytest.raises(UsageError, match="json"):
            AgentLoop(Model(), **wanted)
    with pytest.raises(UsageError, match="none of the tools"):
        AgentLoop(Model(native=False), only=("mail_read",), first="mail_list")
    with pytest.raises(TargetError, match="'mail_shred' is not offered"):
        ask(AgentLoop(Model(), only=("mail_shred",)))


@pytest.mark.parametrize("said", ["no JSON", "[1]", '{"tool": "mail_shred"}'])
def test_a_choice_that_is_none_is_the_targets_error(said):
    with pytest.raises(TargetError, match="model"):
        ask(AgentLoop(Model(said, native=False)))


def test_an_unknown_tool_is_an_error_that_the_model_reads():
    model = Model(ToolCall("c1", "mail_shred", {}), "sorry")
    ask(AgentLoop(model))
    assert "no such tool" in model.seen[1].messages[-1].text


def test_a_plan_comes_first():
    model = Model("1. delete it", DELETE, "done")
    ask(AgentLoop(model, plan=True))
    assert not model.seen[0].tools
    assert model.seen[1].messages[-1].text == "1. delete it"


def test_a_long_result_is_shown_in_part_and_recorded_whole():
    scene = Scene(
        worlds=("files",),
        state={"files": {"files": {"F": {"id": "F", "name": "n", "folder": "f", "text": "y" * 50_000}}}},
        goal=(Predicate("files.files.F", gone=True),),
    )
    model = Model(ToolCall("c1", "files_read", {"id": "F"}), "done")
    _, exchange, _ = ask(AgentLoop(model), scene=scene)
    assert len(model.seen[1].messages[-1].text) < 21_000
    assert len(next(e for e in exchange.events if isinstance(e, Returned)).result.text) > 50_000


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"parallel": 0}, {"tokens": -1}, {"seconds": 0.0}])
def test_bounds_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError):
        AgentBounds(**wrong)


def test_native_calls_need_a_model_that_knows_them():
    with pytest.raises(UsageError, match="selection: json"):
        AgentLoop(Model(native=False), selection="native")
    assert AgentLoop(Model(native=False)).describe()["selection"] == "json"


def test_what_changes_its_answers_is_described():
    base = AgentLoop(Model()).describe()
    assert base != AgentLoop(Model(), plan=True).describe()
    assert base != AgentLoop(Model(), system="x").describe()
    assert base != AgentLoop(Model(), bounds=AgentBounds(steps=2)).describe()
