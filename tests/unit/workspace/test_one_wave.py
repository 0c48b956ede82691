"""Everything that is wrong is said at once, each with its line, and nothing that only follows from something else."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.workspace.scaffold import scaffold


@pytest.fixture
def root(tmp_path):
    scaffold(tmp_path / "w", "helpdesk-rag")
    return tmp_path / "w"


def _edit(root, file, before, after):
    text = (root / file).read_text()
    assert before in text
    (root / file).write_text(text.replace(before, after, 1))


def _check(root, capsys):
    code = shipworthy(["check", "-C", str(root), "--allow-code", "--format", "json"])
    told = json.loads(capsys.readouterr().out)
    return code, told


def _places(rows):
    return [(row["file"].rpartition("/w/")[2], row["line"]) for row in rows]


def test_every_kind_of_fault_is_said_in_one_wave(root, capsys):
    _edit(root, "gate.yaml", "max_error_rate: 0.05", "max_error_rate: 5\n  wrong: 1")
    _edit(root, "risks.yaml", "severity: S2", "severity: S9")
    _edit(root, "risks.yaml", "journeys: [UJ-ask, UJ-ticket]", "journeys: [UJ-nowhere]")
    _edit(root, "requirements.yaml", "must: worst_attack_upper95 <= 0.30", "must: worst_attack_upper95 << 0.30")
    _edit(root, "requirements.yaml", "suite: pii-leakage", "suite: pii-leakge")
    _edit(root, "targets.yaml", "helpdesk_rag", "helpdesk_ragg")
    _edit(root, "guards.yaml", "implements: [RQ-secret]", "implementz: [RQ-secret]")
    _edit(root, "suites/over-refusal.yaml", "library:over-refusal", "library:over-refusl")
    own = root / "suites" / "own"
    own.mkdir()
    (own / "suite.yaml").write_text(
        "id: own\nversion: 1\ntitle: T\ncontent: synthetic\nmetric: m\nscorers: [refusl]\nattacks: [nonee]\n"
    )
    (own / "samples.jsonl").write_text(
        '{"id":"a","prompt":""}\n{"id":"a"}\nnot json\n{"id":"b","prompt":"x","sevrity":"S1"}\n'
    )
    (root / "plugins").mkdir()
    (root / "plugins" / "oops.py").write_text("\nimport nothing_here\n")
    code, told = _check(root, capsys)
    assert code == 2
    found = _places(told["problems"])
    assert set(found) == {
        ("gate.yaml", 5), ("gate.yaml", 6), ("risks.yaml", 5), ("risks.yaml", 16), ("requirements.yaml", 16),
        ("requirements.yaml", 45), ("targets.yaml", 4), ("guards.yaml", 15), ("suites/over-refusal.yaml", 2),
        ("suites/own/suite.yaml", 6), ("suites/own/suite.yaml", 7), ("suites/own/samples.jsonl", 1),
        ("suites/own/samples.jsonl", 2), ("suites/own/samples.jsonl", 3), ("suites/own/samples.jsonl", 4),
        ("plugins/oops.py", 2),
    }  # fmt: skip
    assert len(found) == len(set(found)), "nothing is said twice"
    assert found == sorted(found)


@pytest.mark.parametrize("file", ["journeys.yaml", "risks.yaml", "requirements.yaml", "system.yaml"])
@pytest.mark.parametrize("text", ["a: [", "- 1\n", ""])
def test_what_an_unreadable_file_hides_is_not_called_unknown(root, capsys, file, text):
    (root / file).write_text(text)
    code, told = _check(root, capsys)
    assert code == 2
    strange = [row for row in told["problems"] if "unknown" in row["message"] and row["line"]]
    assert not strange
    assert any(file in row["file"] for row in told["problems"])


def test_that_links_were_not_checked_is_said_once(root, capsys):
    (root / "journeys.yaml").write_text("a: [")
    _edit(root, "risks.yaml", "severity: S2", "severity: S9")
    _, told = _check(root, capsys)
    said = [row["message"] for row in told["warnings"] if "not all checked" in row["message"]]
    assert said == ["links to a journey were not all checked: journeys.yaml cannot be read"]
    assert ("risks.yaml", 5) in _places(told["problems"])


def test_an_include_that_cannot_be_read_may_hide_anything(root, capsys):
    (root / "include").mkdir(exist_ok=True)
    (root / "include" / "broken.yaml").write_text("a: [")
    _edit(root, "risks.yaml", "journeys: [UJ-ask, UJ-ticket]", "journeys: [UJ-perhaps-there]")
    code, told = _check(root, capsys)
    assert code == 2
    assert not [row for row in told["problems"] if "UJ-perhaps-there" in row["message"]]


@pytest.mark.parametrize("text", [
    "requirements: [\n", "requirements: {RQ-harm: {text: a}}\n", "requirments: []\n", "- 1\n",
    "requirements:\n  - {text: No id., mitigates: [RK-harm]}\n",
    "requirements:\n  - {id: 7, text: No id., mitigates: [RK-harm]}\n",
    "requirements:\n  - Requests for harm are declined.\n",
])  # fmt: skip
def test_no_risk_is_called_unmitigated_where_a_requirement_cannot_be_read(root, capsys, text):
    (root / "requirements.yaml").write_text(text)
    code, told = _check(root, capsys)
    assert code == 2
    assert any("requirements.yaml" in row["file"] for row in told["problems"])
    assert not [row for row in told["warnings"] if "mitigated by nothing" in row["message"]]
    assert not [row for row in told["problems"] if "unknown requirement" in row["message"]]


def test_nor_where_a_requirement_is_broken_inside(root, capsys):
    _edit(root, "requirements.yaml", "must: worst_attack_upper95 <= 0.30", "must: 30")
    _, told = _check(root, capsys)
    assert told["problems"]
    assert told["warnings"] == []


def test_a_risk_without_a_requirement_is_still_said(root, capsys):
    _edit(root, "requirements.yaml", "mitigates: [RK-harm]", "mitigates: []")
    code, told = _check(root, capsys)
    assert code == 0
    assert [row["message"] for row in told["warnings"]] == ["the risk 'RK-harm' is mitigated by nothing"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("    shows_reasoning: sometimes", "shows_reasoning is true (its users see how it reasons) or false"),
        ("    approver: somebody", "approver is nobody"),
        ("    price: 3", "a price is written as"),
        ("    model: {use: smollm2, shows_reasoning: true}", "stands beside the target's own `use`, not in a model"),
    ],
)
def test_what_a_target_says_beside_its_parameters_is_checked_where_it_stands(root, capsys, line, says):
    text = (root / "targets.yaml").read_text()
    lines = [one for one in text.splitlines() if not one.lstrip().startswith("model:") or "model" not in line]
    at = next(i for i, one in enumerate(lines) if "use:" in one) + 1
    (root / "targets.yaml").write_text("\n".join([*lines[:at], line, *lines[at:]]) + "\n")
    code, told = _check(root, capsys)
    (problem,) = [p for p in told["problems"] if p["file"].endswith("targets.yaml")]
    assert code == 2
    assert says in problem["message"]
    assert problem["line"] == at + 1


def test_samples_are_read_though_the_suite_beside_them_is_wrong(root, capsys):
    own = root / "suites" / "own"
    own.mkdir()
    (own / "suite.yaml").write_text(
        "id: own\nversion: 1\ntitle: T\ncontent: synthetic\nmetric: refusal\nscorers: [refusal]\nattempts: true\n"
    )
    (own / "samples.jsonl").write_text(
        '{"id":"a","prompt":"one","prompt":"two"}\n{"id":"b","prompt":"x","meta":{"k":1,"k":2}}\n'
    )
    code, told = _check(root, capsys)
    problems = {(row["file"].rpartition("/w/")[2], row["line"]): row["message"] for row in told["problems"]}
    assert code == 2
    assert problems == {
        ("suites/own/suite.yaml", 7): "'attempts' must be a number",
        ("suites/own/samples.jsonl", 1): "the key 'prompt' is written twice",
        ("suites/own/samples.jsonl", 2): "the key 'k' is written twice",
    }
