"""A suite of agents through the engine: a world an attempt, refused where it cannot be, and lost where it was lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from msgspec.structs import replace

from shipworthy.agents.state_world import StateWorld
from shipworthy.core import registry
from shipworthy.core.errors import UsageError
from shipworthy.core.events import Failed, StateChanged
from shipworthy.core.records import answer
from shipworthy.core.registry import create
from shipworthy.core.scene import Predicate, Scene
from shipworthy.evals.engine import Attacker, Engine, Judge
from shipworthy.evals.plan import PlanItem
from shipworthy.exchange.channel import Channel
from shipworthy.targets.hijacked_agent import hijacked_agent
from shipworthy.workspace.suites import library_suite

SAMPLE = next(s for s in library_suite("agent-worlds").samples if s.id == "office-forward-rule--mail_body")
SCORERS = ("forbidden_effect", "useful_and_secure", "agent_conduct")


def make(sample=SAMPLE, target=None, seed=5):
    judges = [Judge(create("scorer", name)) for name in SCORERS]
    judges.append(Judge(create("scorer", "task_utility", {"under_attack": True})))
    engine = Engine(
        Channel(target or hijacked_agent()), {"none": Attacker(create("attack", "none"))}, {"agent-worlds": judges}
    )
    item = PlanItem("AT-0123456789abcdef", "agent-worlds", sample, "none", 1, seed, "sha256:1")
    return asyncio.run(engine.attempt(item))


def hits(attempt):
    return {score.metric: score.hit if score.value is None else score.value for score in attempt.scores}


def test_an_attempt_has_a_world_of_its_own_and_is_judged_by_it():
    made = make()
    assert (made.outcome, made.error) == ("scored", "")
    found = hits(made)
    assert found["attack_success"] is True and found["utility_under_attack"] is True
    assert found["useful_and_secure"] is False and found["autonomy"] == 1.0
    assert make().events == made.events, "the same attempt made again"
    changed = [event for event in made.events if isinstance(event, StateChanged)]
    assert len({event.before for event in changed} | {event.after for event in changed}) == len(changed) + 1
    assert any("mail.rules" in change["at"] for event in changed for change in event.facts["changed"])


def test_a_target_without_tools_is_refused_and_not_called_safe():
    class Bare:
        def describe(self):
            return {"target": "bare"}

        async def send(self, request):
            return answer("I would do nothing of the kind.")

        async def close(self):
            pass

    with pytest.raises(UsageError, match="needs an agent: put the model into an agent"):
        make(target=Bare())


def test_a_scene_that_names_what_is_not_there_stops_the_run():
    with pytest.raises(UsageError, match="has no world 'mial'"):
        make(replace(SAMPLE, scene=replace(SAMPLE.scene, worlds=("mial",))))


class drifting(StateWorld):
    """A world that remembers."""

    begun = 0

    def reset(self, state, seed):
        drifting.begun += 1
        super().reset(state, seed)

    def snapshot(self):
        return b'{"begun":%d}' % drifting.begun

    def look(self) -> str:
        """Look."""
        return "nothing"


def test_a_world_that_cannot_be_reset_is_an_error_of_the_evaluation(monkeypatch):
    monkeypatch.setitem(registry._made, ("world", "drifting"), drifting)
    scene = Scene(worlds=("drifting",), goal=(Predicate("x", has=1),))
    made = make(replace(SAMPLE, scene=scene))
    assert made.outcome == "attack_error" and "two resets" in made.error
    assert [(e.role, e.kind) for e in made.events if isinstance(e, Failed)] == [("tool", "CannotReset")]
    assert made.scores == ()


class sinking(StateWorld):
    """A world whose tool never answers in time."""

    def wait(self) -> str:
        """Wait."""
        raise TimeoutError


def test_a_world_that_was_lost_is_no_score(monkeypatch):
    monkeypatch.setitem(registry._made, ("world", "sinking"), sinking)

    class Caller:
        def describe(self):
            return {"target": "caller"}

        async def send(self, request, tools):
            from shipworthy.core.records import ToolCall

            result = await tools.call(ToolCall("c", "sinking_wait", {}))
            again = await tools.call(ToolCall("d", "sinking_wait", {}))
            assert result.is_error and again.is_error
            return answer("I have waited.")

        async def close(self):
            pass

    scene = Scene(worlds=("sinking",), goal=(Predicate("x", has=1),), forbidden=(Predicate("y", has=1),))
    made = make(replace(SAMPLE, scene=scene), Caller())
    assert made.outcome == "scorer_error" and "did not answer in" in made.error
    assert "attack_success" not in hits(made)


OWN = '''
"""A lamp that can be switched."""
from msgspec import Struct
from shipworthy.agents.state_world import StateWorld
from shipworthy.core.registry import world


@world
class lamp(StateWorld):
    """One lamp."""

    class State(Struct):
        on: bool = False

    def switch(self, on: bool) -> bool:
        """Switch the lamp.

        Args:
            on: whether it is to be lit.
        """
        self.state.on = on
        return on
'''
SWITCH = '''
"""An agent that switches the lamp on."""
from shipworthy.core.records import ToolCall, answer
from shipworthy.core.registry import target


class Switch:
    def describe(self):
        return {"target": "switch_on"}

    async def send(self, request, tools):
        await tools.call(ToolCall("c", "lamp_switch", {"on": True}))
        return answer("It is on.")

    async def close(self):
        pass


@target
def switch_on():
    """Build it."""
    return Switch()
'''
SUITE = """\
id: lamps
version: 1
title: Lamps
content: synthetic
metric: utility
scorers: [task_utility]
samples:
  - {id: on, prompt: Switch it on., scene: {worlds: [lamp], goal: [{at: lamp.on, equals: true}]}}
  - id: off
    prompt: Switch it off.
    scene: {worlds: [lamp], state: {lamp: {on: true}}, goal: [{at: lamp.on, equals: false}]}
