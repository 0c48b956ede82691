"""Policy packs: a workspace may tighten what it inherits and never loosen it; both places are named."""

# ruff: noqa: E501 - a row is one line
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import WorkspaceError
from shipworthy.release.weaker import weakened
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

PACK = """\
pack: {id: PP-acme, title: What every product of Acme holds, owner: office-of-ai}
inherits: [base.yaml]
criteria:
  - {id: PC-secret, suite: secret-leakage, metric: leak, must: upper95 <= 0.10, severity: S1}
  - {id: PC-open, suite: over-refusal, must: upper95 <= 0.50, tiers: [low, high]}
gate: {max_error_rate: 0.05}
tiers:
  - {id: high, approvals: 2, evidence_days: 60, accepts: S2}
waivers: {ceiling: S3, days: 60}
rights: {approve: S1, override: S2, accept: S2}
guards:
  - {use: canary_output}
"""
BASE = "pack: {id: PP-base, title: What holds everywhere}\nguards: [{use: pii_output, tiers: [high]}]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "policy").mkdir()
    (tmp_path / "repository" / "policy" / "acme.yaml").write_text(PACK)
    (tmp_path / "repository" / "policy" / "base.yaml").write_text(BASE)
    made = tmp_path / "repository" / "desk"
    scaffold(made, "helpdesk-rag")
    system = made / "system.yaml"
    system.write_text("inherits: [../policy/acme.yaml]\n" + system.read_text())
    return made


def change(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))


def problems(root: Path) -> list[str]:
    return [str(problem).replace(f"{root.parent}/", "") for problem in Workspace.inspect(root)[1]]


def test_a_workspace_that_keeps_to_what_it_inherits(root: Path) -> None:
    assert [one.pack.pack.id for one in Workspace.load(root).packs] == ["PP-acme", "PP-base"]


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "said", "asked"),
    [
        ("requirements.yaml", "upper95 <= 0.06", "upper95 <= 0.12", "requirements.yaml:31", "upper95 <= 0.12 is less strict than upper95 <= 0.10", "acme.yaml:4"),
        ("requirements.yaml", "<= 0.06, severity: S1", "<= 0.06, severity: S2", "requirements.yaml:31", "its severity is S2", "acme.yaml:4"),
        ("gate.yaml", "criteria: all", "criteria: [CR-open]", "requirements.yaml:31", "the gate leaves it out", "acme.yaml:4"),
        ("requirements.yaml", "metric: over_refusal, must: upper95 <= 0.35", "metric: over_refusal, must: lower95 >= 0.35", "requirements.yaml:23", "of another sort", "acme.yaml:5"),
        ("gate.yaml", "0.05", "0.10", "gate.yaml:5", "at most 0.05 is inherited", "acme.yaml:6"),
        ("roles.yaml", "approvals: 2", "approvals: 1", "roles.yaml:8", "2 are inherited", "acme.yaml:8"),
        ("roles.yaml", ", evidence_days: 30", "", "roles.yaml:8", "60 are inherited", "acme.yaml:8"),
        ("roles.yaml", "accepts: S2}", "accepts: S1}", "roles.yaml:8", "at most S2 is inherited", "acme.yaml:8"),
        ("roles.yaml", "accept: S3", "accept: S1", "roles.yaml:4", "RO-safety may accept up to S1", "acme.yaml:10"),
        ("guards.yaml", "use: canary_output", "use: canary_output\n    mode: shadow", "guards.yaml:10", "is in the mode shadow", "acme.yaml:12"),
        ("guards.yaml", "use: pii_output", "use: input_rules", "guards.yaml:5", "no rule uses the guard pii_output", "base.yaml:2"),
    ],
)  # fmt: skip
def test_what_is_loosened_is_named_with_both_places(
    root: Path, name: str, old: str, new: str, where: str, said: str, asked: str
) -> None:
    change(root, name, old, new)
    found = [line for line in problems(root) if said in line]
    assert found, problems(root)
    assert found[0].startswith(f"desk/{where}: ") and f"policy/{asked}; a product may tighten it" in found[0]
    with pytest.raises(WorkspaceError):
        Workspace.load(root)


def test_waivers_and_what_is_not_tested_at_all(root: Path) -> None:
    (root / "include" / "waivers.yaml").write_text(
        "waivers:\n  - {id: WV-1, risks: [RK-injection], reason: A trial, compensating: Few people,\n"
        "     accepted_by: RO-director, by: hanna.oduya, ceiling: S2, begins: 2026-11-01, expires: 2027-01-29}\n"
    )
    said = "\n".join(problems(root))
    assert "WV-1 accepts up to S2, and at most S3 is inherited" in said
    assert "WV-1 runs for 89 days, and at most 60 are inherited" in said
    change(root, "requirements.yaml", "suite: secret-leakage", "suite: pii-leakage")
    assert "what is inherited is not tested: no criterion on leak of the suite secret-leakage" in "\n".join(
        problems(root)
    )


def test_a_pack_lies_in_the_repository_and_nowhere_else(root: Path) -> None:
    elsewhere = root.parents[1] / "elsewhere.yaml"
    elsewhere.write_text(BASE)
    for name, said in (
        ("../../elsewhere.yaml", "no policy pack is read from there"),
        ("../policy/gone.yaml", "there is no file 'gone.yaml' there"),
        ("../policy/acme.txt", "no policy pack is read from there"),
    ):
        text = (root / "system.yaml").read_text().split("\n", 1)[1]
        (root / "system.yaml").write_text(f"inherits: [{name}]\n{text}")
        assert any(said in line and "system.yaml:1" in line for line in problems(root)), problems(root)
    (root.parent / "policy" / "link.yaml").symlink_to(elsewhere)
    (root / "system.yaml").write_text(f"inherits: [../policy/link.yaml]\n{text}")
    assert any("no policy pack is read from there" in line for line in problems(root))


def test_a_pack_that_is_inherited_no_longer_makes_the_gate_weaker(root: Path) -> None:
    old = root.parent / "old"
    shutil.copytree(root, old)
    text = (root / "system.yaml").read_text().split("\n", 1)[1]
    (root / "system.yaml").write_text(text)
    found = weakened(Workspace.load(old), Workspace.load(root))
    assert [one.what for one in found] == ["pack PP-acme", "pack PP-base"]


def test_the_schema_of_a_pack(capsys: pytest.CaptureFixture[str]) -> None:
    assert shipworthy(["schema", "policy-pack"]) == 0
    assert '"waivers"' in capsys.readouterr().out
