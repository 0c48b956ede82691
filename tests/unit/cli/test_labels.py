"""`shipworthy labels`: from a file into the control state and back."""

from __future__ import annotations

import importlib.util
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
