"""The matrix of journeys and risks."""

from __future__ import annotations

from shipworthy.workspace.coverage import CoverageCell, coverage
from shipworthy.workspace.load import Workspace


def test_a_cell_names_the_suites_that_measure_it(workspace):
    root = workspace({
        "journeys.yaml": "journeys:\n  - {id: UJ-ask, title: Ask, critical: true}\n  - {id: UJ-rest, title: Rest}\n",
        "include/more.yaml": "risks:\n  - {id: RK-two, title: Two, severity: S3, journeys: [UJ-rest, UJ-ask]}\n",
    })  # fmt: skip
    assert coverage(Workspace.load(root, allow_code=True).graph) == [
        CoverageCell("UJ-ask", "RK-one", True, ("talk",)),
        CoverageCell("UJ-ask", "RK-two", True, ()),
        CoverageCell("UJ-rest", "RK-two", False, ()),
    ]


def test_the_templates_critical_journeys_are_covered():
    from shipworthy.workspace.scaffold import TEMPLATES

    cells = coverage(Workspace.load(TEMPLATES / "helpdesk-rag").graph)
    assert len(cells) == 9
    assert all(cell.suites for cell in cells)
