"""Clauses of policies: a requirement carries them out, and they decide nothing."""

from __future__ import annotations

from shipworthy.workspace.load import Workspace

CLAUSES = (
    "clauses:\n  - {id: POL-AI-4.2, title: Short answers, source: House rules 4.2, refs: [eu-ai-act:Art15@2024]}\n"
)


def test_one_that_nothing_carries_out_is_warned_about(workspace):
    root = workspace({"clauses.yaml": CLAUSES})
    assert [w.message for w in Workspace.load(root, allow_code=True).warnings] == [
        "no requirement carries out the clause 'POL-AI-4.2'"
    ]


def test_naming_one_makes_no_evidence_stale(workspace):
    before = Workspace.load(workspace(), allow_code=True).spec_digest("small")
    named = ("mitigates: [RK-one]", "mitigates: [RK-one]\n    clauses: [POL-AI-4.2]")
    loaded = Workspace.load(workspace({"clauses.yaml": CLAUSES, "requirements.yaml": named}), allow_code=True)
    assert loaded.warnings == ()
    assert [n.id for n in loaded.graph.targets(loaded.graph.node("requirement", "RQ-one"), "clauses")] == ["POL-AI-4.2"]
    assert loaded.spec_digest("small") == before
