"""Where data flows, and which boundaries of trust it crosses."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.diagrams.drawing import Drawing, DrawnArea, DrawnArrow, DrawnBox
from shipworthy.workspace.graph import Graph, Node


def data_flow(graph: Graph) -> Drawing:
    """Return the components in their trust boundaries, what flows between them, and the ways in from outside.

    An arrow that leaves the innermost boundary of its component is strong: what comes along it is another's word.
    Components that say nowhere where they send to have no arrow; a boundary without components is left out.
    """
    system = next(iter(graph.of_kind("system").values()))
    components = graph.of_kind("component")
    boxes = {node.id: DrawnBox(node.id, "part", _lines(graph, node)) for node in components.values()}
    arrows = []
    for node in graph.of_kind("entry").values():
        who = ", ".join(node.entity.open_to) or "nobody said who"
        boxes[node.id] = DrawnBox(node.id, "outside", (node.id, node.entity.title, f"open to: {who}"))
        arrows.append(DrawnArrow(node.id, node.entity.component, True))
    within = {name: node.id for node in graph.of_kind("boundary").values() for name in node.entity.components}
    for node in components.values():
        for name in node.entity.sends_to:
            crosses = within.get(node.id) != within.get(name)
            arrows.append(DrawnArrow(node.id, name, crosses))
    return Drawing(f"Data flow of {system.entity.title}", boxes, tuple(_areas(graph, None)), tuple(arrows))


def _lines(graph: Graph, node: Node) -> tuple[str, ...]:
    one = node.entity
    host = graph.find("subprocessor", one.run_by) if one.run_by else None
    said = [node.id, f"{one.title} ({one.kind})"]
    said += [f"run by {host.entity.title}"] if host else []
    said += [f"holds: {', '.join(one.holds)}"] if one.holds else []
    said += [f"written by: {', '.join(one.writers) or 'nobody'}"] if one.writers is not None else []
    return tuple(said)


def _areas(graph: Graph, around: str | None) -> Iterator[DrawnArea]:
    for node in graph.of_kind("boundary").values():
        if node.entity.inside == around:
            inner = tuple(_areas(graph, node.id))
            if node.entity.components or inner:
                yield DrawnArea(f"{node.id} {node.entity.title}", node.entity.components, inner)
