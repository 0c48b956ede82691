"""The list of what must be unchanged: every file that is read, by its bytes; operational settings may change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shipworthy.core.digests import bytes_digest
from shipworthy.core.records import SafetyFile
from shipworthy.workspace.files import changed
from shipworthy.workspace.load import Workspace


def files(root: Path) -> dict[str, SafetyFile]:
    return {file.path: file for file in Workspace.load(root, allow_code=True).files}


def test_every_file_that_is_read_is_on_the_list_with_the_digest_of_its_bytes(gated: Any) -> None:
    gated.edit("system.yaml", "owner: us}", "owner: us}\ninclude: ['more/*.yaml']")
    for name, text in {
        "more/a.yaml": "risks: [{id: RK-a, title: A, severity: S3}]",
        "more/nothing.yaml": "include: []",
        "guards.yaml": "rules: []",
        "guards-strict.yaml": "rules: []",
        "notes.txt": "read by nobody",
        "unread.yaml": "a: 1",
        "plugins/_helper.py": "X = 1",
    }.items():
        path = gated.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    found = files(gated.root)
    assert sorted(found) == [
        "guards-strict.yaml", "guards.yaml", "more/a.yaml", "more/nothing.yaml", "plans.yaml", "plugins/_helper.py",
        "plugins/gate_flag.py", "requirements.yaml", "risks.yaml", "suites/help/card.md", "suites/help/samples.jsonl",
        "suites/help/suite.yaml", "suites/leak/card.md", "suites/leak/samples.jsonl", "suites/leak/suite.yaml",
        "system.yaml", "targets.yaml",
    ]  # fmt: skip
    for name, file in found.items():
        assert file.sha256 == bytes_digest((gated.root / name).read_bytes())
    assert [name for name, file in found.items() if file.meaning] == ["targets.yaml"]


def test_a_broken_workspace_has_no_list(gated: Any) -> None:
    gated.edit("risks.yaml", "S2", "S9")
    found, problems = Workspace.inspect(gated.root, allow_code=True)
    assert problems
    assert found is None or found.files == ()


@pytest.mark.parametrize(
    ("setting", "same"),
    [
        ("timeout: 5", True),
        ("retries: 9", True),
        ("concurrency: 2", True),
        ("requests_per_minute: 60", True),
        ("price: {input: 1, output: 2}", True),
        ("shows_reasoning: true", False),
        ("temperature: 0.5", False),
        ("system: Be kind.", False),
        ("max_tokens: 9", False),
    ],
)
def test_what_may_change_of_a_target_is_not_its_meaning(gated: Any, setting: str, same: bool) -> None:
    before = Workspace.load(gated.root, allow_code=True).files
    gated.edit("targets.yaml", "model: m", f"model: m, {setting}")
    after = Workspace.load(gated.root, allow_code=True).files
    assert (changed(before, after) == []) is same


def test_beside_targets_all_of_the_file_counts(gated: Any) -> None:
    gated.edit("targets.yaml", "targets:", "risks: [{id: RK-x, title: X, severity: S3}]\ntargets:")
    before = files(gated.root)
    gated.edit("targets.yaml", "title: X, severity: S3", "title: X, severity: S4")
    assert len(changed(list(before.values()), list(files(gated.root).values()))) == 1


def test_a_change_is_told_by_name_with_both_digests() -> None:
    one, two = SafetyFile(path="a.yaml", sha256="sha256:1"), SafetyFile(path="b.yaml", sha256="sha256:2")
    other = SafetyFile(path="a.yaml", sha256="sha256:3")
    assert changed([one], [one]) == []
    assert changed([one], [other]) == ["a.yaml: recorded with sha256:1, and there is sha256:3"]
    assert changed([one, two], [one]) == ["b.yaml: recorded with sha256:2, and it is not there or no longer read"]
    assert changed([one], [one, two]) == ["b.yaml: not recorded, and there is sha256:2"]
    # Two files without a meaning are not the same for that.
    assert not one.same(other)
