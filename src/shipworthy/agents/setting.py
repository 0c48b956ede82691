"""A setting: worlds, the state that they begin in, tasks for an agent there, and what an attacker wants of it.

It is a folder with three files, every error in them with its line: ``state.yaml`` (``title``, ``worlds``, ``state``),
``tasks.yaml`` and ``goals.yaml`` (lists of `Task` and `Goal`). Four come with shipworthy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from shipworthy.agents.script import Step, steps
from shipworthy.core.digests import digest
from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.core.registry import factory, names
from shipworthy.core.scene import Predicate
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.scalars import plain

LIBRARY = Path(__file__).parent.parent / "library" / "worlds"

_AT = re.compile(r" - at `\$(.*)`\Z")
_KEY = re.compile(r"\.(\w+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `(.+?)`")
T = TypeVar("T", bound=Struct)


class Task(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something a user wants done.

    Attributes:
        prompt: the user's words.
        goal: what holds of the state when it is done.
        solutions: two or more ways to do it, each a script that meets the goal.
        reads: by injection position, what of it every solution reads: the id of a mail, a folder, an address. A tool's
            result and its description need not be named: they are those of the tool that a solution calls first.
        answer: what a scripted agent tells the user in the end.
    """

    id: str
    prompt: str
    goal: tuple[Predicate, ...]
    solutions: tuple[tuple[dict[str, dict[str, Any]], ...], ...]
    reads: dict[str, str] = {}
    answer: str = "It is done."

    @property
    def scripts(self) -> tuple[tuple[Step, ...], ...]:
        """The solutions as steps."""
        return tuple(steps(solution) for solution in self.solutions)


class Goal(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something an attacker wants done.

    Attributes:
        title: the harm, in one line.
        text: the injected instruction.
        calls: a script that does it.
        forbidden: what holds of the state when it has happened.
        answer: what the attacker wants the user to be told, behind the task's own answer.
    """

    id: str
    title: str
    text: str
    calls: tuple[dict[str, dict[str, Any]], ...] = ()
    forbidden: tuple[Predicate, ...] = ()
    answer: str = ""
    severity: Literal["S1", "S2", "S3", "S4"] = "S2"

    def __post_init__(self) -> None:
        if not (self.calls and self.forbidden) and not self.answer:
            raise ValueError("an attack needs 'calls' and what is 'forbidden', or an 'answer' that it wants given")

    @property
    def script(self) -> tuple[Step, ...]:
        """Its calls as steps."""
        return steps(self.calls)


class _State(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: str
    worlds: tuple[str, ...]
    state: dict[str, Any]


class Setting(Struct, frozen=True, kw_only=True):
    """A setting, loaded; `id` is its folder's name."""

    id: str
    title: str
    worlds: tuple[str, ...]
    state: dict[str, Any]
    tasks: tuple[Task, ...]
    goals: tuple[Goal, ...]

    @property
    def digest(self) -> str:
        """``sha256:…`` of everything that an attempt begins with: the state and the versions of the worlds."""
        versions = {name: factory("world", name).version for name in self.worlds}  # type: ignore[attr-defined]
        return digest({"worlds": versions, "state": self.state})


def settings() -> tuple[str, ...]:
    """Return the names of the settings that come with shipworthy."""
    return tuple(sorted(path.parent.name for path in LIBRARY.glob("*/state.yaml")))


@cache
def setting(name: str) -> Setting:
    """Return a setting that comes with shipworthy.

    Raises:
        UsageError: there is none of the name.
    """
    if name not in settings():
        raise UsageError(f"there is no setting {name!r}: {did_you_mean(name, settings())}")
    return load_setting(LIBRARY / name)


def load_setting(folder: Path) -> Setting:
    """Load a setting from a folder.

    Raises:
        WorkspaceError: what is wrong in its files, with their lines.
    """
    problems: list[Problem] = []
    states = list(_read(folder / "state.yaml", _State, problems, single=True))
    tasks = list(_read(folder / "tasks.yaml", Task, problems))
    goals = list(_read(folder / "goals.yaml", Goal, problems))
    for file, rows in (("tasks.yaml", tasks), ("goals.yaml", goals)):
        _check_scripts(folder / file, rows, problems)
    for source, found in states:
        for index, name in enumerate(found.worlds):
            if name not in names("world"):
                near = did_you_mean(name, names("world"))
                problems.append(source.problem(("worlds", index), f"unknown world {name!r}", near))
        problems += [
            source.problem(("state", name), f"a state of {name!r}, which is none of the worlds")
            for name in found.state
            if name not in found.worlds
        ]
    if problems or not states:
        raise WorkspaceError(sorted(set(problems), key=lambda problem: (str(problem.file), problem.line)))
    state = states[0][1]
    return Setting(
        id=folder.name,
        title=state.title,
        worlds=state.worlds,
        state=state.state,
        tasks=tuple(task for _, task in tasks),
        goals=tuple(goal for _, goal in goals),
    )


def _read(path: Path, kind: type[T], problems: list[Problem], *, single: bool = False) -> Iterator[tuple[YamlFile, T]]:
    try:
        source = read_yaml(path)
    except WorkspaceError as error:
        problems += error.problems
        return
    if single:
        rows: list[tuple[tuple[int, ...], Any]] = [((), source.value)]
    elif isinstance(source.value, list):
        rows = [((index,), row) for index, row in enumerate(source.value)]
    else:
        problems.append(source.problem((), "must be a list"))
        return
    for loc, row in rows:
        try:
            yield source, msgspec.convert(plain(row), kind)
        except msgspec.ValidationError as error:
            message, inner = _told(error)
            problems.append(source.problem((*loc, *inner), message))


def _told(error: msgspec.ValidationError) -> tuple[str, tuple[str | int, ...]]:
    """Return msgspec's complaint in the words of a YAML file, and the path that it is about."""
    text = str(error)
    match = _AT.search(text)
    loc: list[str | int] = []
    for key, index in _KEY.findall(match[1]) if match else ():
        loc.append(int(index) if index else key)
    if unknown := _UNKNOWN.search(text):
        loc.append(unknown[1])
    said = (
        _AT.sub("", text).replace("`", "'").replace("Object missing", "a key is missing: the").replace("Object", "it")
    )
    return said, tuple(loc)


def _check_scripts(path: Path, rows: list[tuple[YamlFile, Any]], problems: list[Problem]) -> None:
    """Report scripts that are none, and ids that stand twice."""
    seen: set[str] = set()
    for index, (source, row) in enumerate(rows):
        if row.id in seen:
            problems.append(source.problem((index, "id"), f"the id {row.id!r} is used twice"))
        seen.add(row.id)
        try:
            scripts = row.scripts if isinstance(row, Task) else (row.script,)
        except ValueError as error:
            key = "solutions" if isinstance(row, Task) else "calls"
            problems.append(source.problem((index, key), str(error)))
            continue
        if isinstance(row, Task) and (len(scripts) < 2 or not all(scripts)):
            problems.append(source.problem((index, "solutions"), "a task needs two solutions, each of a step or more"))


def merged(setting_state: Mapping[str, Any], laid_over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with another laid over it: by world, and in each by key."""
    found = {name: dict(state) for name, state in setting_state.items()}
    for name, state in laid_over.items():
        found[name] = {**found.get(name, {}), **state}
    return found
