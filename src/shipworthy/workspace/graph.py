"""The link graph: every entity with its place, and every link between two of them, built from the fields' types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from shipworthy.core.digests import digest
from shipworthy.workspace.draft import Placed
from shipworthy.workspace.fields import Entity, Loc, Ref, values
from shipworthy.workspace.kind import Kind, kind_of
from shipworthy.workspace.meaning import meaning
from shipworthy.workspace.scalars import for_digest
from shipworthy.workspace.validate import at

T = TypeVar("T")


class Key(NamedTuple):
    """What names an entity: its kind and its id. An id alone may be taken by a suite and by a plan."""

    kind: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """One entity.

    Attributes:
        written: its text as JSON, prose and all.
        parent: the entity that it is written inside, for a part such as a criterion.
        file: and `line`, 1-based, where its id is written.
    """

    key: Key
    kind: Kind
    entity: Any
    written: Any
    parent: Key | None
    file: Path
    line: int

    @property
    def id(self) -> str:
        """Its id."""
        return self.key.id

    @property
    def meaning(self) -> Any:
        """What of it decides something, as JSON: what a spec digest covers."""
        return self.kind.content(self.entity) if self.kind.content else meaning(self.kind.model, self.written)


class Edge(NamedTuple):
    """One link.

    Attributes:
        field: of the source that holds it, such as ``mitigates``; a dot leads into a value, as in ``suites.suite``.
        target: what it names; there may be no such node.
        file: and `line`, 1-based, where it is written.
    """

    source: Key
    field: str
    target: Key
    file: Path
    line: int


class Graph:
    """Entities and their links.

    Args:
        placed: the entities, by kind; parts are found inside them.
    """

    def __init__(self, placed: Iterable[tuple[Kind, str, Placed[Any]]]) -> None:
        nodes: dict[Key, Node] = {}
        edges: list[Edge] = []
        for kind, name, found in placed:
            for item in _read(kind, name, found):
                if isinstance(item, Node):
                    nodes[item.key] = item
                else:
                    edges.append(item)
        self.nodes: Mapping[Key, Node] = nodes
        self.edges = tuple(edges)
        self._digests: dict[Key, str] = {}

    def __repr__(self) -> str:
        return f"<Graph: {len(self.nodes):,} entities, {len(self.edges):,} links>"

    def node(self, kind: str, name: str) -> Node:
        """Return one entity.

        Raises:
            KeyError: there is none.
        """
        return self.nodes[Key(kind, name)]

    def find(self, kind: str, name: str) -> Node | None:
        """Return one entity; None where there is none."""
        return self.nodes.get(Key(kind, name))

    def of_kind(self, kind: str) -> Mapping[str, Node]:
        """Return the entities of a kind by id, in the order of the files."""
        return self._by_kind.get(kind, {})

    def targets(self, node: Node, field: str = "") -> list[Node]:
        """Return the entities that an entity links to, in its order; through one field, or through any."""
        return self._ends(self._out[node.key], "target", field)

    def sources(self, node: Node, field: str = "") -> list[Node]:
        """Return the entities that link to an entity, in the order of the files; through one field, or through any."""
        return self._ends(self._into[node.key], "source", field)

    def parts(self, node: Node) -> list[Node]:
        """Return the entities that are written inside an entity."""
        return [self.nodes[key] for key in self._parts[node.key]]

    def whole(self, node: Node) -> Node:
        """Return the entity that a part is written inside; an entity that is no part is its own."""
        return self.whole(self.nodes[node.parent]) if node.parent else node

    def dangling(self) -> list[Edge]:
        """Return the links that lead nowhere."""
        return [edge for edge in self.edges if edge.target not in self.nodes]

    def digest(self, node: Node) -> str:
        """Return ``sha256:…`` of all that an entity says, prose too.

        It is what a reviewed link remembers of its target: who reviewed a test against a requirement read its text.
        """
        if node.key not in self._digests:  # describing a suite builds its scorers
            content = node.kind.content(node.entity) if node.kind.content else None
            self._digests[node.key] = digest({"written": node.written, "content": content})
        return self._digests[node.key]

    def reached(self, start: Iterable[Node]) -> list[Node]:
        """Return what the meaning of some entities depends on, themselves too; `Kind.enters` says what that is."""
        found = {node.key: node for node in start}
        queue = list(found.values())
        while queue:
            node = queue.pop()
            for target in (t for part in (node, *self.parts(node)) for t in self.targets(part)):
                if target.kind.enters == "linked" and target.key not in found:
                    found[target.key] = target
                    queue.append(target)
        for node in list(found.values()):
            for source in map(self.whole, self.sources(node)):
                if source.kind.enters == "linking":
                    found[source.key] = source
        return [*found.values(), *(node for node in self.nodes.values() if node.kind.enters == "always")]

    def _ends(self, edges: list[Edge], end: str, field: str) -> list[Node]:
        keys = dict.fromkeys(getattr(edge, end) for edge in edges if field in ("", edge.field))
        return [self.nodes[key] for key in keys if key in self.nodes]

    @cached_property
    def _out(self) -> Mapping[Key, list[Edge]]:
        return _grouped((edge.source, edge) for edge in self.edges)

    @cached_property
    def _into(self) -> Mapping[Key, list[Edge]]:
        return _grouped((edge.target, edge) for edge in self.edges)

    @cached_property
    def _parts(self) -> Mapping[Key, list[Key]]:
        return _grouped((node.parent, node.key) for node in self.nodes.values() if node.parent)

    @cached_property
    def _by_kind(self) -> Mapping[str, Mapping[str, Node]]:
        grouped = _grouped((node.key.kind, node) for node in self.nodes.values())
        return {kind: {node.id: node for node in nodes} for kind, nodes in grouped.items()}


def _grouped(pairs: Iterable[tuple[Any, T]]) -> defaultdict[Any, list[T]]:
    found: defaultdict[Any, list[T]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _read(kind: Kind, name: str, placed: Placed[Any]) -> Iterator[Node | Edge]:
    """Yield an entity's node, its parts' nodes, and the links of all of them."""
    key = Key(kind.name, name)
    file, line = placed.line(("id",))
    yield Node(
        key=key, kind=kind, entity=placed.entity, written=for_digest(placed.written), parent=None, file=file, line=line
    )
    owners: dict[Loc, Key] = {(): key}  # by path: the entity itself and its parts
    for loc, value, marks in values(placed.declared):
        part = kind_of(type(value)) if isinstance(value, Entity) else None
        refs = [m for m in marks if isinstance(m, Ref) and m.names(value)] if isinstance(value, str) else []
        if not refs and not (part and part.written == "part"):
            continue
        around = next(loc[:n] for n in range(len(loc), -1, -1) if loc[:n] in owners)
        if part:
            owners[loc] = Key(part.name, value.id)
            file, line = placed.line((*loc, "id"))
            yield Node(
                key=owners[loc], kind=part, entity=value, written=for_digest(at(placed.written, loc)),
                parent=owners[around], file=file, line=line,
            )  # fmt: skip
        for ref in refs:
            field = ".".join(segment for segment in loc[len(around) :] if isinstance(segment, str))
            yield Edge(owners[around], field, Key(ref.kind, value), *placed.line(loc))
