"""`shipworthy policy import`: what it prints, and its exit codes."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run

pytest.importorskip("cel")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_printed_is_a_policy(folder, capsys):
    (folder / "p.cedar").write_text('permit(principal, action == Action::"send", resource) when { context.to == "a" };')
    tools = [{"name": "send", "parameters": {"properties": {"body": {"type": "string"}}}}]
    (folder / "tools.json").write_text(json.dumps(tools))
    assert run(["policy", "import", "p.cedar", "--tools", "tools.json"]) == 0
    out = capsys.readouterr()
    assert out.err == ""
    (folder / "policy.yaml").write_text(out.out)
    call = '{"tool": "send", "args": {"to": "a", "body": "b"}}'
    assert run(["policy", "explain", "policy.yaml", call]) == 0
    assert capsys.readouterr().out.startswith("allow send")


def test_what_does_not_map_is_said_and_marked(folder, capsys):
    (folder / "p.txt").write_text('permit(\n  principal == User::"u",\n  action == Action::"send", resource);')
    assert run(["policy", "import", "p.txt"]) == 2
    assert "--from cedar or --from agt" in capsys.readouterr().err
    assert run(["policy", "import", "p.txt", "--from", "cedar"]) == 1
    out = capsys.readouterr()
    assert out.err.startswith("p.txt:2: the principal")
    assert "# REVIEW p.txt:2: the principal" in out.out and "ask: true" in out.out


def test_problems(folder, capsys):
    (folder / "p.cedar").write_text("permit(")
    assert run(["policy", "import", "p.cedar"]) == 2
    assert "p.cedar:1: expected 'principal'" in capsys.readouterr().err
    (folder / "p.yaml").write_text("rules: []")
    assert run(["policy", "import", "p.yaml", "--at", "input"]) == 2
    (folder / "p.cedar").write_bytes(b"\xff")
    assert run(["policy", "import", "p.cedar"]) == 2
    assert "is not UTF-8" in capsys.readouterr().err
