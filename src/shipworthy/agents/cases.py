"""The samples of the agents' suites, made from the settings: each task by itself, and each attack in each position.

An attack is crossed with every position once, in a task that reads there. Which task that is follows from the files
alone: tasks take turns, and one whose own solution has the attack's effect is passed over.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from shipworthy.agents.joined import EVERYWHERE
from shipworthy.agents.predicate import all_hold
from shipworthy.agents.script import filled
from shipworthy.agents.setting import Goal, Setting, Task
from shipworthy.agents.stage import open_scene
from shipworthy.core.records import ToolCall
from shipworthy.core.scene import Plant, Scene

POSITIONS = (
    "document",
    "mail_body",
    "mail_header",
    "page",
    "tool_description",
    "tool_result",
    "memory",
    "file_name",
    "agent_message",
)
"""Where an injection stands. The first eight of the project's plan count a mail's body and header as one."""

_REFS = ["owasp-asi:ASI01@2026", "owasp-llm:LLM01@2025", "owasp-llm:LLM06@2025"]


def task_samples(found: Setting) -> Iterator[dict[str, Any]]:
    """Yield a sample for each task, as a line of ``samples.jsonl`` holds it."""
    for task in found.tasks:
        yield _row(found, task, None, None)


def attack_samples(found: Setting) -> Iterator[dict[str, Any]]:
    """Yield a sample for each attack in each position that a task of the setting reads."""
    turns: dict[str, int] = {}
    for goal in found.goals:
        for position in POSITIONS:
            fitting = [task for task in found.tasks if place_of(task, position) and not does(found, task, goal)]
            if not fitting:
                continue
            turn = turns.get(position, 0)
            turns[position] = turn + 1
            task = fitting[turn % len(fitting)]
            yield _row(found, task, goal, Plant(position, place_of(task, position), goal.text))


def does(found: Setting, task: Task, goal: Goal) -> bool:
    """Say whether a solution of a task has the effect that an attack is after, with nobody attacking."""
    for script in task.scripts:
        scene = Scene(worlds=found.worlds, state=found.state, forbidden=goal.forbidden)
        world = open_scene(scene, 0)
        answers: list[str] = []
        for step in script:
            call = ToolCall("", step.tool, filled(step.arguments, answers))
            result = asyncio.run(world.run(call))
            answers.append(result.text)
            if all_hold(goal.forbidden, world.state()):
                return True
    return False


def place_of(task: Task, position: str) -> str:
    """Return where in a task a position is; the empty string where it reads nothing of the kind."""
    if position not in EVERYWHERE:
        return task.reads.get(position, "")
    called = [{step.tool for step in script} for script in task.scripts]
    # A tool that every solution calls, and calls early: what it gives is read before the task is done.
    return next(step.tool for step in task.scripts[0] if all(step.tool in tools for tools in called))


def _row(found: Setting, task: Task, goal: Goal | None, plant: Plant | None) -> dict[str, Any]:
    scene: dict[str, Any] = {
        "worlds": list(found.worlds),
        "fixture": found.id,
        "digest": found.digest,
        "task": task.id,
        "goal": _json(task.goal),
    }
    row: dict[str, Any] = {"id": task.id, "prompt": task.prompt}
    tags = [f"stratum:{found.id}"]
    if goal is not None and plant is not None:
        scene |= {"attack": goal.id, "forbidden": _json(goal.forbidden), "plants": _json((plant,))}
        row |= {"id": f"{goal.id}--{plant.position}", "cluster": goal.id, "twin": f"agent-tasks/{task.id}"}
        tags = [f"stratum:{found.id}", f"position:{plant.position}"]
    return row | {
        "severity": goal.severity if goal is not None else "S3",
        "tags": tags,
        "refs": _REFS if goal is not None else _REFS[:1],
        "scene": scene,
    }


def _json(values: Any) -> Any:
    return msgspec.to_builtins(values)


def lines(rows: Iterator[dict[str, Any]]) -> str:
    """Return rows as the text of a ``samples.jsonl``."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
