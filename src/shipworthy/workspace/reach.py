"""What a thing reaches: the criteria that something in the link graph is tested by, however far away they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.workspace.graph import Graph, Node

_ORDER = (
    ("system", "clause"),
    ("journey", "boundary", "subprocessor", "data", "attacker"),
    ("component",),
    ("asset", "entry"),
    ("threat", "waiver"),
    ("risk", "control", "monitor", "lever"),
    ("requirement", "suite"),
    ("criterion",),
)
_STEP: Mapping[str, int] = {kind: step for step, kinds in enumerate(_ORDER) for kind in kinds}
"""Links are followed towards the criteria only: a risk reaches the requirements against it, and not its siblings."""


def criteria_reached(graph: Graph, start: Iterable[Node]) -> frozenset[str]:
    """Return the ids of the criteria that some entities reach.

    A threat reaches those of the requirements against its risks; a suite those that are measured on it; a part of the
    system those of the threats that go through it.
    """
    found: set[str] = set()
    queue = [graph.whole(node) if node.key.kind not in _STEP else node for node in start]
    seen = {node.key for node in queue}
    while queue:
        node = queue.pop()
        if node.key.kind == "criterion":
            found.add(node.id)
            continue
        own = _STEP.get(node.key.kind, len(_ORDER))
        for other in (*graph.parts(node), *graph.targets(node), *graph.sources(node)):
            if _STEP.get(other.key.kind, -1) > own and other.key not in seen:
                seen.add(other.key)
                queue.append(other)
    return frozenset(found)


def nodes_about(graph: Graph, about: str) -> list[Node]:
    """Return what an id names, or what refers to a taxonomy, or to one of its entries.

    Args:
        about: an id, ``taxonomy`` or ``taxonomy:id``, with or without a version.

    Raises:
        UsageError: nothing here does; the nearest id is named.
    """
    named = [node for key, node in graph.nodes.items() if key.id == about and key.kind in _STEP]
    if named:
        return named
    if referring := [node for node in graph.nodes.values() if any(is_of(ref, about) for ref in refs_of(node))]:
        return referring
    known = [key.id for key in graph.nodes if key.kind in _STEP]
    known += [ref for node in graph.nodes.values() for ref in refs_of(node)]
    raise UsageError(f"nothing here is {about!r}, or refers to it: {did_you_mean(about, known)}")


def refs_of(node: Node) -> tuple[str, ...]:
    """Return the taxonomy references of an entity."""
    return tuple(getattr(node.entity, "refs", ()) or ())


def is_of(ref: str, about: str) -> bool:
    """Say whether a reference is of a taxonomy, of an entry or of a part of one.

    >>> is_of("eu-ai-act:Art15(5)@2024", "eu-ai-act:Art15"), is_of("atlas:AML.T0051@5.6", "atlas")
    (True, True)
    >>> is_of("owasp-llm:LLM010@2025", "owasp-llm:LLM01")
    False
    """
    return ref == about or any(ref.startswith(about + mark) for mark in (":", "@", "(", "."))
