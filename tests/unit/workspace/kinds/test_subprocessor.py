"""Sub-processors: one that runs nothing is warned about."""

from __future__ import annotations

from shipworthy.workspace.load import Workspace


def test_one_that_runs_nothing_is_warned_about(workspace):
    root = workspace({"subprocessors.yaml": "subprocessors:\n  - {id: SUB-host, title: A host, place: EU}\n"})
    [warning] = Workspace.load(root, allow_code=True).warnings
    assert warning.message == "the sub-processor 'SUB-host' runs no component"
    assert (warning.file.name, warning.line) == ("subprocessors.yaml", 2)
