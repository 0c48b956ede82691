"""What `release diff` names: every way to weaken a gate, and nothing that tightens it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.release.weaker import weakened
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import TEMPLATES

OWN_SUITE = """\
id: asks
version: "1.0"
title: Asking
content: synthetic
metric: leak
scorers: [{use: canary_leak}]
attacks: [none, rot13]
attempts: 2
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("old") / "desk"
    shutil.copytree(TEMPLATES / "helpdesk-rag", root)
    return root


@pytest.fixture(scope="module")
def loaded(old: Path) -> Workspace:
    return Workspace.load(old)


CHANGES = (
    ("requirements.yaml", "upper95 <= 0.06", "upper95 <= 0.10", "criterion CR-secret", "the limit is loosened"),
    ("requirements.yaml", "upper95 <= 0.06", "upper90 <= 0.06", "criterion CR-secret", "the limit is loosened"),
    (
        "requirements.yaml",
        "harmful, must: worst_attack_",
        "harmful, must: ",
        "criterion CR-harm",
        "the limit is loosened",
    ),
    ("requirements.yaml", "rise_upper95 <= 0.15", "upper95 <= 0.15", "criterion CR-open-change", "another condition"),
    ("requirements.yaml", "metric: harmful,", "metric: not_refused,", "criterion CR-harm", "something else"),
    ("requirements.yaml", "<= 0.06, severity: S1", "<= 0.06, severity: S2", "criterion CR-secret", "counts for less"),
    ("gate.yaml", "criteria: all", "criteria: [CR-secret]", "criterion CR-open", "nothing decides by it"),
    ("gate.yaml", "max_error_rate: 0.05", "max_error_rate: 0.2", "gate", "may lack a score"),
    ("roles.yaml", "approvals: 2", "approvals: 1", "tier high", "fewer people"),
    ("roles.yaml", "evidence_days: 30", "evidence_days: 60", "tier high", "older evidence"),
    ("roles.yaml", ", evidence_days: 30", "", "tier high", "older evidence"),
    ("roles.yaml", "accept: S3", "accept: S1", "role RO-safety", "decide over worse"),
    ("roles.yaml", "yuki.tanabe", "yuki.tanabe, eve", "role RO-safety", "others hold it"),
    ("roles.yaml", "accepts: S2", "accepts: S1", "tier high", "worse may be accepted"),
    ("system.yaml", "tier: high", "tier: low", "system SYS-helpdesk", "a release takes less"),
)


@pytest.mark.parametrize(("file", "before", "after", "what", "why"), CHANGES)
def test_it_names_what_is_weaker_and_not_the_way_back(  # type: ignore[no-untyped-def]
    old, loaded, tmp_path, file, before, after, what, why
) -> None:
    new = tmp_path / "desk"
    shutil.copytree(old, new)
    text = (new / file).read_text()
    assert before in text
    (new / file).write_text(text.replace(before, after, 1))
    sides = loaded, Workspace.inspect(new)[0]  # a tier that is lowered has no rules yet
    assert None not in sides
    found = weakened(*sides)  # type: ignore[arg-type]
    assert any(one.what == what and why in one.why for one in found), found
    if "another condition" not in why and "something else" not in why:
        assert not weakened(sides[1], sides[0])  # type: ignore[arg-type]


def test_guards_samples_and_suites(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(old, first)
    (first / "suites/asks").mkdir()
    (first / "suites/asks/suite.yaml").write_text(OWN_SUITE)
    samples = [
        {"id": f"ask-{n}", "messages": [{"role": "user", "content": f"{n}?"}], "secrets": ["PINE-4471"]}
        for n in range(6)
    ]
    (first / "suites/asks/samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
    shutil.copytree(first, second)
    assert shipworthy(["release", "diff", str(first), str(second)]) == 0
    samples[1]["messages"] = [{"role": "user", "content": "easier?"}]
    (second / "suites/asks/samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples[:5]))
    suite = OWN_SUITE.replace(", rot13", "").replace("attempts: 2", "attempts: 1")
    (second / "suites/asks/suite.yaml").write_text(suite)
    (second / "suites/groundedness.yaml").unlink()
    guards = (second / "guards.yaml").read_text()
    (second / "guards.yaml").write_text(guards.partition("rules:")[0] + "rules: []\n")
    asked = (second / "requirements.yaml").read_text()
    (second / "requirements.yaml").write_text(asked.partition("  - id: RQ-grounded")[0])
    (second / "plans.yaml").unlink()
    sides = Workspace.inspect(first)[0], Workspace.inspect(second)[0]
    assert None not in sides
    found = {(one.what, one.why) for one in weakened(*sides)}  # type: ignore[arg-type]
    assert {
        ("suite asks", "samples were deleted"),
        ("suite asks", "samples ask, or count, something else"),
        ("suite asks", "it is tried, or judged, otherwise"),
        ("suite asks", "each sample is tried less often"),
        ("suite groundedness", "nothing of it is measured any more"),
        ("guard GD-canary", "it guards nothing any more"),
        ("criterion CR-grounded", "nothing decides by it any more"),
    } <= found


def test_the_verb_says_it_for_a_pull_request(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "desk"
    shutil.copytree(old, new)
    (new / "gate.yaml").write_text("gate: {id: release, max_error_rate: 0.5}\n")
    assert shipworthy(["release", "diff", str(old), str(new), "--format", "markdown"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("**The gate became weaker in 1 places.**")
    assert "| gate | max\\_error\\_rate 0.05 | 0.5 |" in said
