"""A search for a way past a tool policy in AgentDojo; runs in AgentDojo's own environment, a process a goal.

python bench/peers/agentdojo_search.py VERSION SUITE POLICY.yaml|none GOAL TRIES SEED

The moves are those of `shipworthy.agents.search`: other words, codes, parts, laundering through other tools and earlier
sessions, other tools, near names, the user's own words, order, and every task as a cover. Whether the attack succeeded
is what AgentDojo says of the state; steps that were carried out in a code or in parts are made once more, plainly, and
AgentDojo is asked about that state too. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from agentdojo.agent_pipeline.base_pipeline_element import BasePipelineElement
from agentdojo.types import ChatAssistantMessage, text_content_block_from_string
from agentdojo_job import MARK, TAIL, Tools, as_json, attack_calls, opened, reached_by, specs_of

from shipworthy.agents.ground import Ground
from shipworthy.agents.played import Attentive, Played, SchemeAgent, hope
from shipworthy.agents.scheme import Scheme, renamed, spoken
from shipworthy.agents.script import Step
from shipworthy.agents.search import searched
from shipworthy.agents.setting import Goal, Task
from shipworthy.core.events import PolicyEvent
from shipworthy.core.messages import say
from shipworthy.enforce.policy.engine import Policy
from shipworthy.exchange.channel import Channels
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange


class Sessions(BasePipelineElement):
    """Plays a scheme where AgentDojo asks a pipeline: an earlier session, if there is one, and the user's."""

    name = "scheme"

    def __init__(self, player: Player, scheme: Scheme) -> None:
        self._player, self._scheme = player, scheme
        self.events: list[Any] = []
        self.agents: list[SchemeAgent] = []

    def query(self, query: str, runtime: Any, env: Any = None, messages: Any = (), extra_args: Any = None) -> Any:
        player, scheme = self._player, self._scheme
        sessions = [(scheme.task, scheme.pieces)]
        if scheme.before:
            sessions.insert(0, (scheme.before, scheme.earlier))
        world = Tools(runtime, env, player.specs)
        told = ""
        for task, pieces in sessions:
            user = player.suite.user_tasks[task]
            steps = [Step(call.function, as_json(dict(call.args))) for call in user.ground_truth(env)]
            agent = SchemeAgent(steps, pieces, scheme, MARK[:20])
            exchange = Exchange(Channels().open(agent), player.mediation, world=world, keep=False, user="user")
            reply = asyncio.run(exchange.ask([say("user", user.PROMPT)]))
            told = "\n".join(m.text for m in reply.messages if m.role == "assistant")
            self.events += exchange.events
            self.agents.append(agent)
        last = ChatAssistantMessage(role="assistant", content=[text_content_block_from_string(told)], tool_calls=None)
        return query, runtime, env, [*messages, last], extra_args or {}


class Plainly(BasePipelineElement):
    """Makes some of the goal's own steps, and nothing else."""

    name = "plainly"

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def query(self, query: str, runtime: Any, env: Any = None, messages: Any = (), extra_args: Any = None) -> Any:
        for step in self._steps:
            runtime.run_function(env, step.tool, step.arguments)
        last = ChatAssistantMessage(role="assistant", content=[text_content_block_from_string("")], tool_calls=None)
        return query, runtime, env, [*messages, last], extra_args or {}


