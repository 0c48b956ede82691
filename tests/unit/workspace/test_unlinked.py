"""What nothing links to is warned about, unless what should link to it could not be read."""

from __future__ import annotations

from shipworthy.workspace.load import Workspace

ASSETS = "assets:\n  - {id: AST-a, title: A}\n"


def warnings(root):
    loaded, _ = Workspace.inspect(root, allow_code=True)
    return [w.message for w in loaded.warnings]


def test_it_is_said_once_all_is_read(workspace):
    root = workspace({"assets.yaml": ASSETS})
    assert warnings(root) == ["no threat is after the asset 'AST-a'"]
    workspace({"assets.yaml": ASSETS, "threats.yaml": "threats:\n  - {id: THR-a, tilte: A, assets: [AST-a]}\n"})
    assert warnings(root) == []  # the threat is broken, which is reported
