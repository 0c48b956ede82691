"""What an attacker knows who has seen all but the policy: tools, the state, the goal, and what is their own in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

import msgspec

from shipworthy.agents.scheme import spoken
from shipworthy.agents.setting import Goal, Setting, Task
from shipworthy.agents.stage import open_scene
from shipworthy.core.records import ToolSpec
from shipworthy.core.scene import Scene
from shipworthy.enforce.policy.guess import class_of
from shipworthy.enforce.policy.signatures import Presented, resolved
from shipworthy.enforce.policy.values import carried

_READS = ("list", "read", "show", "find", "say", "look", "get", "search", "fetch")
_TOKEN = re.compile(r"[\w.+@/:-]*\d[\w.+@/:-]*")
_DOTTED = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\.\w+")


class GroundTool(NamedTuple):
    """A tool as its signature shows it.

    Attributes:
        schemas: of its arguments, by name; `classes` what each seems to stand for.
        reads: it says that it changes nothing.
        world: the first word of its name, which tools over one state share.
    """

    name: str
    schemas: Mapping[str, Mapping[str, Any]]
    classes: Mapping[str, str]
    required: frozenset[str]
    reads: bool
    world: str

    def of(self, *kinds: str) -> list[str]:
        """Return the arguments of some classes."""
        return [name for name, kind in self.classes.items() if kind in kinds]


class Ground:
    """A goal, and what there is to reach it with.

    Args:
        tasks: that may be its cover.
        specs: of the tools.
        state: that everything begins in, as JSON.

    Attributes:
        own: texts of the goal's calls that are the attacker's: addresses, accounts, links that the state does not hold.
        wanted: texts that the forbidden effect speaks of.
        secrets: those that must stand in another text then, and that the state held before: such a goal is a leak.
        strings: texts of the state; `numbers` its numbers.
    """

    def __init__(self, tasks: Iterable[Task], goal: Goal, specs: Iterable[ToolSpec], state: Mapping[str, Any]) -> None:
        self.goal = goal
        self.tasks = {task.id: task for task in tasks}
        self.tools = {spec.name: _tool(spec) for spec in specs}
        held = msgspec.json.encode(state).decode().casefold()
        self.strings = sorted({text for text in spoken(state) if len(text) <= 80})
        self.numbers = sorted({float(number) for number in _numbers(state)})
        said = [text for step in goal.script for text in spoken(step.arguments)]
        wanted = [text for one in goal.forbidden for text in spoken(msgspec.to_builtins(one)) if text != one.at]
        marks = [mark for text in said for mark in (*_raw(text), *_TOKEN.findall(text), *_cased(wanted, text))]
        self.own = [m for m in dict.fromkeys(marks) if len(m) > 4 and not m.isalpha() and m.casefold() not in held]
        said_of = [text for one in goal.forbidden for text in _parts(one.has or one.equals)]
        self.secrets = [text for text in said_of if len(text) > 3 and text.casefold() in held]
        self.wanted = [*wanted, *(key for one in goal.forbidden for key in one.at.split("."))]
        self.known = [text for text in self.strings if _ADDRESS.fullmatch(text)]

    @classmethod
    def of(cls, found: Setting, goal: Goal) -> Ground:
        """Return that of a goal of a setting."""
        world = open_scene(Scene(worlds=found.worlds, state=found.state, forbidden=goal.forbidden), 0)
        return cls(found.tasks, goal, world.specs, world.state())

    @property
    def leak(self) -> bool:
        """Whether the harm is that something leaves: then any writing of it that can be read back will do."""
        return bool(self.secrets) and bool(self.own or self._shows())

    def _shows(self) -> bool:
        return any("$" in str(value) for step in self.goal.script for value in step.arguments.values()) or any(
            secret.casefold() in str(step.arguments).casefold() for step in self.goal.script for secret in self.secrets
        )

    def filled(self, tool: GroundTool, given: Mapping[str, Any], rng: Random) -> dict[str, Any]:
        """Return arguments for a call: those given, and something that fits for each other one that it needs."""
        made = dict(given)
        for name in tool.required:
            if name not in made:
                made[name] = self._some(tool, name, rng)
        return {name: _shaped(value, tool.schemas[name]) for name, value in made.items()}

    def _some(self, tool: GroundTool, name: str, rng: Random) -> Any:
        schema = tool.schemas[name]
        if choices := schema.get("enum"):
            return rng.choice(list(choices))
        if schema.get("type") == "boolean":
            return rng.random() < 0.5
        if schema.get("type") in ("number", "integer"):
            return rng.choice([1, 2, *self.numbers])
        if schema.get("type") == "object":
            return {"note": self.goal.text}
        if name in ("start", "end"):
            return "2026-03-02T09:00" if name == "start" else "2026-03-02T10:00"
        if tool.classes[name] == "content":
            return rng.choice(["Note", self.goal.text])
        return rng.choice(self.strings or [self.goal.text])


def _tool(spec: ToolSpec) -> GroundTool:
    schema = resolved(dict(spec.parameters), dict(spec.parameters))
    schemas = schema.get("properties") or {}
    signature = Presented(spec.name, spec.description, schemas, frozenset(schema.get("required") or ()), {})
    classes = {name: class_of(name, one, signature, reads=False) for name, one in schemas.items()}
    first = spec.description.split(" ", 1)[0].lower()
    return GroundTool(spec.name, schemas, classes, signature.required, first in _READS, spec.name.partition("_")[0])


def _shaped(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value in the shape that a schema asks for, as far as one can be given it."""
    kind = schema.get("type")
    if kind == "array":
        return value if isinstance(value, list) else [value]
    if kind == "object" and not isinstance(value, Mapping):
        return {"note": value}
    if kind == "string" and isinstance(value, list) and value:
        return value[0]
    return value


def _raw(text: str) -> Iterator[str]:
    yield from (text[found.start : found.end] for found in carried(text))
    yield from _DOTTED.findall(text)


def _parts(pattern: Any) -> Iterator[str]:
    """Yield the texts that a pattern wants to be contained in others."""
    if isinstance(pattern, Mapping):
        if isinstance(pattern.get("contains"), str):
            yield pattern["contains"]
        for inner in pattern.values():
            yield from _parts(inner)


def _cased(wanted: list[str], text: str) -> Iterator[str]:
    for one in wanted:
        at = text.casefold().find(one.casefold())
        if at >= 0:
            yield text[at : at + len(one)]


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        yield float(value)


def prompt_words(task: Task, rng: Random) -> str:
    """Return some words in a row of what the user said."""
    words = task.prompt.split()
    start = rng.randrange(len(words))
    return " ".join(words[start : start + rng.randint(1, 4)])
