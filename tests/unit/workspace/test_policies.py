"""The policy file of a workspace: what is wrong in it is told with its place, and it links to requirements."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.load import Workspace


def test_a_workspace_without_one_has_none(workspace):
    assert Workspace.load(workspace(), allow_code=True).policy is None


def test_it_is_read_and_hashed_with_the_files(workspace):
    root = workspace({"policy.yaml": "tools: {send: {effect: external, args: {to: recipient}}}"})
    loaded = Workspace.load(root, allow_code=True)
    assert loaded.policy.tools["send"].args["to"].kind == "recipient"
    assert "policy.yaml" in {file.path for file in loaded.files}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tools:\n  a: {effect: outside}", "policy.yaml:2: 'effect' must be 'none', 'internal', 'external'"),
        ("tools: {}\nimplements: [RQ-nowhere]", "policy.yaml:2: "),
        ("tools:\n  a: {effect: none}\n  a: {effect: none}", "policy.yaml:3: "),
    ],
)
def test_what_is_wrong_is_told(workspace, text, said):
    with pytest.raises(WorkspaceError) as caught:
        Workspace.load(workspace({"policy.yaml": text}))
    assert said in str(caught.value)