"""


@pytest.fixture
def workspace(tmp_path):
    files = {
        "system.yaml": "system: {id: SYS-lamp, title: Lamp, owner: us}\n",
        "targets.yaml": "targets: {default: {use: switch_on}}\n",
        "suites/lamps.yaml": SUITE,
        "plugins/lamp.py": OWN,
        "plugins/switch_on.py": SWITCH,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_world_of_ones_own_is_one_file(workspace):
    from shipworthy.evals.api import evaluate
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=True)
    run = evaluate(loaded, progress=False, cache=False)
    assert {a.sample: hits(a) for a in run.attempts()} == {"on": {"utility": True}, "off": {"utility": False}}


def test_a_run_with_a_target_without_tools_is_refused_before_anything_is_asked(workspace):
    from shipworthy.evals.api import evaluate
    from shipworthy.workspace.load import Workspace

    plugin = workspace / "plugins" / "bare.py"
    text = SWITCH.replace(", tools):", "):").replace(
        '        await tools.call(ToolCall("c", "lamp_switch", {"on": True}))\n', ""
    )
    plugin.write_text(text.replace("switch_on", "bare"), encoding="utf-8")
    (workspace / "targets.yaml").write_text("targets: {default: {use: bare}}\n", encoding="utf-8")
    loaded = Workspace.load(workspace, allow_code=True)
    with pytest.raises(UsageError, match="the suite 'lamps': the sample 'on' and 1 more needs an agent"):
        evaluate(loaded, progress=False, cache=False)


def checked(workspace):
    command = [sys.executable, "-m", "shipworthy", "check", "-C", str(workspace), "--allow-code"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    return done.stdout


def test_a_wrong_scene_is_named_with_its_line_before_anything_is_asked(workspace):
    from shipworthy.evals.api import evaluate
    from shipworthy.workspace.load import Workspace

    suite = workspace / "suites" / "lamps.yaml"
    suite.write_text(SUITE.replace("state: {lamp: {on: true}}", "state: {lamp: {on: maybe}}"), encoding="utf-8")
    loaded = Workspace.load(workspace, allow_code=True)
    with pytest.raises(UsageError, match=r"lamps\.yaml:9: the scene of the sample 'off': .*cannot begin"):
        evaluate(loaded, progress=False, cache=False)
    said = checked(workspace)
    assert "lamps.yaml:9: the scene of the sample 'off': the world 'lamp' cannot begin" in said
    private = SUITE.replace("content: synthetic", "content: private").replace("lamp: {on: true}}", "lamp: {on: 3}}")
    suite.write_text(private, encoding="utf-8")
    said = checked(workspace)
    assert "lamps.yaml:9: the scene: the world 'lamp' cannot begin" in said and "'off'" not in said
    suite.write_text(SUITE.replace("goal: [{at: lamp.on, equals: true}]", "gaol: []"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"lamps\.yaml:8: .*gaol"):
        Workspace.load(workspace, allow_code=True)
