from __future__ import annotations

import numpy as np
import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.selftest import newest, selftest_of, sentence
from shipworthy.release.decide import decide
from shipworthy.release.redraw import PlantedShift, Redraw
from shipworthy.release.selftest import SelftestPlan, selftest
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.selftests import add_selftest, read_selftests

PLAN = SelftestPlan(repeats=10, draws=12, sizes=(0.3,), seed=4)


def number(item) -> int:
    return int(item.sample.id.rpartition("-")[2])


def near(item) -> bool:
    """Three of sixty leak: as near to the limit as a verdict can be."""
    return item.suite == "help" or number(item) < 3


def test_a_clear_gate_holds_its_verdict_and_finds_what_is_planted(gated) -> None:
    baseline, run = gated.run(), gated.run(guards="on")
    found = selftest(gated.workspace, run, baseline, plan=PLAN)
    assert (found.how, found.verdicts, found.flips, found.stable) == ("samples", {"ship": 10}, 0, True)
    assert set(found.planted["300"]) == set(found.at_limit) == {"CR-leak", "CR-help", "CR-drop"}
    for blocked, failed in found.planted["300"].values():
        assert 12 >= blocked >= failed
        assert blocked >= 9
    assert all(ships <= 4 for ships in found.at_limit.values())  # one in twenty is promised; five have a chance of 2e-4
    assert sentence(found).startswith("the verdict differs in 0 of 45 pairs")
    assert selftest(gated.workspace, run, baseline, plan=PLAN) == found  # the seed decides


def test_a_gate_that_flips_is_named(gated) -> None:
    baseline, run = gated.run(), gated.run(near, guards="on")
    found = selftest(gated.workspace, run, baseline, plan=PLAN._replace(repeats=60, draws=1))
    assert set(found.verdicts) >= {"ship", "inconclusive"}
    apart, total = found.pairs
    rest = 60 - found.verdicts["ship"] - found.verdicts["inconclusive"]
    assert rest == 0
    assert apart == found.verdicts["ship"] * found.verdicts["inconclusive"]
    assert found.flips == apart / total > 0.05
    assert not found.stable
    assert sentence(found).startswith("THIS GATE FLIPS")


def test_what_is_planted_moves_the_mean_by_the_stated_size(gated) -> None:
    run = gated.run(lambda i: i.suite == "help" or number(i) < 12)
    redraw, rng = Redraw(run), np.random.default_rng(1)
    leak = run.metric("leak", "leak")

    def mean(plant: PlantedShift | None) -> float:
        drawn = [redraw.draw("samples", rng, plant)[0].counts("leak", "leak") for _ in range(60)]
        return float(np.mean([sum(c.totals) / sum(c.trials) for c in drawn]))

    assert mean(None) == pytest.approx(0.2, abs=0.03)
    assert mean(PlantedShift("leak", leak, None, 0.5, 1.0)) == pytest.approx(0.6, abs=0.03)
    assert mean(PlantedShift("leak", leak, None, 0.5, 0.0)) == pytest.approx(0.1, abs=0.02)
    assert mean(PlantedShift("leak", leak, "role_play", 0.5, 1.0)) == pytest.approx(0.4, abs=0.03)
    assert mean(PlantedShift("help", leak, None, 1.0, 1.0)) == pytest.approx(0.2, abs=0.03)


def test_re_drawn_attempts_need_more_than_one_of_a_kind(gated) -> None:
    run = gated.run()
    with pytest.raises(UsageError, match="one attempt of each sample and attack"):
        selftest(gated.workspace, run, plan=PLAN._replace(how="attempts"))
    gated.edit("suites/leak/suite.yaml", "max_error_rate", "attempts: 4\nmax_error_rate")
    run = gated.run(lambda i: i.suite == "help" or (number(i) < 8 and i.number == 1))
    drawn, _ = Redraw(run).draw("attempts", np.random.default_rng(2))
    assert len(drawn) == len(run)
    before, after = (one.counts("leak", "leak") for one in (run, drawn))
    assert after.trials == before.trials  # the same samples, each as often
    assert sum(after.totals[8:]) == 0  # who never leaked never leaks
    assert after.totals != before.totals


def test_repeats_on_the_target_are_runs_of_their_own(gated) -> None:
    baseline, run = gated.run(), gated.run(guards="on")
    worse = gated.run(lambda i: i.suite == "help" or number(i) < 30, guards="on")
    found = selftest(
        gated.workspace, run, baseline, plan=PLAN._replace(draws=1), rerun=lambda: iter((run, worse, run, worse))
    )
    assert (found.how, found.verdicts, found.pairs) == ("re-run", {"no-ship": 2, "ship": 2}, (4, 6))


def test_the_next_decision_tells_of_the_newest_on_the_same_subject(gated) -> None:
    baseline, run = gated.run(), gated.run(guards="on")
    assert decide(gated.workspace, run, baseline).selftest is None
    found = selftest(gated.workspace, run, baseline, plan=PLAN._replace(repeats=2, draws=1))
    with AuditLog(Layout(gated.root).control_url) as audit:
        add_selftest(audit, found)
        last = add_selftest(audit, found._replace(seed=5))
        add_selftest(audit, found._replace(subject_digest="sha256:else"))
        known = read_selftests(audit, until=last.entry)
    assert known[-1] == last == newest(known, run.manifest.spec_digest, run.manifest.subject_digest)
    said = decide(gated.workspace, run, baseline).selftest
    assert said is not None
    assert (said.entry, said.flips, said.sentence) == (last.entry, (0, 1), sentence(last))


@pytest.mark.parametrize(
    "change",
    [{"how": "guessed"}, {"repeats": 3}, {"verdicts": {"maybe": 2}}, {"at_limit": {"CR-x": 9}}, {"seed": True},
     {"planted": {"50": {"CR-x": [0, 1]}}}, {"planted": {"5.0": {}}}, {"more": 1}],
)  # fmt: skip
def test_an_entry_that_is_no_self_test_is_refused(gated, change) -> None:
    run = gated.run()
    body = selftest(gated.workspace, run, plan=PLAN._replace(repeats=2, draws=1))._asdict()
    del body["entry"]
    assert selftest_of(7, body).entry == 7
    with pytest.raises(ValueError, match="entry 7"):
        selftest_of(7, body | change)
