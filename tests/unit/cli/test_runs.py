from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy

_spec = importlib.util.spec_from_file_location("_eval_cases", Path(__file__).with_name("test_eval.py"))
_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cases)
folder = _cases.folder


@pytest.fixture
def run(capsys):
    shipworthy(["eval", "--no-guards"])
    capsys.readouterr()


def test_runs_are_listed_oldest_first(run, folder, capsys):
    shipworthy(["eval", "--max-requests", "0", "--no-cache"])
    capsys.readouterr()
    assert shipworthy(["runs", "list"]) == 0
    _, _, first, second, *rest = capsys.readouterr().out.splitlines()
    assert first.split()[1:3] == ["full", "off"]
    assert "12 / 12" in first
    assert first.endswith("complete")
    assert second.split()[1:3] == ["full", "on"]
    assert "0 / 12" in second
    state = second.split("0 / 12")[1].split(maxsplit=1)[1]
    assert " ".join([state, *map(str.strip, rest)]) == "stopped or running, not counted yet"


def test_no_run_says_how_to_make_one(capsys):
    assert shipworthy(["runs", "list"]) == 0
    assert "shipworthy eval" in capsys.readouterr().out


def test_a_damaged_run_does_not_hide_the_others(run, folder, capsys):
    (log,) = folder.glob(".shipworthy/runs/*/attempts-0000.jsonl")
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    shipworthy(["eval"])
    capsys.readouterr()
    assert shipworthy(["runs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "damaged: its log" in lines[2]
    assert lines[-1].endswith("complete")


def test_a_changed_byte_is_found_where_a_run_is_relied_upon(run, folder, capsys):
    (log,) = folder.glob(".shipworthy/runs/*/attempts-0000.jsonl")
    log.write_bytes(log.read_bytes().replace(b"scored", b"scared", 1))
    assert shipworthy(["runs", "list"]) == 0  # it reads no log
    assert capsys.readouterr().out.splitlines()[2].endswith("complete")
    assert shipworthy(["runs", "show"]) == 4
    assert "not what was written" in capsys.readouterr().err


def test_a_run_that_was_never_recorded_is_marked(run, folder, capsys):
    (folder / ".shipworthy/control.sqlite").unlink()
    assert shipworthy(["runs", "list"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "? / 12 ?" in out
    assert out.endswith("stopped or running, not counted yet")


def test_show_has_the_facts_and_a_row_an_attack(run, capsys):
    assert shipworthy(["runs", "show", "--attack"]) == 0
    out = capsys.readouterr().out
    assert "plan       full, seed 0" in out
    assert "12 of 12 made, 2 errors" in out
    none, base64 = (line for line in out.splitlines() if line.startswith("questions"))
    assert "2 / 4" in none
    assert none.endswith(" 2")
    assert "0 / 6" in base64


@pytest.mark.parametrize(
    ("arguments", "samples"),
    [
        (["--hit"], ["Q-1", "Q-1"]),
        (["--no-hit", "--attack", "none"], ["Q-2", "Q-2"]),
        (["--outcome", "target_error"], ["Q-3", "Q-3"]),
        (["--errors"], ["Q-3", "Q-3"]),
        (["--suite", "questions", "--metric", "not_refused", "--hit", "--limit", "1"], ["Q-1"]),
        (["--attack", "base64"], ["Q-1", "Q-1", "Q-2", "Q-2", "Q-3", "Q-3"]),
    ],
)
def test_samples_are_filtered(run, arguments, samples, capsys):
    assert shipworthy(["runs", "samples", *arguments]) == 0
    out = capsys.readouterr().out
    assert [line.split()[2] for line in out.splitlines() if line.startswith("AT-")] == samples
    assert "\x1b" not in out  # an answer cannot speak to the terminal


def test_samples_show_scores_and_answers(run, capsys):
    shipworthy(["runs", "samples", "--hit"])
    assert re.search(r"\+not_refused:agreed\n    yes", capsys.readouterr().out)
    shipworthy(["runs", "samples", "--errors"])
    assert "it broke" in capsys.readouterr().out
    shipworthy(["runs", "samples", "--errors", "--hit"])
    assert "no such attempt" in capsys.readouterr().out
    shipworthy(["runs", "samples", "--limit", "5"])
    assert "5 of 12 shown: --limit 12" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--suite", "question"], "did you mean 'questions'"),
        (["--attack", "bas64"], "did you mean 'base64'"),
        (["--metric", "not_refuse"], "did you mean 'not_refused'"),
        (["RUN-nothing"], "there is no run"),
    ],
)
def test_a_wrong_filter_names_the_nearest(run, arguments, word, capsys):
    assert shipworthy(["runs", "samples", *arguments]) == 2
    assert word in capsys.readouterr().err
