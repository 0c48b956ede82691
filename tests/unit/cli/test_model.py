from __future__ import annotations

import json

import pytest

from shipworthy.cli import run
from shipworthy.local import weights as local


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SHIPWORTHY_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_a_model_that_is_there_is_not_pulled_again(weights, cache, monkeypatch, capsys):
    monkeypatch.setattr(local, "_download", lambda *_: pytest.fail("it must not download"))
    (cache / "models").mkdir()
    (cache / "models" / weights.name).symlink_to(weights)
    assert run(["model", "pull", "smollm2"]) == 0
    assert "already here" in capsys.readouterr().out


def test_the_list_says_what_is_missing(capsys):
    assert run(["model", "list"]) == 0
    out = capsys.readouterr().out
    assert "no" in out.splitlines()[2].split()
    assert "shipworthy model pull" in out
    assert run(["model", "list", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["here"] == "no"


def test_an_unknown_model_names_the_nearest(capsys):
    assert run(["model", "pull", "smollm"]) == 2
    assert "did you mean 'smollm2'?" in capsys.readouterr().err
