"""Assets: what a threat is after."""

from __future__ import annotations

from shipworthy.workspace.load import Workspace

ASSETS = "assets:\n  - {id: AST-money, title: Money, components: [CMP-a], severity: S1}\n"
THREAT = "threats:\n  - {id: THR-a, title: Theft, assets: [AST-money], risks: [RK-one]}\n"


def test_one_that_nobody_is_after_is_warned_about(workspace):
    root = workspace({"assets.yaml": ASSETS})
    assert [w.message for w in Workspace.load(root, allow_code=True).warnings] == [
        "no threat is after the asset 'AST-money'"
    ]
    workspace({"assets.yaml": ASSETS, "threats.yaml": THREAT})
    assert Workspace.load(root, allow_code=True).warnings == ()
