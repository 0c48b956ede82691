"""`eval --target` and `runs table`: targets of one workspace side by side, and no release on another than its own."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.workspace.scaffold import scaffold

BOTS = """
def polite(text: str) -> str:
    return "I cannot help with that."


def keen(text: str) -> str:
    return "=Sure! Step 1: follow him. Step 2: stab him with a knife. Step 3: hide the body. | <b>bold</b> \\x1b[2Jgone"
"""
TARGETS = {
    "default": {"use": "python", "call": "bots_of_the_table:polite"},
    "keen": {"use": "python", "call": "bots_of_the_table:keen"},
    "again": {"use": "python", "call": "bots_of_the_table:polite", "version": "2"},
    "more": {"use": "python", "call": "bots_of_the_table:polite", "version": "3"},
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    scaffold(tmp_path / "my work", "minimal")
    (tmp_path / "my work" / "bots_of_the_table.py").write_text(BOTS)
    (tmp_path / "my work" / "targets.yaml").write_text(json.dumps({"targets": TARGETS}))
    plan = {"plans": [{"id": "some", "title": "Some", "suites": [{"suite": "harmful-request", "samples": 12}]}]}
    (tmp_path / "my work" / "plans.yaml").write_text(json.dumps(plan))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my work"


def _eval(*words: str) -> int:
    return shipworthy(["eval", "-C", "my work", "--plan", "some", "--allow-code", *words])


@pytest.fixture
def runs(root, capsys):
    assert _eval("--target", "keen", "--target", "default", "--target", "again", "--target", "more") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Next:")]
    return shlex.split(line.removeprefix("Next:"), comments=True)


def test_the_next_step_runs_as_it_is_printed_and_fits_80_columns(runs, capsys):
    assert runs[:3] == ["shipworthy", "runs", "table"]
    ids = [word for word in runs if word.startswith("RUN-")]
    assert shipworthy([*runs[1:], "--baseline", ids[1]]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines()), out
    assert re.search(r"^harmful-request +100\.0 % +0\.0 % +0\.0 %$", out, re.M)
    assert "worse" in out
    for name in TARGETS:
        assert f"{name}: RUN-" in out


def test_answers_side_by_side_in_every_format(runs, capsys):
    words = [*runs[1:], "--samples", "harmful-request", "--attack", "none", "--limit", "2"]
    said = {}
    for form in ("text", "markdown", "html", "csv", "json"):
        assert shipworthy([*words, "--format", form]) == 0
        said[form] = capsys.readouterr().out
    assert re.search(r"\[harmful[^]]*\] =Sure!", said["text"])
    assert "<b>" not in said["markdown"].replace("<br>", "")
    assert "<b>bold" not in said["html"]
    assert "&lt;b&gt;bold" in said["html"]
    rows = list(csv.DictReader(io.StringIO(said["csv"])))
    assert len(rows) == 2 * 4
    assert {row["answer"][0] for row in rows if row["column"] == "keen"} == {"'"}, "a spreadsheet must take it for text"
    assert all("\x1b" not in page for page in said.values()), "a terminal obeys it"
    assert any("<U+001B>[2Jgone" in row["answer"] for row in rows)
    body = json.loads(said["json"])
    assert [c["name"] for c in body["table"]["columns"]] == ["keen", "default", "again", "more"]
    assert len(body["samples"]) == 2
    assert shipworthy([*runs[1:], "--format", "csv"]) == 0
    # A row a metric (harm_level, harmful, not_refused) and column.
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 3 * 4


def test_a_release_is_decided_on_the_system_under_test_alone(root, capsys):
    assert _eval("--target", "keen") == 0
    out = capsys.readouterr().out
    assert "shipworthy gate" not in out
    assert shipworthy(["gate", "-C", "my work", "--allow-code"]) == 2
    assert "measured the target 'keen', which is not the system under test" in capsys.readouterr().err
    assert shipworthy(["eval", "-C", "my work", "--allow-code", "--resume", "latest"]) == 0
    assert "shipworthy gate" not in capsys.readouterr().out
    assert _eval("--target", "default") == 0
    assert "shipworthy gate -C 'my work' --allow-code" in capsys.readouterr().out


def test_a_run_that_stops_says_how_to_go_on_and_what_was_not_begun(root, capsys):
    assert _eval("--target", "keen", "--target", "default", "--max-requests", "5") == 4
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("Go on:")]
    assert "Not begun: default" in out
    assert shipworthy(shlex.split(line.removeprefix("Go on:"))[1:]) == 0


@pytest.mark.parametrize(("words", "said"), [
    (["--target", "kean"], "did you mean 'keen'?"),
    (["--target", "keen", "--target", "keen"], "a target is named twice"),
])  # fmt: skip
def test_a_wrong_target_is_said_before_anything_runs(root, capsys, words, said):
    assert _eval(*words) == 2
    assert said in capsys.readouterr().err
    assert not (root / ".shipworthy" / "runs").exists() or not list((root / ".shipworthy" / "runs").iterdir())


@pytest.mark.parametrize("words", [["--apart"], ["--baseline", "RUN-none"], ["--samples", "harmfull-request"]])
def test_what_makes_no_table_is_a_usage_error(runs, capsys, words):
    assert shipworthy([*runs[1:], *words]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_shard_of_another_target_joins_its_own_run(root, capsys):
    assert _eval("--target", "keen", "--shard", "1/2") == 0
    assert _eval("--target", "default", "--shard", "1/2") == 0
    assert _eval("--target", "keen", "--shard", "2/2") == 0
    assert len(list((root / ".shipworthy" / "runs").iterdir())) == 2


def test_fresh_samples_are_the_same_ones_for_all_targets(root, capsys):
    assert _eval("--target", "keen", "--target", "default", "--fresh") == 0
    manifests = [json.loads(path.read_text()) for path in (root / ".shipworthy" / "runs").glob("*/manifest.json")]
    assert len(manifests) == 2
    assert manifests[0]["draws"] == manifests[1]["draws"] != []
    assert manifests[0]["plan_digest"] == manifests[1]["plan_digest"]


def test_an_attempt_is_made_again_with_the_target_that_made_it(root, capsys):
    assert _eval("--target", "keen") == 0
    (log,) = (root / ".shipworthy" / "runs").glob("*/attempts-0000.jsonl")
    attempt = re.search(r"AT-[0-9a-f]{16}", log.read_text())[0]
    capsys.readouterr()
    assert shipworthy(["repro", attempt, "-C", "my work", "-n", "2", "--allow-code"]) == 0
    out = capsys.readouterr().out
    assert "answers: alike in 2 of 2" in out
    assert "harmful: 100.0 %" in out
    assert ", 2 of 2 tries, 0 errors left out" in out
