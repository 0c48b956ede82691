"""Everything that lists or shows has JSON for programs, and fits a terminal of 80 columns for people."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import click
import pytest

from shipworthy.cli import root as cli
from shipworthy.cli import run as shipworthy

_spec = importlib.util.spec_from_file_location("_eval_cases_of_listings", Path(__file__).with_name("test_eval.py"))
_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cases)
folder = _cases.folder


def verbs(group: click.Group = cli, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    context = click.Context(group)
    found: dict[tuple[str, ...], click.Command] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found |= verbs(command, (*before, name))
        elif command is not None:
            found[*before, name] = command
    return found


# A document is for people; a span is shown as JSON and nothing else.
ELSE = {("documents", "show"), ("telemetry", "show")}
WORDS = ("list", "show", "samples", "compare", "table", "plan", "check")
LISTS = [words for words in verbs() if words[-1] in WORDS and words not in ELSE]


def test_every_verb_that_lists_or_shows_is_looked_at():
    assert ("runs", "list") in LISTS
    assert ("suites", "show") in LISTS
    assert len(LISTS) >= 13


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_it_has_json(words):
    options = {name: option for option in verbs()[words].params for name in option.opts}
    assert "--format" in options, f"`shipworthy {' '.join(words)}` lists and has no --format json"
    assert "json" in options["--format"].type.choices


@pytest.fixture
def measured(folder, capsys):
    shipworthy(["eval", "--no-guards"])
    shipworthy(["eval"])
    capsys.readouterr()
    return folder


HERE = [
    ["audit", "list"], ["baseline", "show"], ["check"], ["decisions", "list"], ["keys", "list"], ["allow", "list"],
    ["model", "list"], ["judge", "list"], ["plan"],
    ["runs", "list"], ["runs", "show"], ["runs", "show", "--attack"], ["runs", "samples"],
    ["runs", "samples", "--errors"], ["suites", "list"], ["suites", "show", "secret-leakage"],
    ["signals", "list"], ["finding", "list"],
]  # fmt: skip


def test_the_verbs_that_are_run_below_are_all_of_them():
    asked = {tuple(words[: 1 if words[0] in ("check", "plan") else 2]) for words in HERE}
    others = {("runs", "compare"), ("runs", "table"), ("decisions", "show"), ("evidence", "show"), ("policy", "check")}
    others |= {("release", "list")}  # of candidates: `test_release`
    others |= {("judge", "compare")}  # which needs labels: the how-to on judges runs it
    others |= {("gateway", "approvals", "list"), ("gateway", "approvals", "show")}  # of a gateway: `test_approvals`
    others |= {("threat", "list"), ("threat", "show")}  # of no workspace: `test_threat`
    others |= {("documents", "list")}  # of no workspace either: `test_documents`
    others |= {("signals", "show"), ("finding", "show")}  # of one: `tests/integration/findings/test_verbs.py`
    # Each in tests of its own: of a store, of what happened after launch, or of the library alone.
    others |= {("telemetry", "alarms", name) for name in ("check", "list", "show")}
    others |= {
        ("incident", "list"),
        ("incident", "show"),
        ("incident", "runbook", "list"),
        ("incident", "runbook", "show"),
    }
    others |= {("incident", "tabletop", "list"), ("schedule", "list"), ("kpi", "show")}
    others |= {("playbook", "list"), ("playbook", "show"), ("train", "list"), ("train", "show"), ("train", "check")}
    assert set(LISTS) - asked == others


@pytest.mark.parametrize("words", HERE, ids=" ".join)
def test_json_is_all_there_is_and_text_fits(measured, capsys, words):
    assert shipworthy([*words, "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert isinstance(value, list if words[-1] == "list" or words[:2] == ["runs", "samples"] else dict)
    assert shipworthy(words) == 0
    shown = capsys.readouterr().out.partition("\n# ")[0]  # a card is markdown, as wide as its author made it
    # What has no blank cannot be wrapped, and is not cut: a digest, a path.
    wide = [line for line in shown.splitlines() if len(line) > 80 and max(map(len, line.split())) < 60]
    assert not wide, "\n".join(wide)


def test_two_runs_beside_each_other_fit_too(measured, capsys):
    runs = sorted(path.name for path in (measured / ".shipworthy" / "runs").iterdir())
    for words in (["runs", "compare", *runs], ["runs", "table", *runs]):
        assert shipworthy([*words, "--format", "json"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out), dict)
        assert shipworthy(words) == 0
        assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())


def test_a_decision_fits_too(gated, capsys):
    old = gated.run()
    gated.run(guards="on")
    there = ["-C", str(gated.root), "--allow-code"]
    assert shipworthy(["gate", *there, "--baseline", old.id]) in (0, 1, 3)
    capsys.readouterr()
    assert shipworthy(["decisions", "show", "-C", str(gated.root), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] in ("ship", "no-ship", "inconclusive")
    for words in (["list"], ["show"]):
        assert shipworthy(["decisions", *words, "-C", str(gated.root)]) == 0
        shown = capsys.readouterr().out.splitlines()
        assert not [line for line in shown if len(line) > 80 and max(map(len, line.split())) < 60]


def test_nothing_is_an_empty_list(folder, capsys):
    for words in (["runs", "list"], ["decisions", "list"]):
        assert shipworthy([*words, "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == []
