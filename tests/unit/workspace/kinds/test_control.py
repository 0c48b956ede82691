"""Controls: what they refer to must be there."""

from __future__ import annotations

import pytest

from shipworthy.workspace.load import Workspace

CONTROL = "controls:\n  - {{id: CT-one, title: Something, implements: [RQ-one], {}}}\n"
FILES = {
    "guards.yaml": "rules:\n  - {id: GD-rules, use: input_rules}\n",
    "policy.yaml": "tools:\n  send_mail: {effect: external}\n",
    "docs/how.md": "# How\n",
}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("guards: [GD-rules], tools: [send_mail], files: [docs/how.md], process: We look.", ""),
        ("guards: [GD-rule]", "unknown guard 'GD-rule' (did you mean 'GD-rules'?)"),
        ("tools: [send_mial]", "policy.yaml has no rule for 'send_mial' (did you mean 'send_mail'?)"),
        ("files: [docs/hwo.md]", "the control refers to 'docs/hwo.md': there is no such file"),
        ("files: [../secret]", "the control refers to '../secret': it leads out of the workspace"),
        ("files: [/etc/hosts]", "the control refers to '/etc/hosts': it leads out of the workspace"),
        ("files: [docs]", "the control refers to 'docs': is no plain file"),
        ("owner: us", "says nothing of what is done: name guards, tools or files, or describe the process"),
        ("process: '  '", "says nothing of what is done"),
    ],
)
def test_what_it_refers_to(problems, said, expected):
    found = problems({"controls.yaml": CONTROL.format(said), **FILES})
    assert len(found) == bool(expected)
    assert all(line.startswith(f"controls.yaml:2: {expected}") for line in found)


def test_a_link_out_of_the_workspace_is_refused(problems, tmp_path_factory, workspace):
    outside = tmp_path_factory.mktemp("outside") / "how.md"
    outside.write_text("secret")
    (workspace() / "docs").mkdir()
    (workspace() / "docs" / "how.md").symlink_to(outside)
    [found] = problems({"controls.yaml": CONTROL.format("files: [docs/how.md]")})
    assert "leads out of the workspace" in found


def test_tools_without_a_policy(problems):
    [found] = problems({"controls.yaml": CONTROL.format("tools: [send_mail]")})
    assert found == "controls.yaml:2: policy.yaml has no rule for 'send_mail' (there is no policy.yaml with tools)"


def test_a_broken_policy_is_reported_once(problems):
    found = problems({"controls.yaml": CONTROL.format("tools: [send_mail]"), "policy.yaml": "toosl: {}\n"})
    assert found == ["policy.yaml:1: unknown key 'toosl' (did you mean 'tools'?)"]


def test_one_that_implements_nothing_is_warned_about(workspace):
    text = CONTROL.format("process: We look.").replace("[RQ-one]", "[]")
    [warning] = Workspace.load(workspace({"controls.yaml": text}), allow_code=True).warnings
    assert warning.message == "the control 'CT-one' implements nothing"
