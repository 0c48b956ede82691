"""A workspace while it is read: what was found so far, with its places, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from shipworthy.core.errors import Problem
from shipworthy.workspace.gate import Gate
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.journey import Journey
from shipworthy.workspace.nodes import YamlFile
from shipworthy.workspace.plan import PlanSpec
from shipworthy.workspace.requirement import Requirement
from shipworthy.workspace.risk import Risk
from shipworthy.workspace.suites import Loaded
from shipworthy.workspace.system import System
from shipworthy.workspace.use import Use
from shipworthy.workspace.validate import Loc

T = TypeVar("T")


@dataclass
class Placed(Generic[T]):
    """An entity with the place it was written at."""

    entity: T
    source: YamlFile
    loc: Loc

    def problem(self, loc: Loc, message: str, hint: str = "") -> Problem:
        """Return a problem at a path inside the entity."""
        return self.source.problem((*self.loc, *loc), message, hint)


@dataclass
class Draft:
    """What was read so far. `named` holds the ids of broken entities too, so that links to them are not reported."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    system: Placed[System] | None = None
    gate: Placed[Gate] | None = None
    targets: dict[str, Placed[Use]] = field(default_factory=dict)
    journeys: dict[str, Placed[Journey]] = field(default_factory=dict)
    risks: dict[str, Placed[Risk]] = field(default_factory=dict)
    requirements: dict[str, Placed[Requirement]] = field(default_factory=dict)
    plans: dict[str, Placed[PlanSpec]] = field(default_factory=dict)
    suites: dict[str, Loaded] = field(default_factory=dict)
    guards: Placed[GuardFile] | None = None
    guard_files: list[Placed[GuardFile]] = field(default_factory=list)
    named: dict[str, dict[str, tuple[YamlFile, Loc]]] = field(default_factory=dict)
    resolved: dict[str, Any] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)

    def places(self) -> dict[str, tuple[Path, int]]:
        """Return file and line of every id."""
        taken = [entry for ids in self.named.values() for entry in ids.items()]
        return {name: (source.file, source.line((*loc, "id"))) for name, (source, loc) in taken}

    def leads_somewhere(self, requirement: Placed[Requirement]) -> bool:
        """Say whether every criterion names a suite that was read, and an attack of it."""
        for criterion in requirement.entity.criteria:
            loaded = self.suites.get(criterion.suite)
            if loaded is None:
                return False
            if criterion.attack and not any(use.matches(criterion.attack) for use in loaded.suite.attacks):
                return False
        return True

    def claim(self, kind: str, name: Any, source: YamlFile, loc: Loc) -> bool:
        """Take an id; False, with a problem, if it is taken."""
        if not isinstance(name, str):
            return True  # a missing or wrong id is reported by validation
        taken = self.named.setdefault(kind, {})
        if name in taken:
            first, where = taken[name]
            place = f"first on line {first.line(where)}"
            place += "" if first.file == source.file else f" of {first.file.name}"
            self.problems.append(source.problem((*loc, "id"), f"the {kind} id {name!r} is used twice", place))
            return False
        taken[name] = source, loc
        return True


def in_order(problems: list[Problem]) -> list[Problem]:
    """Return problems sorted by file and line, each once."""
    return sorted(set(problems), key=lambda p: (str(p.file), p.line, p.message))
