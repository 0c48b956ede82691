"""Coverage: which suites measure which risk on which journey, read off the link graph."""

from __future__ import annotations

from typing import NamedTuple

from shipworthy.workspace.graph import Graph


class CoverageCell(NamedTuple):
    """A risk on a journey.

    Attributes:
        critical: whether the journey is; such a cell must be covered.
        suites: that a criterion of a requirement against the risk is tested on; none is a gap.
    """

    journey: str
    risk: str
    critical: bool
    suites: tuple[str, ...]


def coverage(graph: Graph) -> list[CoverageCell]:
    """Return every cell of the journey x risk matrix that the risks name, in the order of the journeys."""
    cells = []
    for journey in graph.of_kind("journey").values():
        for risk in graph.sources(journey, "journeys"):
            criteria = [c for r in graph.sources(risk, "mitigates") for c in graph.parts(r)]
            suites = dict.fromkeys(suite.id for c in criteria for suite in graph.targets(c, "suite"))
            cells.append(CoverageCell(journey.id, risk.id, journey.entity.critical, tuple(suites)))
    return cells
