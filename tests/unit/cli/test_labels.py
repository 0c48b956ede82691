"""`shipworthy labels`: from a file into the control state and back."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.evals.results import Run
from shipworthy.store.layout import Layout

_spec = importlib.util.spec_from_file_location("_eval_cases", Path(__file__).with_name("test_eval.py"))
_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cases)
folder = _cases.folder


@pytest.fixture
def attempt(folder, capsys):
    shipworthy(["eval", "--no-guards"])
    capsys.readouterr()
    return next(a for a in Run.load(Layout(folder).run_directory()).attempts() if a.scores)


def test_labels_go_in_and_come_out(attempt, folder, capsys):
    file = folder / "labels.csv"
    file.write_text(f"attempt,metric,label,comment\n{attempt.id},{attempt.scores[0].metric},no-hit,=1+1\n")
    assert shipworthy(["labels", "import", str(file), "--by", "ida"]) == 0
    assert capsys.readouterr().out.startswith("1 label of RUN-")
    assert shipworthy(["labels", "import", str(file), "--by", "ida"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("kept, 1 were there already")
    assert shipworthy(["labels", "export"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row == f'"{attempt.id}","{attempt.scores[0].metric}","no-hit","\'=1+1","ida"'


def test_a_wrong_line_keeps_nothing(attempt, folder, capsys):
    file = folder / "labels.csv"
    file.write_text(f"attempt,metric,label,by\n{attempt.id},{attempt.scores[0].metric},hit,ida\nAT-0,x,hit,ida\n")
    assert shipworthy(["labels", "import", str(file)]) == 2
    assert "labels.csv:3:" in capsys.readouterr().err
    shipworthy(["labels", "export"])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_draw_is_written_to_be_filled_in(attempt, folder, capsys):
    metric, file = attempt.scores[0].metric, folder / "drawn.csv"
    asked = ["labels", "draw", "--suite", attempt.suite, "--metric", metric, "--positives", "3", "--negatives", "4"]
    assert shipworthy([*asked, "-o", str(file)]) == 0
    said = capsys.readouterr().out
    lines = file.read_text().splitlines()
    assert f"{len(lines) - 1:,} attempts of RUN-" in said and "shipworthy labels import" in said
    assert lines[0] == '"attempt","metric","label","comment","by"'
    assert all(line.endswith(f'"{metric}","","",""') for line in lines[1:]) and lines[1:] == sorted(lines[1:])
    # What is there already may hold labels; written elsewhere it is the same again.
    assert shipworthy([*asked, "-o", str(file)]) == 2
    assert "labels in it would be lost" in capsys.readouterr().err
    assert shipworthy([*asked, "-o", str(folder / "again.csv")]) == 0
    assert (folder / "again.csv").read_text().splitlines() == lines
    assert shipworthy([*asked, "--seed", "9", "-o", str(folder / "other.csv")]) == 2
    assert "the first draw counts" in capsys.readouterr().err


def test_a_draw_of_what_is_not_there_is_refused(attempt, folder, capsys):
    file = str(folder / "drawn.csv")
    assert shipworthy(["labels", "draw", "--suite", "nowhere", "-o", file]) == 2
    assert "has no suite 'nowhere'" in capsys.readouterr().err
    assert shipworthy(["labels", "draw", "--suite", attempt.suite, "--metric", "nothing", "-o", file]) == 2
    assert "has no metric 'nothing'" in capsys.readouterr().err


def double(folder, run, words):
    """Import what two people say of some attempts: ``hh``, ``hn``, ``nh`` or ``nn``."""
    said = {"h": "hit", "n": "no-hit"}
    ids = [a.id for a in run.attempts() if a.scores][: len(words)]
    metric = next(a.scores[0].metric for a in run.attempts() if a.scores)
    rows = [f"{id},{metric},{said[word]},,{by}" for id, pair in zip(ids, words, strict=True)
            for by, word in zip(("ida", "ben"), pair, strict=True)]  # fmt: skip
    file = folder / "double.csv"
    file.write_text("attempt,metric,label,comment,by\n" + "\n".join(rows) + "\n")
    assert shipworthy(["labels", "import", str(file)]) == 0
    return ids, metric


def test_agreement_lists_what_people_disagree_on_and_a_third_settles_it(attempt, folder, capsys):
    run = Run.load(Layout(folder).run_directory())
    ids, metric = double(folder, run, ["hh", "hn", "nn", "nn", "nh", "hh"])
    capsys.readouterr()
    assert shipworthy(["labels", "agreement"]) == 0
    said = capsys.readouterr().out
    assert "6 attempts with two labels or more" in said and "Cohen's kappa" in said and "Fleiss" not in said
    assert said.count("open") == 2 and "shipworthy labels adjudicate RUN-" in said
    assert shipworthy(["labels", "agreement", "--format", "json", "--drift", "weeks"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    (pair,) = told["pairs"]
    assert [pair[name] for name in ("both", "only_first", "only_second", "neither")] == [2, 1, 1, 2]
    assert [item["attempt"] for item in told["disagreements"]] == [ids[1], ids[4]]
    assert told["coefficients"]["alpha"]["low"] < told["coefficients"]["alpha"]["high"]
    settled = folder / "settled.csv"
    settled.write_text(f"attempt,metric,label\n{ids[1]},{metric},hit\n{ids[4]},{metric},no-hit\n")
    assert shipworthy(["labels", "adjudicate", "--by", "ida", "--file", str(settled)]) == 2
    assert "somebody else must settle" in capsys.readouterr().err
    assert shipworthy(["labels", "adjudicate", "--by", "eve", "--file", str(settled)]) == 0
    assert capsys.readouterr().out.startswith("2 disagreements of RUN-")
    shipworthy(["labels", "agreement"])
    said = capsys.readouterr().out
    assert "hit by eve" in said and "open" not in said and "adjudicate" not in said


def test_agreement_of_what_nobody_labelled_says_so(attempt, folder, capsys):
    assert shipworthy(["labels", "agreement"]) == 0
    assert "nobody labelled RUN-" in capsys.readouterr().out
    assert shipworthy(["labels", "agreement", "--metric", "x"]) == 2
    assert shipworthy(["labels", "work", "--by", "ida"]) == 2
    assert "there is no queue here yet" in capsys.readouterr().err
