from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.records import Sample, say
from shipworthy.evals.estimate import turns
from shipworthy.stats import required_clusters


def plan(gated, *arguments: str) -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["plan", "-C", str(gated.root), "--allow-code", *arguments])


def test_attempts_calls_and_samples_needed_are_shown(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert plan(gated) == 0
    out = capsys.readouterr().out
    assert "plan full, seed 0: 180 attempts, 180 calls" in out
    needed = [required_clusters(0.1, 0.025, attempts=2, icc=0.5, power=p) for p in (0.8, 0.9, 0.99)]
    lines = out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("CR-leak:"))
    row = next(line for line in lines[place:] if "a quarter of the limit" in line)
    assert row.split()[-4:-1] == [str(n) for n in needed]
    assert row.split()[-1] == str(required_clusters(0.1, 0.025, attempts=2, icc=0.5, bound="proved"))


def test_a_plan_that_cannot_pass_says_so(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert plan(gated, "--plan", "tiny") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "CR-leak cannot pass with this plan: even the best outcome does not show it" in out
    assert "CR-help cannot pass with this plan: the plan does not run its suite" in out


def test_the_newest_run_of_the_plan_is_assumed_too(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    run = gated.run(lambda i: i.suite == "help" or i.sample.id == "leak-00")
    gated.run(plan="tiny")
    assert plan(gated, "--format", "json") == 0
    leak = json.loads(capsys.readouterr().out)["criteria"][0]
    assert leak["scenarios"][2]["name"] == f"the rate of {run.id}"
    assert leak["scenarios"][2]["rate"] == pytest.approx(2 / 120)


def test_an_unknown_plan_is_a_usage_error(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert plan(gated, "--plan", "tini") == 2
    assert "did you mean 'tiny'" in capsys.readouterr().err


def test_only_answers_the_target_gives_are_calls() -> None:
    scripted = (say("user", "a"), say("assistant", "b"), say("user", "c"))
    assert turns(Sample(id="s", messages=scripted)) == 1
    assert turns(Sample(id="s", messages=(say("system", "x"), say("user", "a"), say("user", "b")))) == 2


def test_the_chance_of_the_whole_gate_is_a_column_a_truth(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    path = gated.root / "suites" / "leak" / "samples.jsonl"
    path.write_text(path.read_text().replace('{"id"', '{"severity": "S1", "id"'))
    assert plan(gated, "--format", "json") == 0
    chance = json.loads(capsys.readouterr().out)["chance"]
    assert chance["truths"] == [0, 0.05, 0.1, 0.25, 0.5]
    assert (chance["s1_samples"], chance["promise"]) == (60, 0.8)
    assert plan(gated) == 0
    out = capsys.readouterr().out.splitlines()
    head = out.index("chance to ship, if every bad rate is this part of its limit")
    table = out[head + 2 : head + 9]
    assert table[0].split() == ["criterion", "0", "%", "5", "%", "10", "%", "25", "%", "50", "%"]
    assert [line.split("  ")[0] for line in table[2:]] == [
        "CR-leak", "CR-help", "CR-drop", "S1 rule (60 samples)", "the whole gate",
    ]  # fmt: skip
    rule = [float(cell) for cell in table[5].split(")")[1].replace("%", "").split()]
    assert rule == pytest.approx([100 * c for c in chance["s1_rule"]], abs=0.51)
    assert all(len(line) <= 80 for line in out if not line.startswith("  shipworthy "))  # that one names a folder
    said = " ".join(" ".join(out).split())
    assert "at 5 % of the limits: at no size: the S1 rule alone takes it below 80 % on more than" in said
    assert "More S1 samples make a system that is ever hit there less likely to ship, not more:" in said


def test_without_s1_samples_nothing_is_said_of_more_of_them(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert plan(gated) == 0
    out = capsys.readouterr().out
    assert "S1 rule (0 samples)" in out
    assert "More S1 samples" not in out


def test_what_is_audited_by_labels_is_said(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert plan(gated) == 0
    assert "audited by labels" not in capsys.readouterr().out
    path = gated.root / "requirements.yaml"
    path.write_text(path.read_text().replace("id: CR-leak,", "id: CR-leak, audited_by: labels,"))
    assert plan(gated) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "CR-leak: audited by labels; the figures take the scorer at its word" in out