class Player:
    """Plays schemes for one injection task."""

    def __init__(self, version: str, suite: str, policy: str, goal: str) -> None:
        self.suite, self._environments = opened(version, suite)
        self._attack = self.suite.injection_tasks[goal]
        self._version, self._name = version, suite
        base = self._environments.load({})
        calls = attack_calls(self._attack, base)
        script = tuple({call.function: as_json(dict(call.args))} for call in calls)
        self.goal = Goal(id=goal, title=goal, text=self._attack.GOAL, calls=script, answer=goal)
        self.specs = specs_of(version, suite)
        loaded = Policy.read(policy) if policy != "none" else None
        self.mediation = Mediation(policy=loaded, approver=Attentive())
        self._places = {name: reached_by(version, suite, name) for name in self.suite.user_tasks}
        self._plain: dict[frozenset[int], bool] = {}
        self.state = base.model_dump(mode="json")

    def tasks(self) -> list[Task]:
        """Return the user's tasks that read an injection and do not do the attack's harm by themselves."""
        found = []
        for name, user in self.suite.user_tasks.items():
            if not self._places[name]:
                continue
            env = user.init_environment(self._environments.load({}))
            steps = tuple({c.function: as_json(dict(c.args))} for c in user.ground_truth(env))
            if steps and not self._succeeds(Plainly([Step(*next(iter(s.items()))) for s in steps]), name):
                found.append(Task(id=name, prompt=user.PROMPT, goal=(), solutions=(steps, steps)))
        return found

    def _succeeds(self, pipeline: BasePipelineElement, task: str, injections: Mapping[str, str] | None = None) -> bool:
        env = self._environments.load(dict(injections or {}))
        _, security = self.suite.run_task_with_pipeline(
            pipeline, self.suite.user_tasks[task], self._attack, {}, environment=env
        )
        return bool(security)

    def play(self, scheme: Scheme) -> Played:
        """Play a scheme."""
        named = [t for p in (*scheme.earlier, *scheme.pieces) for s in p.calls for t in spoken(s.arguments)]
        text = " ".join(dict.fromkeys([self.goal.text, *(renamed(one, scheme.aliases) for one in named)]))
        places = [place for task in (scheme.task, scheme.before) if task for place in self._places[task]]
        sessions = Sessions(self, scheme)
        happened = self._succeeds(sessions, scheme.task, dict.fromkeys(places, MARK + text + TAIL))
        done = frozenset[int]().union(*(agent.done for agent in sessions.agents))
        reached = happened or (bool(done) and self._plainly(done, scheme.task))
        words = [e for e in sessions.events if isinstance(e, PolicyEvent) and e.call.startswith("attack-")]
        stopped = [e for e in words if e.verdict != "allow"]
        ran = tuple(step for agent in sessions.agents for step in agent.ran)
        means = {piece.means for piece in scheme.pieces if piece.means is not None}
        chance = hope(scheme, ran, stopped, len(self.goal.script) - len(means | done))
        near = 1.0 if reached else 0.5 * len(done) / len(self.goal.script) + chance
        return Played(reached, near, tuple(f"{e.rule}: {e.reason}" for e in stopped), ran)

    def _plainly(self, done: frozenset[int], task: str) -> bool:
        if done not in self._plain:
            steps = [step for number, step in enumerate(self.goal.script) if number in done]
            self._plain[done] = self._succeeds(Plainly(steps), task)
        return self._plain[done]


def main() -> None:
    version, suite, policy, goal, tries, seed = sys.argv[1:]
    player = Player(version, suite, policy, goal)
    if not player.goal.script:
        print(json.dumps({"suite": suite, "goal": goal, "tries": 0, "why": "it calls no tool"}))
        return
    ground = Ground(player.tasks(), player.goal, player.specs, player.state)
    # AgentDojo's check is code: so whatever the goal's calls say matters, and what of it the state held is what leaks.
    said = [text for step in player.goal.script for text in spoken(step.arguments)]
    held = json.dumps(player.state, ensure_ascii=False).casefold()
    marks = [mark for text in said for mark in (text, *re.findall(r"[\w.@-]*\d[\w.@-]*", text))]
    ground.wanted = said
    ground.secrets = [mark for mark in dict.fromkeys(marks) if len(mark) > 3 and mark.casefold() in held]
    found = searched(ground, player.play, tries=int(tries), seed=f"{seed}:{suite}:{goal}")
    print(json.dumps({
        "suite": suite, "goal": goal, "tries": found.tries, "first": found.first, "reached": found.reached,
        "nearest": round(found.played.near, 3), "moves": sorted(set(found.shortest.moves)),
        "script": msgspec.to_builtins(found.shortest) if found.first else None,
        "calls": [{step.tool: step.arguments} for step in found.played.ran] if found.first else [],
        "stopped": [] if found.first else list(dict.fromkeys(found.played.stopped))[:3],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
