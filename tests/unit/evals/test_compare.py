from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from shipworthy.core.errors import UsageError
from shipworthy.core.roles import RoleUse
from shipworthy.evals.compare import compare, pair
from shipworthy.evals.plan import PlanItem
from shipworthy.evals.results import Run
from shipworthy.stats import paired_difference, run_shift


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


def leaks(extra: int):  # type: ignore[no-untyped-def]
    """Say what leaks in the first 4 + extra samples, and helps in all but two."""
    return lambda i: number(i) >= 2 if i.suite == "help" else number(i) < 4 + extra


def test_replicates_enter_every_interval_and_test(gated) -> None:  # type: ignore[no-untyped-def]
    old, again = gated.run(leaks(0)), [gated.run(leaks(k)) for k in (9, -3, 5)]
    new = gated.run(leaks(10), guards="on")
    alone, beside = compare(new, old).rows, compare(new, old, replicates=again).rows
    assert (alone[1].verdict, alone[1].spread) == (
        "worse",
        None,
    )  # ten pairs, p = 0.002: a shift of the run would do it
    assert beside[1].verdict == "unclear"
    levels = [4 / 60, 13 / 60, 1 / 60, 9 / 60]
    assert beside[1].old_rate == pytest.approx(np.mean(levels))
    assert beside[1].difference == pytest.approx(14 / 60 - np.mean(levels))
    assert beside[1].spread == pytest.approx(np.std(levels, ddof=1))
    shift = run_shift(14 / 60, levels, 60)
    assert beside[1].p_value == pytest.approx(shift.p_value)
    pooled = paired_difference(
        [2 * (n < 14) for n in range(60)], [2] * 60,
        [2 * sum(n < k for k in (4, 13, 1, 9)) for n in range(60)], [8] * 60,
    )  # fmt: skip
    assert beside[1].high == pytest.approx(pooled.difference + np.hypot(pooled.high - pooled.difference, shift.up))
    assert beside[1].low == pytest.approx(pooled.difference - np.hypot(pooled.difference - pooled.low, shift.down))
    # Runs that are all alike do not make pairs surer than they are.
    assert (beside[0].p_value, beside[0].spread) == (alone[0].p_value, pytest.approx(0))


def test_the_answer_says_what_a_shift_of_a_run_does(gated) -> None:  # type: ignore[no-untyped-def]
    old, again, new = gated.run(), [gated.run() for _ in range(3)], gated.run(guards="on")
    (said,) = (s for s in compare(new, old).meaning if "shift" in s and "replicate" in s)
    assert "cannot be told from a change" in said
    found = compare(new, old, replicates=again)
    assert not any("cannot be told" in s for s in found.meaning)
    assert any("4 runs of the old system" in s for s in found.meaning)
    assert found.replicates == tuple(run.id for run in again)
    manifest = old.manifest
    assert (found.old_subject, found.old_spec) == (manifest.subject_digest, manifest.spec_digest)


def test_an_attempt_that_a_replicate_did_not_score_is_left_out(gated) -> None:  # type: ignore[no-untyped-def]
    old, new = gated.run(), gated.run(guards="on")
    again = [gated.run(lambda i: "timeout" if number(i) == 7 else i.suite == "help"), gated.run(), gated.run()]
    help_, leak = compare(new, old, replicates=again).rows
    assert (help_.trials, help_.errors, leak.trials, leak.errors) == (59, 1, 118, 2)


def test_replicates_that_are_none_are_refused_by_name(gated) -> None:  # type: ignore[no-untyped-def]
    old, new, one, two = gated.run(), gated.run(guards="on"), gated.run(), gated.run()

    def refused(*runs: Run) -> str:
        with pytest.raises(UsageError) as error:
            compare(new, old, replicates=[one, two, *runs])
        return str(error.value)

    assert f"{new.id} is the new run" in refused(new)
    assert f"{old.id} is the old run itself" in refused(old)
    assert f"{one.id} is named twice" in refused(one)
    assert "2 replicate(s)" in refused()
    assert "another subject (declared, guards)" in refused(gated.run(guards="on"))
    assert "another seed (5, not" in refused(gated.run(seed=5))
    assert "another system (other" in refused(gated.run(system="other"))
    assert "other safety files" in refused(gated.run(spec_digest="sha256:other"))
    gated.edit("suites/help/samples.jsonl", "question help 59", "another question")
    assert "other suites (help)" in refused(gated.run())


