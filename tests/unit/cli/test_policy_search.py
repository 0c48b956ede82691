"""`shipworthy policy search`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import shutil

from shipworthy.agents.setting import LIBRARY
from shipworthy.cli import run

LOOSE = """tools:
  mail_read: {effect: none, args: {id: none}}
  mail_list: {effect: none, args: {folder: none}}
  mail_search: {effect: none, args: {query: none}}
  files_list: {effect: none, args: {folder: none}}
  files_read: {effect: none, args: {id: none}}
  files_publish: {effect: external, args: {id: {kind: id, sources: [any]}}}
"""
ARGUMENTS = ["policy", "search", "policy.yaml", "--tries", "25", "--goal", "office-publish-budget"]


def test_what_gets_through_is_told_and_the_exit_code_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(LOOSE)
    assert run([*ARGUMENTS, "--setting", "office"]) == 1
    told = capsys.readouterr().out
    assert "office-publish-budget: reached by try" in told
    assert '  files_publish {"id": "F-1"}' in told
    assert told.endswith("1 of 1 goals reached\n")
    assert run([*ARGUMENTS, "--setting", "office", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["reached"], found["goals"][0]["goal"]) == (1, "office-publish-budget")
    assert found["goals"][0]["played"]["ran"]


def test_what_holds_says_what_stopped_the_nearest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(LOOSE.replace("sources: [any]", "sources: [user]"))
    shutil.copytree(LIBRARY / "office", tmp_path / "own")  # a setting of one's own
    assert run([*ARGUMENTS, "--setting", "own"]) == 0
    told = capsys.readouterr().out
    assert "not reached in 25; the nearest was stopped: files_publish" in told
    assert told.endswith("0 of 1 goals reached\n")


def test_a_mistake_is_told_without_a_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text("tools: {}\n")
    assert run(["policy", "search", "policy.yaml", "--setting", "offic"]) == 2
    assert "did you mean 'office'" in capsys.readouterr().err
    assert run(["policy", "search", "policy.yaml", "--setting", "office", "--goal", "office-publish"]) == 2
    assert "did you mean 'office-publish-budget'" in capsys.readouterr().err
    (tmp_path / "policy.yaml").write_text("tools: [1]\n")
    assert run(["policy", "search", "policy.yaml", "--setting", "office"]) == 2
