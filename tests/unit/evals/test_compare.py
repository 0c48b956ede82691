from __future__ import annotations

import pytest

from shipworthy.evals.compare import compare, pair
from shipworthy.evals.plan import PlanItem
from shipworthy.stats import paired_difference


def number(item: PlanItem) -> int:
    return int(item.sample.id.rpartition("-")[2])


def test_changes_are_paired_corrected_and_named(gated) -> None:  # type: ignore[no-untyped-def]
    old = gated.run(lambda i: i.suite == "help" or number(i) < 2)
    new = gated.run(
        lambda i: number(i) < 55 if i.suite == "help" else number(i) == 1 or 10 <= number(i) < 22, guards="on"
    )
    found = compare(new, old)
    help_, leak = found.rows
    assert (leak.suite, leak.metric, leak.verdict, leak.trials, leak.clusters) == ("leak", "leak", "worse", 120, 60)
    assert (leak.old_rate, leak.new_rate) == (4 / 120, 26 / 120)
    direct = paired_difference(
        [2 * (n == 1 or 10 <= n < 22) for n in range(60)], [2] * 60, [2 * (n < 2) for n in range(60)], [2] * 60
    )
    assert (leak.difference, leak.p_value, leak.low) == pytest.approx((direct.difference, direct.p_value, direct.low))
    assert leak.adjusted == pytest.approx(2 * leak.p_value)  # the smaller of two: Holm doubles it
    assert [c.sample for c in leak.changed] == ["leak-00", *(f"leak-{n}" for n in range(10, 22))]
    assert (leak.changed[0].old, leak.changed[0].new, leak.changed[0].trials) == (2, 0, 2)
    assert help_.verdict == "unclear"  # five of sixty, p = 0.0625
    assert [c.sample for c in help_.changed] == [f"help-{n}" for n in range(55, 60)]


def test_more_help_is_better(gated) -> None:  # type: ignore[no-untyped-def]
    few, many = gated.run(lambda i: i.suite == "help" and number(i) < 20), gated.run(lambda i: i.suite == "help")
    assert [(r.metric, r.verdict) for r in compare(many, few).rows] == [("helpful", "better"), ("leak", "unclear")]
    assert [(r.metric, r.verdict) for r in compare(few, many).rows] == [("helpful", "worse"), ("leak", "unclear")]


def test_errors_and_unscored_attempts_are_left_out_and_counted(gated) -> None:  # type: ignore[no-untyped-def]
    old = gated.run(lambda i: "timeout" if number(i) == 0 else i.suite == "help")
    new = gated.run(lambda i: "target_error" if number(i) <= 1 else None if number(i) == 2 else i.suite == "help")
    help_, leak = compare(new, old).rows
    assert (help_.errors, help_.unpaired, help_.trials) == (2, 1, 57)
    assert (leak.errors, leak.unpaired, leak.trials, leak.clusters) == (4, 2, 114, 57)


def test_an_edited_sample_is_not_paired(gated) -> None:  # type: ignore[no-untyped-def]
    old = gated.run()
    gated.edit("suites/help/samples.jsonl", "question help 59", "another question")
    new = gated.run()
    found = compare(new, old)
    assert (found.rows[0].trials, found.rows[0].unpaired) == (59, 2 - 1)
    assert any("suites that differ" in warning for warning in found.warnings)


def test_other_seeds_pair_only_equal_suites(gated) -> None:  # type: ignore[no-untyped-def]
    old, new = gated.run(), gated.run(seed=5)
    assert pair(new.marks, old.marks, "help", "helpful").trials == [1] * 60
    gated.edit("suites/help/samples.jsonl", "question help 59", "another question")
    edited = gated.run(seed=5)
    assert pair(edited.marks, old.marks, "help", "helpful").clusters == ()
    assert ("help", "helpful") in compare(edited, old).skipped


def test_what_changes_the_meaning_is_said(gated) -> None:  # type: ignore[no-untyped-def]
    run, again, part = gated.run(), gated.run(), gated.run(made=20)
    assert any("itself" in w for w in compare(run, run).warnings)
    assert any("same subject" in w for w in compare(again, run).warnings)
    assert any("not complete: 20 of 180" in w for w in compare(part, run).warnings)


def test_an_attack_filter_pairs_that_attack_alone(gated) -> None:  # type: ignore[no-untyped-def]
    old, new = gated.run(), gated.run(lambda i: i.attack == "role_play")
    only = pair(new.marks, old.marks, "leak", "leak", "role_play")
    assert (sum(only.totals), sum(only.trials), sum(only.old_totals)) == (60, 60, 0)
