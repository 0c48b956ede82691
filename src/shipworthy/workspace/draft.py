"""A workspace while it is read: what was found so far, with its places, and what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shipworthy.core.errors import Problem
from shipworthy.core.metric import Metric
from shipworthy.workspace.fields import Entity, InTaxonomy, Loc, shapes, values
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.kind import Kind, kind_of, kinds, sections
from shipworthy.workspace.nodes import YamlFile
from shipworthy.workspace.policies import PolicyFile
from shipworthy.workspace.taxonomies import ref_problem
from shipworthy.workspace.validate import at

if TYPE_CHECKING:
    from shipworthy.workspace.packs import InheritedPack
    from shipworthy.workspace.suite import Suite

T = TypeVar("T")

ANY = "*"


@dataclass
class Placed(Generic[T]):
    """An entity with the place it was written at."""

    entity: T
    source: YamlFile
    loc: Loc

    @property
    def declared(self) -> Entity:
        """The model that holds its links."""
        if not isinstance(self.entity, Entity):
            raise TypeError(f"{type(self.entity).__name__} is no model")
        return self.entity

    @property
    def written(self) -> Any:
        """Its text, as it was written."""
        return at(self.source.value, self.loc)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it was read from."""
        return (self.source.file,)

    def place(self, *loc: str | int) -> tuple[YamlFile, Loc]:
        """Return the file and the path in it of a path inside the entity."""
        return self.source, (*self.loc, *loc)

    def line(self, loc: Loc) -> tuple[Path, int]:
        """Return file and 1-based line of a path inside the entity."""
        source, whole = self.place(*loc)
        return source.file, source.line(whole)

    def problem(self, loc: Loc, message: str, hint: str = "") -> Problem:
        """Return a problem at a path inside the entity."""
        source, whole = self.place(*loc)
        return source.problem(whole, message, hint)

    def taxonomy_problems(self) -> list[Problem]:
        """Return what is wrong with its references into public catalogues."""
        return [
            self.problem(loc, *wrong)
            for loc, ref, marks in values(self.declared)
            if any(isinstance(mark, InTaxonomy) for mark in marks) and (wrong := ref_problem(ref))
        ]


@dataclass
class Draft:
    """What was read so far.

    Attributes:
        root: the workspace's folder.
        entities: the whole ones, by kind and id.
        named: by kind and id, where each id was claimed: those of broken entities too, so that links to them are not
            reported.
        candidates: the guard files besides ``guards.yaml``, such as ``guards-strict.yaml``.
        shadow: the candidate policy ``policy.shadow.yaml``.
        sources: the files with sections that were read.
        unread: files with sections that could not be read: what they define is not known, so a link that leads to none
            may be right.
        nameless: kinds with something written that no id can be read of, which is reported: an entity without one, a
            section that is no list. `ANY` stands for all of them: a section whose name is unknown.
        metrics: of each suite, that its scorers give; None where that cannot be told.
        packs: the policy packs that it inherits.
    """

    root: Path = Path()
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    entities: dict[str, dict[str, Placed[Any]]] = field(default_factory=lambda: {name: {} for name in kinds()})
    named: defaultdict[str, dict[str, tuple[YamlFile, Loc]]] = field(default_factory=lambda: defaultdict(dict))
    candidates: list[Placed[GuardFile]] = field(default_factory=list)
    shadow: Placed[PolicyFile] | None = None
    sources: list[YamlFile] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)
    metrics: dict[str, Mapping[str, Metric] | None] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    nameless: set[str] = field(default_factory=set)
    packs: list[InheritedPack] = field(default_factory=list)

    def all(self) -> Iterator[tuple[Kind, str, Placed[Any]]]:
        """Yield every whole entity that is no part of another, with its kind and id."""
        for name, kind in kinds().items():
            for id, placed in self.entities[name].items():
                yield kind, id, placed

    def single(self, kind: str) -> Placed[Any] | None:
        """Return the one entity of a kind that there is one of."""
        return next(iter(self.entities[kind].values()), None)

    def suite(self, name: str) -> Suite | None:
        """Return a suite that was read; None if there is none of that name, or if it is broken."""
        placed = self.entities["suite"].get(name)
        return placed.entity if placed else None

    def hidden_in(self, kind: str) -> list[Path]:
        """Return the unread files that may define entities of a kind: the one named after its section, and includes.

        Where none of the kind was read anywhere, it is any of them: each may hold any section.
        """
        names = {f"{section}.yaml": found.name for section, found in sections().items()}
        anywhere = kind not in names.values() or not self.named[kind]  # a part is written inside another
        return [path for path in self.unread if anywhere or names.get(path.name, kind) == kind]

    def broken(self, kind: str) -> bool:
        """Say whether an entity of a kind is not whole, or may stand where nothing could be read."""
        return len(self.entities[kind]) < len(self.named[kind]) or self.lost(kind) or bool(self.hidden_in(kind))

    def lost(self, kind: str) -> bool:
        """Say whether something may be of this kind that no id could be read of."""
        return bool({kind, ANY} & self.nameless)

    def claim(self, kind: str, name: Any, source: YamlFile, loc: Loc) -> bool:
        """Take an id; False, with a problem, if it is taken."""
        if not isinstance(name, str):
            self.nameless.add(kind)
            return True  # a missing or wrong id is reported by validation
        taken = self.named[kind]
        if name in taken:
            first, where = taken[name]
            place = f"first on line {first.line(where)}"
            place += "" if first.file == source.file else f" of {first.file.name}"
            self.problems.append(source.problem((*loc, "id"), f"the {kind} id {name!r} is used twice", place))
            return False
        taken[name] = source, loc
        return True

    def claim_parts(self, model: type[Entity], written: Any, source: YamlFile, loc: Loc) -> None:
        """Take the ids of the parts inside an entity, whole or broken."""
        if not isinstance(written, dict):
            return
        for key, field_shapes in shapes(model).items():
            part = next((shape.model for shape in field_shapes if shape.model), None)
            value = written.get(key)
            if part is None or not isinstance(value, list):
                continue
            kind = kind_of(part)
            for index, item in enumerate(value):
                here: Loc = (*loc, key, index)
                if kind and kind.written == "part" and isinstance(item, dict):
                    self.claim(kind.name, item.get("id"), source, here)
                self.claim_parts(part, item, source, here)


def in_order(problems: list[Problem]) -> list[Problem]:
    """Return problems sorted by file and line, each once."""
    return sorted(set(problems), key=lambda p: (str(p.file), p.line, p.message))
