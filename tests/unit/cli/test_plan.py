from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.cli.plan import turns
from shipworthy.core.records import Sample, say
from shipworthy.stats import required_clusters


def plan(gated, *arguments: str) -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["plan", "-C", str(gated.root), "--allow-code", *arguments])


def test_attempts_calls_and_samples_needed_are_shown(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert plan(gated) == 0
    out = capsys.readouterr().out
    assert "plan full, seed 0: 180 attempts, 180 calls" in out
    needed = [required_clusters(0.1, 0.025, attempts=2, icc=0.5, power=p) for p in (0.8, 0.9, 0.99)]
    (row,) = [line for line in out.splitlines() if line.startswith("CR-leak")]
    assert row.split()[-4:-1] == [str(n) for n in needed]
    assert row.split()[-1] == str(required_clusters(0.1, 0.025, attempts=2, icc=0.5, bound="proved"))


def test_a_plan_that_cannot_pass_says_so(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert plan(gated, "--plan", "tiny") == 0
    out = capsys.readouterr().out
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
