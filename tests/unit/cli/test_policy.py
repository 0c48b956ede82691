"""`shipworthy policy`: what its verbs print, and their exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from shipworthy.cli import run

GOOD = """tools:
  send: {effect: external, args: {to: recipient}}
cases:
  - {tool: send, says: To ada@x.org, args: {to: ada@x.org}, expect: allow}
  - {tool: send, says: To someone, args: {to: ada@x.org}, expect: refused}
"""
TOOLS = (
    '[{"name": "send", "parameters": {"properties": {"to": {"type": "string"}}, "required": ["to"]}}, {"name": "wipe"}]'
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(GOOD)
    (tmp_path / "tools.json").write_text(TOOLS)
    return tmp_path


def test_check(folder, capsys):
    assert run(["policy", "check", "--tools", "tools.json"]) == 0
    out = capsys.readouterr()
    assert out.out == "policy.yaml: 1 rules, 2 cases, no problem\n"
    assert "no rule names wipe" in out.err
    (folder / "policy.yaml").write_text("tools:\n  sand: {effect: none}\n")
    assert run(["policy", "check", "--tools", "tools.json"]) == 2
    assert "policy.yaml:2: there is no tool 'sand'" in capsys.readouterr().err
    assert run(["policy", "check", "--tools", "tools.json", "--format", "json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert [(p["line"], told["refused"]) for p in told["problems"]] == [(2, ["send", "wipe"])]
    (folder / "policy.yaml").write_text("tools: [1]\n")
    assert run(["policy", "check"]) == 2
    assert "policy.yaml:1: 'tools' must be" in capsys.readouterr().err


def test_test(folder, capsys):
    assert run(["policy", "test"]) == 0
    assert capsys.readouterr().out == "2 of 2 cases as expected\n"
    (folder / "policy.yaml").write_text(GOOD.replace("to: recipient", "to: none"))
    assert run(["policy", "test"]) == 1
    out = capsys.readouterr()
    assert out.out == "1 of 2 cases as expected\n"
    assert out.err.startswith("policy.yaml:5: send: expected refused, and it says allow")
    assert run(["policy", "test", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["failed"] == 1


def test_draft_makes_what_check_and_test_pass(folder, capsys):
    assert run(["policy", "draft", "tools.json"]) == 0
    (folder / "policy.yaml").write_text(capsys.readouterr().out)
    assert run(["policy", "check", "--tools", "tools.json"]) == 0
    assert run(["policy", "test"]) == 0


def test_explain(folder, capsys):
    call = '{"tool": "send", "args": {"to": "ada@x.org"}}'
    assert run(["policy", "explain", "policy.yaml", call, "--says", "To ada@x.org", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["word"], told["tree"]["below"][0]["label"]) == ("allow", "to: recipient")
    (folder / "past.jsonl").write_text('{"says": "Read it", "calls": [{"tool": "page", "gave": "to ada@x.org"}]}')
    assert run(["policy", "explain", "policy.yaml", call, "--past", "past.jsonl"]) == 0
    assert "stands in text that page read" in capsys.readouterr().out
    assert run(["policy", "explain", "policy.yaml", "send it"]) == 2
    assert "the call is no JSON" in capsys.readouterr().err
    assert run(["policy", "explain", "policy.yaml", "[]"]) == 2


def test_diff_and_backtest(folder, capsys):
    (folder / "loose.yaml").write_text("tools:\n  send: {effect: external, args: {to: none}}\n")
    (folder / "past.jsonl").write_text(
        '{"says": "x", "id": "s1", "calls": [{"tool": "send", "args": {"to": "bo@x.org"}}]}'
    )
    assert run(["policy", "diff", "policy.yaml", "policy.yaml"]) == 0
    assert run(["policy", "diff", "loose.yaml", "policy.yaml", "--past", "past.jsonl"]) == 1
    out = capsys.readouterr().out
    assert "send: changed: args" in out
    assert "policy.yaml case, call 2: send: allow -> ask" in out
    assert "1 rules differ, 2 calls change verdict" in out
    calls = [{"tool": "page", "gave": "others"}, {"tool": "send", "args": {"to": "b@x.org"}}]
    (folder / "past.jsonl").write_text(json.dumps({"says": "Go", "id": "s1", "calls": calls}))
    assert run(["policy", "backtest", "policy.yaml", "past.jsonl", "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)["calls"]
    assert [(c["call"], c["before"], c["after"]) for c in told] == [(1, "allow", "deny"), (2, "allow", "ask")]


def test_help_names_the_verbs():
    out = CliRunner().invoke(__import__("shipworthy.cli", fromlist=["root"]).root, ["policy", "--help"]).output
    assert all(verb in out for verb in ("check", "test", "draft", "explain", "diff", "backtest"))
