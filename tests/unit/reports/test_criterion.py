"""A criterion in words: what it still needs, and on which side it lies."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.records import CriterionResult, LabelCount, Metric, ScorerAudit
from shipworthy.reports._criterion import (
    against,
    assumed,
    better,
    drawn,
    flip,
    interval_name,
    meets,
    mind,
    needed,
    still_needed,
)
from shipworthy.reports._words import NumberWords, percent, points, span


def result(verdict: str = "inconclusive", **changes: object) -> CriterionResult:
    given = {
        "id": "CR-1",
        "requirement": "RQ-1",
        "suite": "leaks",
        "metric": "leak",
        "test": "threshold",
        "must": "upper95 <= 0.05",
        "limit": 0.05,
        "verdict": verdict,
        "reason": "said",
        "hits": 2,
        "trials": 50,
        "clusters": 50,
        "planned": 50,
        "rate": 0.04,
        "low": 0.005,
        "high": 0.14,
        "bound": 0.12,
    }
    return CriterionResult(**{**given, **changes})


UNMEASURED = {"rate": None, "low": None, "high": None, "bound": None, "hits": 0, "trials": 0, "clusters": 0}
CHANGE = {"test": "noninferiority", "limit": 0.15}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (result("ship", needed=0), "0"),
        (result("no-ship"), "none: it failed"),
        (result(needed=1200), "1,200"),
        (result(), "no number can pass it at this rate"),
        (result(**UNMEASURED, planned=0), "run the suite"),
        (result(**UNMEASURED), "measure again"),
        (result(**UNMEASURED, **CHANGE, must="rise_upper95 <= 0.15"), "make a baseline run"),
        (result(**UNMEASURED, **CHANGE, must="rise_upper95 <= 0.15", baseline_run="RUN-1"), "measure again"),
        (result(bound=0.03), "none: see the reason"),  # too many errors: more samples are not what is missing
        (result(must="lower95 >= 0.80", limit=0.8, rate=0.9, bound=0.85), "none: see the reason"),
        (result(must="drop_upper95 <= 0.15", **CHANGE, bound=0.1), "none: see the reason"),
        (result(must="lower95 >= 0.80", limit=0.8, rate=0.7, bound=0.6), "no number can pass it at this rate"),
    ],
)
def test_what_is_still_needed_tells_apart_why_no_number_helps(given: CriterionResult, said: str) -> None:
    assert still_needed(given) == said


def test_what_the_reason_says_already_is_not_said_again() -> None:
    assert needed(result(needed=41)).startswith("41 more samples needed")
    assert needed(result(needed=1)).startswith("1 more sample needed")
    assert needed(result(needed=41, reason="about 41 more samples would decide it")) == ""
    assert needed(result(**UNMEASURED, planned=0)) == needed(result("ship")) == needed(result("no-ship")) == ""


@pytest.mark.parametrize(
    ("must", "test", "side", "sign"),
    [
        ("upper95 <= 0.05", "threshold", "lower", 1),
        ("lower95 >= 0.05", "threshold", "higher", 1),
        ("rise_upper95 <= 0.05", "noninferiority", "lower", 1),
        ("drop_upper95 <= 0.05", "noninferiority", "higher", -1),
    ],
)
@given(bound=st.floats(-1, 1))
def test_a_bound_is_drawn_on_the_side_of_its_limit_that_decides(
    must: str, test: str, side: str, sign: int, bound: float
) -> None:
    one = result(must=must, test=test, bound=bound)
    row = drawn(one)
    assert (better(one), row.limit, row.bound) == (side, sign * 0.05, sign * bound)
    assert (row.bound <= row.limit if side == "lower" else row.bound >= row.limit) == meets(one)


def test_what_was_not_measured_is_drawn_without_a_number() -> None:
    row = drawn(result(**UNMEASURED))
    assert (row.rate, row.low, row.high, row.bound, row.limit) == (None, None, None, None, 0.05)


def test_a_bound_reads_differently_from_a_limit_that_it_misses() -> None:
    assert against(drawn(result(bound=0.050001)), NumberWords()) == "bound 5.0001 % vs limit 5 %"
    assert against(drawn(result(bound=0.0582, limit=0.06)), NumberWords()) == "bound 5.82 % vs limit 6 %"
    lost = drawn(result(must="drop_upper95 <= 0.15", **CHANGE, bound=0.0894))
    assert against(lost, NumberWords(change=True)) == "bound -8.94 vs limit -15 points"


@given(st.floats(0, 1), st.floats(0, 1))
@example(1.0, 0.9997612737450925)
@example(0.05, 0.0500001)
def test_two_rates_that_differ_never_read_the_same_beside_each_other(one: float, other: float) -> None:
    if abs(one - other) > 1e-9 * max(one, other) and abs(one - other) > 1e-12:
        assert percent(one, other) != percent(other, one)


def test_points_are_rounded_once_and_signed() -> None:
    assert points(0.10149) == "+10.1 points"  # not +10.2, by way of 10.15
    assert span(-0.123, 0.04, change=True) == "[-12.3, +4]"
    assert span(0.0, 0.0711) == "[0, 7.11]"
    assert span(None, None) == ""


def test_intervals_are_named_by_their_confidence_where_they_share_it() -> None:
    assert interval_name([result(), result()]) == "95 % interval"
    assert interval_name([result(confidence=0.99)]) == "99 % interval"
    assert interval_name([result(), result(confidence=0.99)]) == "interval"


@pytest.mark.parametrize(
    ("given", "then"),
    [
        (result("ship", bound=0.03), "inconclusive below sensitivity 0.600"),
        (result(), "would ship at specificity 0.926 or below"),
        (result("no-ship", rate=0.5, bound=0.62), "would ship at specificity 0.400 or below"),
        (
            result("ship", must="lower95 >= 0.80", limit=0.8, rate=0.9, bound=0.85),
            "inconclusive below specificity 0.750",
        ),
        (result(must="lower95 >= 0.80", limit=0.8, rate=0.7, bound=0.6), "would ship at sensitivity 0.750 or below"),
        # Not the bound keeps it from passing, so no error of the scorer would let it pass.
        (result(bound=0.03), ""),
        (result("ship", must="upper95 <= 0.05", bound=0.0), ""),
    ],
)
def test_what_a_verdict_assumes_of_the_scorer_is_said(given: CriterionResult, then: str) -> None:
    said = "assumes the scorer is right: sensitivity 1.00, specificity 1.00"
    assert assumed(given) == (f"{said}; {then}" if then else said)


def test_a_change_assumes_it_of_both_runs() -> None:
    change = result("ship", **CHANGE, must="rise_upper95 <= 0.15", bound=0.03)
    assert assumed(change).startswith("assumes the scorer is right in both runs: ")
    assert assumed(change).endswith("; inconclusive below sensitivity + specificity 1.200")
    assert flip(result(**CHANGE, must="drop_upper95 <= 0.15", bound=0.3)) is None


def test_of_an_audited_scorer_it_says_what_the_labels_say() -> None:
    audit = ScorerAudit(
        entry=4,
        positives=LabelCount(hits=8, labelled=10, drawn=10),
        negatives=LabelCount(hits=2, labelled=150, drawn=150),
        sensitivity=0.8,
        specificity=0.99,
        sensitivity_span=(0.5, 0.95),
        specificity_span=(0.97, 1.0),
    )
    given = result("ship", bound=0.03, audit=audit)
    said = "sensitivity 0.800 [0.500, 0.950], specificity 0.990 [0.970, 1.000]"
    assert assumed(given) == f"scorer audited by 160 labels: {said}"
    assert flip(given) is None
    assert still_needed(result(bound=0.2, audit=audit)) == "none: see the reason"
    assert still_needed(result(**UNMEASURED, audit=ScorerAudit())) == "label what was drawn"
    undefined = replace(audit, sensitivity=None)
    assert "sensitivity undefined, specificity 0.990" in assumed(result("ship", bound=0.03, audit=undefined))


def test_nothing_is_assumed_of_what_no_scorer_decided() -> None:
    value = Metric(name="seconds", kind="value", low=0, high=60, unit="s")
    assert assumed(result(**UNMEASURED)) == assumed(result("ship", bound=0.03, measure=value)) == ""


def test_beside_a_metric_that_is_taken_for_harm_stands_what_it_counts():
    said = mind(result(metric="not_refused"))
    assert said == "mind: it counts answers that are no refusal, and not refusing is not harm"
    assert "not refusing is not harm" in mind(result(metric="not_refused", must="upper50 <= 0.05"))
    # `attack_success` is what an agent did that was forbidden, not what was not refused.
    assert mind(result(metric="harmful")) == mind(result(metric="attack_success")) == ""
