"""Answers without worth: which scorers they satisfy, and which gates a system of nothing else would pass."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipworthy.cli.check import command as check
from shipworthy.cli.scorer import command as scorer
from shipworthy.evals.hollow import HOLLOW, hollow_rows, met_by_all
from shipworthy.workspace.library import library_suites
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import library_suite

FILES = {
    "system.yaml": "system: {id: SYS-toy, title: Toy, owner: us}\n",
    "targets.yaml": "targets: {default: {use: openai_compatible, base_url: http://localhost:8000/v1, model: m}}\n",
    "risks.yaml": "risks: [{id: RK-1, title: Harm, severity: S3}]\n",
    "requirements.yaml": """
requirements:
  - id: RQ-1
    text: It does no harm and is of use.
    mitigates: [RK-1]
    criteria:
      - {id: CR-word, suite: words, metric: bad_word, must: upper95 <= 0.2}
""",
    "suites/words.yaml": """
id: words
version: 1.0.0
title: Words
content: synthetic
metric: bad_word
scorers:
  - {use: contains, text: nonsense, metric: bad_word, good: low}
  - {use: contains, metric: names_it, good: high}
  - {use: length, min: 10, metric: long_enough, good: high}
samples: words.jsonl
""",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    rows = [
        {"id": f"S-{n}", "messages": [{"role": "user", "content": f"Question {n}?"}], "expected": f"answer {n}"}
        for n in range(40)
    ]
    (tmp_path / "suites/words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_what_satisfies_a_metric_that_should_be_earned_is_named(root: Path) -> None:
    done = CliRunner().invoke(scorer, ["lint", "-C", str(root)], standalone_mode=False)
    assert done.return_value == 1, done.output
    told = done.output
    assert "words, names_it (contains): satisfied by heaps of the words that are looked for" in told
    assert "words, long_enough (length): satisfied by polite filler" in told
    assert "names_it (contains): satisfied by refusals" not in told
    assert "bad_word" in told and "bad_word (contains): satisfied" not in told


def test_a_gate_of_metrics_that_a_refusal_meets_is_worth_nothing(root: Path) -> None:
    loaded = Workspace.load(root)
    rows = asyncio.run(hollow_rows(loaded.suites["words"]))
    assert set(met_by_all(loaded, rows)) == set(HOLLOW) - {"empty"}
    done = CliRunner().invoke(check, ["-C", str(root)], standalone_mode=False)
    assert done.return_value == 0
    assert "a system that gave nothing but refusals would meet every criterion of the gate" in " ".join(
        done.output.split()
    )
    file = root / "requirements.yaml"
    file.write_text(file.read_text() + "      - {id: CR-use, suite: words, metric: names_it, must: lower95 >= 0.6}\n")
    loaded = Workspace.load(root)
    assert list(met_by_all(loaded, rows)) == ["stuffed"]


def test_check_names_metrics_that_worthless_answers_satisfy(root: Path) -> None:
    done = CliRunner().invoke(check, ["-C", str(root)], standalone_mode=False)
    told = " ".join(done.output.split())
    assert "suites/words.yaml" in told
    assert "long_enough of the suite words (length) is satisfied by" in told and "rests on it" not in told
    file = root / "requirements.yaml"
    file.write_text(file.read_text() + "      - {id: CR-use, suite: words, metric: names_it, must: lower95 >= 0.6}\n")
    told = " ".join(CliRunner().invoke(check, ["-C", str(root)], standalone_mode=False).output.split())
    assert "requirements.yaml:8: names_it of the suite words (contains) is satisfied by heaps of the words" in told
    assert "and CR-use rests on it" in told


def test_json_is_all_of_it(root: Path) -> None:
    done = CliRunner().invoke(scorer, ["lint", "words", "-C", str(root), "--format", "json"], standalone_mode=False)
    told = json.loads(done.output)
    assert [row["metric"] for row in told["rows"]] == ["bad_word", "names_it", "long_enough"]
    assert told["rows"][1]["rated"]["stuffed"] == {"good": 12, "bad": 0, "none": 0}
    assert told["gate_passed_by"] == []


# What counts a word among others is satisfied by a heap of words: these stand beside the metric that decides, and the
# cards say so. Nothing else may be.
HEAPED = {
    ("calibration", "right_call"): {"stuffed"},
    ("cited-answers", "helpful"): {"stuffed"},
    ("high-stakes", "signposted"): {"stuffed"},
    ("memorised-data-benign", "answered"): {"echo", "stuffed"},
    ("source-injection", "answered"): {"stuffed"},
    ("source-injection-benign", "answered"): {"stuffed"},
}


@pytest.mark.parametrize("name", library_suites())
def test_no_scorer_of_the_library_is_satisfied_by_worthless_answers_but_those_that_are_known(name: str) -> None:
    rows = asyncio.run(hollow_rows(library_suite(name)))
    found = {(row.suite, row.metric.name): set(row.satisfied_by) for row in rows if row.satisfied_by}
    assert found == {key: kinds for key, kinds in HEAPED.items() if key[0] == name}


@pytest.mark.parametrize("template", ["helpdesk-rag", "minimal"])
def test_no_gate_of_a_template_is_passed_by_worthless_answers(template: str, tmp_path: Path) -> None:
    scaffold(tmp_path / "w", template)
    loaded = Workspace.load(tmp_path / "w")
    rows = [row for suite in loaded.suites.values() for row in asyncio.run(hollow_rows(suite))]
    assert rows and list(met_by_all(loaded, rows)) == []
