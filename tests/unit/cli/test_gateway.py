"""Levers and digests from the command line."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy

FILE = """\
guards: guards.yaml
upstreams: {main: {url: "http://127.0.0.1:1"}}
levers:
  strict: {GD-a: enforce}
clients: {web: {key: "env:WEB"}}
rings: {internal: [web]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "guards.yaml").write_text("rules:\n  - {id: GD-a, use: pii_output, mode: shadow}\n")
    (tmp_path / "gateway.yaml").write_text(FILE)
    monkeypatch.setenv("WEB", "0123456789abcdef")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gateway(*words, config=("--config", "gateway.yaml")):
    return shipworthy(["gateway", *words, *config])


def test_a_lever_is_pulled_for_a_part_and_listed_so(capsys) -> None:
    assert gateway("pull", "strict", "--share", "0.1", "--ring", "internal", "--by", "ada", "--why", "canary") == 0
    assert gateway("levers") == 0
    out = capsys.readouterr().out
    assert "strict for 0.1 of the traffic of the ring internal\t" in out
    assert "\tada\tcanary\n" in out
    assert gateway("pull", "strict", "--share", "0.05", "--ring", "internal") == 2
    assert "release it first" in capsys.readouterr().err
    assert gateway("pull", "strict") == 0
    capsys.readouterr()
    assert gateway("levers") == 0
    assert capsys.readouterr().out.startswith("strict\t")
    assert gateway("levers", "--format", "json") == 0
    (pulled,) = json.loads(capsys.readouterr().out)
    assert pulled["lever"] == "strict"


def test_a_check_says_that_a_key_is_not_set(monkeypatch, capsys) -> None:
    monkeypatch.delenv("WEB")
    assert gateway("--config", "gateway.yaml", "--check", config=()) == 2
    assert "WEB" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pull", "strict", "--share", "0"], "0<x<=1"),
        (["pull", "strict", "--share", "2"], "0<x<=1"),
        (["pull", "strict", "--ring", "interal"], "did you mean 'internal'"),
        (["pull", "strikt"], "did you mean 'strict'"),
        (["pull", "stop", "--share", "0.5"], "everybody"),
    ],
)
def test_a_mistake_is_said_and_pulls_nothing(folder, capsys, words, said) -> None:
    assert gateway(*words) == 2
    assert said in capsys.readouterr().err
    assert not (folder / ".shipworthy/gateway/levers.json").exists()


def test_the_digests_of_all_its_levers_are_listed_beforehand(capsys) -> None:
    assert gateway("digests", "gateway.yaml", "--format", "json", config=()) == 0
    base, strict = json.loads(capsys.readouterr().out)
    assert (base["levers"], strict["levers"], strict["decision"]) == ([], ["strict"], "")
    assert gateway("--config", "gateway.yaml", "--check", config=()) == 0
    assert capsys.readouterr().out.strip() == base["digest"] != strict["digest"]
    assert gateway("digests", "gateway.yaml", config=()) == 0
    assert capsys.readouterr().out.count("unproven") == 2
