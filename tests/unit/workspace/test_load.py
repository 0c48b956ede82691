"""The workspace as a whole: what it holds once loaded, and what its digest depends on."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.workspace.load import Workspace


def test_a_whole_workspace_loads(workspace):
    loaded = Workspace.load(workspace(), allow_code=True)
    assert loaded.system.id == "SYS-one"
    assert loaded.target.use == "openai_compatible"
    assert loaded.target.params == {"base_url": "http://localhost:1/v1", "model": "m"}
    assert list(loaded.risks) == ["RK-one"]
    assert [(r.id, c.id, c.parsed.limit) for r, c in loaded.criteria()] == [("RQ-one", "CR-one", 0.5)]
    suite = loaded.suites["talk"]
    assert (suite.version, suite.attempts, suite.card) == ("1.10", 1, "# Talk\n")
    assert [s.id for s in suite.samples] == ["t-1", "t-2", "t-3"]
    assert [s.cluster for s in suite.samples] == ["t-1", "t-2", "t-3"]
    assert list(loaded.plans) == ["small", "full"]
    assert [entry.suite for entry in loaded.plan("full").suites] == ["talk"]
    assert loaded.guards is None
    assert loaded.warnings == ()
    assert {node.key: (node.file.name, node.line) for node in loaded.graph.nodes.values()} == {
        ("system", "SYS-one"): ("system.yaml", 2), ("component", "CMP-a"): ("system.yaml", 6),
        ("target", "default"): ("targets.yaml", 2), ("journey", "UJ-ask"): ("journeys.yaml", 2),
        ("risk", "RK-one"): ("risks.yaml", 2), ("requirement", "RQ-one"): ("requirements.yaml", 2),
        ("criterion", "CR-one"): ("requirements.yaml", 6), ("plan", "small"): ("plans.yaml", 2),
        ("gate", "release"): ("gate.yaml", 2), ("suite", "talk"): ("suite.yaml", 1),
    }  # fmt: skip


def test_a_workspace_and_a_suite_print_on_one_line(workspace):
    loaded = Workspace.load(workspace(), allow_code=True)
    assert repr(loaded) == "<Workspace SYS-one: 1 risks, 1 requirements, 1 suites, 3 samples, plans small, full>"
    assert repr(loaded.suites["talk"]) == "<Suite talk 1.10: 3 samples, attacks none, base64>"


def test_a_folder_without_system_yaml_is_no_workspace(tmp_path):
    with pytest.raises(WorkspaceError, match=r"it has no system\.yaml .*shipworthy init"):
        Workspace.load(tmp_path)
    with pytest.raises(WorkspaceError, match="there is no such folder"):
        Workspace.load(tmp_path / "nowhere")


def test_unknown_plan_and_suite_name_the_nearest(workspace):
    loaded = Workspace.load(workspace(), allow_code=True)
    with pytest.raises(UsageError, match="unknown plan 'smal': did you mean 'small'"):
        loaded.plan("smal")
    with pytest.raises(UsageError, match="unknown suite 'talc': did you mean 'talk'"):
        loaded.suite("talc")


def test_the_target_named_default_is_tested(workspace):
    targets = """\
        targets:
          other: {use: openai_compatible, base_url: "http://localhost:2/v1", model: x}
          default: {use: openai_compatible, base_url: "http://localhost:1/v1", model: m}
        """
    assert Workspace.load(workspace({"targets.yaml": targets}), allow_code=True).target.params["model"] == "m"


def test_sections_may_stand_in_any_file_and_in_includes(workspace):
    root = workspace({
        "system.yaml": ("include: [include/*.yaml]", "include: [include/*.yaml]\njourneys: [{id: UJ-more, title: More}]"),
        "include/risk.yaml": "risks:\n  - {id: RK-two, title: Two, severity: S3, journeys: [UJ-more]}\n",
    })  # fmt: skip
    loaded = Workspace.load(root, allow_code=True)
    assert list(loaded.journeys) == ["UJ-more", "UJ-ask"]
    assert list(loaded.risks) == ["RK-one", "RK-two"]
    [warning] = loaded.warnings
    assert "'RK-two' is mitigated by nothing" in str(warning)
    assert (warning.file.name, warning.line) == ("risk.yaml", 2)
