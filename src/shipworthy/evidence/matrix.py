"""The trace matrix: a line for each risk, requirement and criterion, with what stands for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.workspace.graph import Graph, Node


class MatrixRow(NamedTuple):
    """One line; an empty `risk`, `requirement` or `criterion` is a gap.

    Attributes:
        controls: what implements the requirement: guards, tool policy, controls that are in place.
        evidence: the verdict that stands, ``lapsed`` or ``none``.
    """

    risk: str
    threats: tuple[str, ...]
    requirement: str
    controls: tuple[str, ...]
    monitors: tuple[str, ...]
    criterion: str
    suite: str
    evidence: str
    decision: str


def matrix_rows(graph: Graph, standing: Mapping[str, CriterionStanding]) -> list[MatrixRow]:
    """Return the matrix in the order of the files; requirements that mitigate no risk come last."""
    rows: list[MatrixRow] = []
    for risk in graph.of_kind("risk").values():
        threats = tuple(node.id for node in graph.sources(risk, "risks") if node.key.kind == "threat")
        requirements = [node for node in graph.sources(risk, "mitigates") if node.key.kind == "requirement"]
        found = [row for one in requirements for row in _of(graph, one, risk.id, threats, standing)]
        rows += found or [MatrixRow(risk.id, threats, "", (), (), "", "", "none", "")]
    for requirement in graph.of_kind("requirement").values():
        if not graph.targets(requirement, "mitigates"):
            rows += _of(graph, requirement, "", (), standing)
    return rows


def _of(
    graph: Graph, node: Node, risk: str, threats: tuple[str, ...], standing: Mapping[str, CriterionStanding]
) -> Iterator[MatrixRow]:
    doing = graph.sources(node, "implements")
    controls = tuple(one.id for one in doing if getattr(one.entity, "status", "") != "planned")
    monitors = tuple(one.id for one in graph.sources(node, "watches"))
    criteria = [part for part in graph.parts(node) if part.key.kind == "criterion"]
    for part in criteria:
        one = standing[part.id]
        verdict = one.result.verdict if one.result is not None and one.state == "stands" else one.state
        yield MatrixRow(risk, threats, node.id, controls, monitors, part.id, part.entity.suite, verdict, one.decision)
    if not criteria:
        yield MatrixRow(risk, threats, node.id, controls, monitors, "", "", "none", "")
