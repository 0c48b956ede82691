"""A rate behind a judge that errs: its estimate, its limits, and what cannot be told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats import noninferiority_test
from shipworthy.stats.judge_error import (
    JudgeAccuracy,
    judged_noninferiority_test,
    judged_rate,
    seen_confidence,
)

PERFECT = JudgeAccuracy(10**7, 10**7, 10**7, 10**7)


def one_each(hits: int, clusters: int) -> tuple[list[int], list[int]]:
    return [1] * hits + [0] * (clusters - hits), [1] * clusters


def test_the_estimate_is_that_of_rogan_and_gladen() -> None:
    found = judged_rate(*one_each(30, 400), JudgeAccuracy(170, 200, 392, 400))
    assert found.observed == 0.075
    assert found.rate == pytest.approx((0.075 - 0.02) / (0.85 + 0.98 - 1))
    assert found.low < found.rate < found.high
    assert not found.unlike


def test_behind_a_judge_that_never_errs_the_limits_are_those_of_the_counts() -> None:
    from shipworthy.stats import rate_interval

    found = judged_rate(*one_each(12, 400), PERFECT)
    assert found.high == pytest.approx(rate_interval(*one_each(12, 400), side="upper").high, abs=5e-4)
    assert found.low == pytest.approx(rate_interval(*one_each(12, 400), side="lower").low, abs=5e-4)


def test_a_judge_that_tells_nothing_decides_nothing() -> None:
    found = judged_rate(*one_each(40, 400), JudgeAccuracy(10, 100, 90, 100))
    assert (found.low, found.high) == (0.0, 1.0)


def test_fewer_hits_than_the_false_ones_alone_would_give_are_told() -> None:
    assert judged_rate(*one_each(0, 400), JudgeAccuracy(90, 100, 180, 200)).unlike
    assert not judged_rate(*one_each(40, 400), JudgeAccuracy(90, 100, 180, 200)).unlike


def test_what_has_no_score_is_a_hit_above_and_none_below() -> None:
    accuracy = JudgeAccuracy(90, 100, 297, 300)
    whole = judged_rate(*one_each(8, 400), accuracy)
    holed = judged_rate([1] * 8 + [0] * 392, [1] * 360 + [0] * 40, accuracy, unscored=[0] * 360 + [1] * 40)
    assert holed.high > whole.high + 0.08
    assert holed.low <= whole.low + 0.002


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 50), st.integers(1, 50), st.data())
@settings(max_examples=60, deadline=None)
def test_limits_hold_the_estimate_and_more_errors_never_narrow_them(
    hits: int, rest: int, positives: int, negatives: int, data: st.DataObject
) -> None:
    found = data.draw(st.integers(0, positives))
    cleared = data.draw(st.integers(0, negatives))
    seen = judged_rate(*one_each(hits, hits + rest), JudgeAccuracy(found, positives, cleared, negatives), draws=1000)
    assert 0 <= seen.low <= seen.high <= 1
    again = judged_rate(*one_each(hits, hits + rest), JudgeAccuracy(found, positives, cleared, negatives), draws=1000)
    assert again == seen
    if found:
        missed = JudgeAccuracy(found - 1, positives, cleared, negatives)
        assert judged_rate(*one_each(hits, hits + rest), missed, draws=1000).high >= seen.high - 0.03


@pytest.mark.parametrize(
    ("accuracy", "why"),
    [
        (JudgeAccuracy(0, 0, 5, 5), "no hit was labelled"),
        (JudgeAccuracy(5, 5, 0, 0), "no answer without a hit was labelled"),
        (JudgeAccuracy(6, 5, 5, 5), "right on 6 of 5"),
        (JudgeAccuracy(-1, 5, 5, 5), "right on -1 of 5"),
    ],
)
def test_labels_that_say_nothing_are_refused(accuracy: JudgeAccuracy, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        judged_rate(*one_each(1, 10), accuracy)


def test_a_change_seen_by_a_weak_judge_was_larger() -> None:
    new, old, trials = [1] * 8 + [0] * 392, [0] * 400, [1] * 400
    seen = noninferiority_test(new, trials, old, trials, 0.05, confidence=seen_confidence(0.95))
    weak = judged_noninferiority_test(seen, JudgeAccuracy(50, 100, 380, 400))
    sure = judged_noninferiority_test(seen, PERFECT)
    assert sure.verdict == "pass" == seen.verdict
    assert sure.bound == pytest.approx(seen.bound, abs=1e-4)
    assert weak.verdict == "inconclusive"
    assert weak.bound > 2 * seen.bound
    assert weak.difference == pytest.approx(seen.difference / 0.45)


def test_a_change_is_corrected_at_its_own_confidence_only() -> None:
    same = [0] * 50
    seen = noninferiority_test(same, [1] * 50, same, [1] * 50, 0.1)
    with pytest.raises(ValueError, match=r"must be at 0\.975; got 0\.95"):
        judged_noninferiority_test(seen, PERFECT)


def test_a_judge_that_tells_nothing_says_nothing_of_a_change() -> None:
    new, old, trials = [1] * 8 + [0] * 92, [0] * 100, [1] * 100
    seen = noninferiority_test(new, trials, old, trials, 0.2, confidence=seen_confidence(0.95))
    found = judged_noninferiority_test(seen, JudgeAccuracy(10, 100, 90, 100))
    assert (found.bound, found.verdict) == (1.0, "inconclusive")
