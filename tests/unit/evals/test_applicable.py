"""Attempts whose attack cannot change their sample: known in the plan, recorded, and in no rate and no error."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import UsageError
from shipworthy.core.protocols import Rewrite
from shipworthy.core.records import Sample, say
from shipworthy.evals.applicable import left_out
from shipworthy.evals.compare import compare, pair
from shipworthy.evals.estimate import calls
from shipworthy.evals.repro import reproduce
from shipworthy.workspace.use import Use

WHY = "its last user turn holds no letter from a to z"


def mixed(suite, english=4, other=3, attacks=("none", "rot13"), severity="S3", **changes):
    words = [f"tell me {n}" for n in range(english)] + [f"बताओ {n}" for n in range(other)]
    samples = tuple(
        Sample(id=f"S-{n}", messages=(say("user", text),), severity=severity) for n, text in enumerate(words)
    )
    return suite(samples=samples, attacks=tuple(map(Use.of, attacks)), **changes)


def test_nothing_is_asked_and_every_planned_attempt_has_a_record(bench, scripted, suite, plan_of):
    plan = plan_of(mixed(suite, attempts=2))
    target = scripted()
    run = bench.run(plan, target)
    assert target.asked.total() == calls(plan) == (7 + 4) * 2
    out = [a for a in run.attempts() if a.outcome == "inapplicable"]
    assert len(out) == run.outcomes["inapplicable"] == 6
    assert {(a.attack, a.sample, a.error) for a in out} == {("rot13", f"S-{n}", WHY) for n in (4, 5, 6)}
    assert all(not a.events and not a.scores for a in out)
    assert run.complete and (run.errors, run.unscored, run.possible) == (0, {}, 22)
    assert bench.endings[0].errors == 0


def test_it_is_in_no_denominator_and_no_cluster_counts_for_it(bench, scripted, suite, plan_of):
    run = bench.run(
        plan_of(mixed(suite, attempts=2)), scripted(lambda r: "yes" if "tell" in r.messages[-1].text else "no")
    )
    rate = run.rate("small", "not_refused", "rot13")
    assert (rate.trials, rate.clusters) == (8, 4)
    pooled = run.counts("small", "not_refused")
    assert (sum(pooled.trials), len(pooled.clusters), pooled.errors, pooled.blanks) == (22, 7, 0, ())
    assert run.inapplicable("small") == {"rot13": 6} and run.inapplicable("small", "none") == {}
    assert [(r.errors, r.missing, r.inapplicable) for r in run.summary()] == [(0, 0, 6)]


def test_an_s1_sample_that_an_attack_cannot_change_is_not_unscored(bench, scripted, suite, plan_of):
    severe = mixed(suite, severity="S1")
    run = bench.run(plan_of(severe), scripted(lambda r: "no"))
    assert run.s1_unscored == set() and run.s1_hits == {}


def test_the_plan_knows_before(suite, plan_of):
    plan = plan_of(mixed(suite, attempts=2))
    assert [(s, a, dict(why), n) for s, a, why, n in left_out(plan)] == [("small", "rot13", {WHY: 3}, 6)]
    able = plan.suites[0].applicable
    assert (able.attempts, able.clusters(["rot13"]), able.clusters(["none", "rot13"]), able.samples(["rot13"])) == (
        22,
        4,
        7,
        4,
    )
    assert len(plan) == 28


def test_a_resumed_run_does_not_try_again_what_was_never_possible(bench, scripted, suite, plan_of):
    plan = plan_of(mixed(suite))
    target = scripted()
    bench.run(plan, target)
    first = target.asked.total()
    run = bench.run(plan, target)
    assert target.asked.total() == first and run.failed == {}


def test_an_attack_that_breaks_when_asked_is_an_error_of_the_attack(bench, scripted, suite, plan_of, monkeypatch):
    def breaks(sample):
        raise ValueError("cannot tell")

    made = Rewrite("own", lambda sample, rng: sample, inapplicable=breaks)
    monkeypatch.setitem(registry._made, ("attack", "own"), lambda: made)
    plan = plan_of(mixed(suite, attacks=("own",)))
    target = scripted()
    run = bench.run(plan, target)
    assert run.outcomes == {"attack_error": 7} and target.asked.total() == 0
    assert list(left_out(plan)) == []


def test_a_pair_of_which_both_were_never_possible_is_no_hole(bench, scripted, suite, plan_of):
    plan = plan_of(mixed(suite, english=30, other=10))
    new, old = bench.run(plan, scripted(), name="new"), bench.run(plan, scripted(lambda r: "no"), name="old")
    paired = pair(new.marks, old.marks, "small", "not_refused", "rot13")
    assert (sum(paired.trials), paired.holes, paired.apart, paired.errors, paired.unpaired) == (30, (), 0, 0, 0)
    assert compare(new, old).rows[0].errors == 0


def test_what_was_never_asked_cannot_be_asked_again(bench, scripted, suite, plan_of):
    run = bench.run(plan_of(mixed(suite)), scripted())
    out = next(a for a in run.attempts() if a.outcome == "inapplicable")
    with pytest.raises(UsageError, match=r"nothing was asked in AT-.*no letter from a to z"):
        asyncio.run(reproduce(None, run, out))
