"""The trace matrix: a line for each criterion, and for each gap."""

from __future__ import annotations

from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.matrix import MatrixRow, matrix_rows
from shipworthy.workspace.load import Workspace


def test_every_line_and_every_gap(gated):
    (gated.root / "threats.yaml").write_text(
        "threats: [{id: THR-a, title: A, risks: [RK-leak]}]\n"
        "risks: [{id: RK-bare, title: Bare, severity: S3}]\n"
        "controls:\n  - {id: CT-a, title: A, implements: [RQ-safe], process: P}\n"
        "  - {id: CT-b, title: B, implements: [RQ-safe], process: P, status: planned}\n"
        'monitors: [{id: MON-a, title: A, metric: m, must: "< 1", window: 1d, watches: [RQ-safe]}]\n'
    )
    graph = Workspace.load(gated.root, allow_code=True).graph
    standing = {n.id: CriterionStanding(n.id, "none", "x") for n in graph.of_kind("criterion").values()}
    assert matrix_rows(graph, standing) == [
        MatrixRow("RK-leak", ("THR-a",), "RQ-safe", ("CT-a",), ("MON-a",), "CR-leak", "leak", "none", ""),
        MatrixRow("RK-bare", (), "", (), (), "", "", "none", ""),
        MatrixRow("", (), "RQ-useful", (), (), "CR-help", "help", "none", ""),
        MatrixRow("", (), "RQ-useful", (), (), "CR-drop", "help", "none", ""),
    ]
