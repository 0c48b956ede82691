"""Record the calls that every adapter of the tool policy is held against.

python bench/adapter_calls/record.py            write sessions.jsonl anew
python bench/adapter_calls/record.py --check    exit 1 where the file is not what would be written now

Scripted agents do tasks in four worlds of ours, and half-way or at the end what an attacker wrote into a mail, a page
or a tool's answer. The words on their calls are those of an evaluation: its own desk, mediator and engine decide, and a
person who is a rule (yes to the task's calls, now and then with other arguments; no to most of the attacker's) answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shipworthy
from shipworthy.agents.joined import JoinedWorld
from shipworthy.agents.script import ScriptProblem, Step, filled
from shipworthy.agents.setting import Goal, Setting, Task, setting
from shipworthy.agents.stage import open_scene
from shipworthy.core.events import Approval, Called, PolicyEvent, Returned
from shipworthy.core.messages import Message, ToolCall, say
from shipworthy.core.protocols import PolicySession
from shipworthy.core.records import Request
from shipworthy.core.scene import Plant, Scene
from shipworthy.enforce.policy.engine import Policy
from shipworthy.exchange.desk import Desk, Mediation

HERE = Path(__file__).parent
SAMPLES = Path(shipworthy.__path__[0]) / "library" / "suites" / "agent-worlds" / "samples.jsonl"
SETTINGS = ("office", "buying", "engineering", "service")
EACH = 12
"""Sessions of a setting."""


class Ruled:
    """The person who is asked, a rule: knows whose call it is."""

    def __init__(self) -> None:
        self.own, self.asked = True, 0

    async def approve(self, call: ToolCall, asked: PolicyEvent) -> Approval:
        self.asked += 1
        prose = next((name for name in ("body", "text", "note", "notes") if name in call.arguments), "")
        if not self.own:
            return Approval(1, call.id, "a rule", self.asked % 5 == 0)
        if prose and self.asked % 2 == 0:
            changed = {**call.arguments, prose: "Please see what was said before."}
            return Approval(1, call.id, "a rule", True, "", changed)
        return Approval(1, call.id, "a rule", True)


class Recorder:
    """One session: its calls, one after the other, through a desk."""

    def __init__(self, policy: Policy, user: str, world: JoinedWorld) -> None:
        self._person, self._world, self._user = Ruled(), world, user
        self._mediation = Mediation(policy=policy, approver=self._person)
        self._session: PolicySession | None = self._mediation.open(user)
        self._messages: list[Message] = []
        self.turns: list[dict[str, Any]] = []

    async def turn(self, says: str, scripts: list[tuple[bool, Step, list[str]]], reading: frozenset[str]) -> None:
        """Make the calls of one turn.

        Args:
            scripts: whether the task itself wants a call, the call, and the answers that it may name.
        """
        self._messages.append(say("user", says))
        request = Request(messages=tuple(self._messages), user=self._user, turn=len(self.turns) + 1)
        desk = Desk(request, self._mediation, self._world, self._session)
        steps: list[list[dict[str, Any]]] = []
        for number, (own, step, answers) in enumerate(scripts):
            try:
                arguments = filled(step.arguments, answers)
            except ScriptProblem:
                answers.append("")
                continue
            self._person.own = own
            before = len(desk.events)
            call = ToolCall(f"{len(self.turns) + 1}-{number}", step.tool, arguments)
            result = await desk.call(call)
            answers.append(result.text)
            made = told(call, desk.events[before:])
            together = steps and {made["tool"], steps[-1][-1]["tool"]} <= reading and len(steps[-1]) < 3
            if together:  # what only reads is decided alike in any order
                steps[-1].append(made)
            else:
                steps.append([made])
        self._session = desk.session
        self._messages.append(say("assistant", "It is done."))
        self.turns.append({"says": says, "steps": steps})


def told(call: ToolCall, events: list[Any]) -> dict[str, Any]:
    """Return what happened to a call, as a line of the file holds it."""
    word = next(e for e in events if isinstance(e, PolicyEvent))
    made: dict[str, Any] = {"tool": call.name, "args": call.arguments, "word": word.verdict, "rule": word.rule}
    for event in events:
        if isinstance(event, Approval):
            made["answer"] = event.arguments if event.granted and event.arguments is not None else event.granted
        elif isinstance(event, Returned) and any(isinstance(e, Called) for e in events):
            made["raises" if event.result.is_error else "gave"] = event.result.text
    return made


def rows(found: Setting) -> Iterator[tuple[Task, Goal | None, Plant | None]]:
    """Yield what the sessions of a setting are about: attacks in turn, and now and then none."""
    tasks, goals = {t.id: t for t in found.tasks}, {g.id: g for g in found.goals}
    samples = map(json.loads, SAMPLES.read_text("utf-8").splitlines())
    scenes = [sample["scene"] for sample in samples if sample["scene"]["fixture"] == found.id]
    for number in range(EACH):
        scene = scenes[number * len(scenes) // EACH]
        yield tasks[scene["task"]], goals[scene["attack"]], Plant(**scene["plants"][0])
        if number % 4 == 3:
            yield found.tasks[number], None, None


async def sessions(found: Setting, about: list[tuple[Task, Goal | None, Plant | None]]) -> list[dict[str, Any]]:
    """Record the sessions of a setting."""
    name, done = found.id, []
    policy = Policy.read(HERE / "policies" / f"{name}.yaml")
    reading = frozenset(tool for tool, rule in policy.tools.items() if rule.rule.effect == "none")
    for number, (task, goal, plant) in enumerate(about):
        id = f"{name}-{number}"
        scene = Scene(
            worlds=found.worlds, fixture=name, goal=task.goal, forbidden=goal.forbidden if goal else (),
            plants=(plant,) if plant else (),
        )  # fmt: skip
        recorder = Recorder(policy, id, open_scene(scene, number))
        mine: list[str] = []
        theirs: list[str] = []
        own = [(True, step, mine) for step in task.scripts[number % len(task.scripts)]]
        others = [(False, step, theirs) for step in goal.script] if goal else []
        at = len(own) if number % 2 else len(own) // 2
        await recorder.turn(task.prompt, [*own[:at], *others, *own[at:]], reading)
        if number % 3 == 0:
            again = found.tasks[(found.tasks.index(task) + 1) % len(found.tasks)]
            answers: list[str] = []
            await recorder.turn(again.prompt, [(True, step, answers) for step in again.scripts[0]], reading)
        done.append({"id": id, "policy": name, "turns": recorder.turns})
    return done


def text() -> str:
    """Return the file."""
    lines = []
    for name in SETTINGS:
        found = setting(name)
        lines += asyncio.run(sessions(found, [*rows(found)]))
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def main() -> int:
    path = HERE / "sessions.jsonl"
    if "--check" in sys.argv:
        return int(path.read_text("utf-8") != text())
    path.write_text(text(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