def test_a_replicate_from_the_cache_is_refused(gated, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    old, new, again = gated.run(), gated.run(guards="on"), [gated.run() for _ in range(3)]
    compare(new, old, replicates=again)
    roles = lambda run: {"target": RoleUse(calls=180, cached=20 if run.id == again[2].id else 0)}  # noqa: E731
    monkeypatch.setattr(Run, "roles", property(roles))
    with pytest.raises(UsageError, match=rf"{again[2].id} took 20 of 180 replies from the cache"):
        compare(new, old, replicates=again)


def two_metrics(run: Run, primary: str = "leak") -> Run:
    """Give a run's suite `leak` a second metric that says the same as the first."""
    (use,) = (use for use in run.manifest.suites if use.id == "leak")
    more = replace(use, metric=primary, metrics=(*use.metrics, replace(use.metrics[0], name="also")))
    suites = tuple(more if each.id == "leak" else each for each in run.manifest.suites)
    run.__dict__["manifest"] = replace(run.manifest, suites=suites)
    run.marks.scored["leak", "also"] = run.marks.scored["leak", "leak"]
    return run


def test_other_metrics_are_tested_only_where_the_primary_one_changed(gated) -> None:  # type: ignore[no-untyped-def]
    old, near, far = gated.run(leaks(0)), gated.run(leaks(4)), gated.run(leaks(20))
    for run in (old, near, far):
        two_metrics(run)
    found = compare(near, old)
    assert [(r.metric, r.primary, r.verdict) for r in found.rows] == [
        ("helpful", True, "unclear"), ("leak", True, "unclear"), ("also", False, "not tested"),
    ]  # fmt: skip
    assert any("not tested" in sentence for sentence in found.meaning)
    assert [r.verdict for r in compare(far, old).rows] == ["unclear", "worse", "worse"]


def test_a_suite_without_a_primary_metric_says_so_and_is_corrected_by_holm(gated) -> None:  # type: ignore[no-untyped-def]
    old, new = two_metrics(gated.run(leaks(0)), "gone"), two_metrics(gated.run(leaks(20)), "gone")
    found = compare(new, old)
    assert any("leak has no primary metric among those compared (also, leak)" in w for w in found.warnings)
    _, also, leak = found.rows
    assert (also.primary, leak.primary) == (False, False)
    # Half of alpha for the suite, and half of that for the smaller of its two.
    assert also.adjusted == leak.adjusted == pytest.approx(4 * leak.p_value)
    named = compare(two_metrics(gated.run(leaks(20)), "also"), two_metrics(gated.run(leaks(0))))
    assert any("other primary metrics of leak (leak, then also)" in w for w in named.warnings)
    assert [r.metric for r in named.rows if r.primary] == ["helpful", "leak"]


def test_an_interval_that_seems_to_disagree_with_its_verdict_is_explained() -> None:
    from shipworthy.evals.compare import MetricChange, apart

    def row(verdict: str, low: float) -> MetricChange:
        return MetricChange(
            suite="s", metric="m", kind="event", unit="", good="low", old_rate=0.0, new_rate=0.2, difference=0.2,
            low=low, high=0.5, p_value=0.002, adjusted=0.002, verdict=verdict, trials=70, clusters=12, errors=0,
            unpaired=0, changed=(),
        )  # fmt: skip

    assert len(list(apart([row("worse", -0.03), row("unclear", -0.03)]))) == 1
    assert list(apart([row("worse", 0.03), row("unclear", -0.03), row("not tested", -0.2)])) == []
    [said] = apart(iter([row("worse", 0.03), row("unclear", 0.01)]))
    assert said.startswith('An interval may leave zero out beside "unclear": it speaks for one change by itself')
    assert len(list(apart(iter([row("worse", -0.03), row("unclear", 0.01)])))) == 2
