"""Conditions: what they mean, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.metric import Metric
from shipworthy.workspace.must import parse_must, refusal

LEAK = Metric("leak")
WAIT = Metric("wait", kind="value", unit="s", low=0.5, high=60.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("upper95 <= 0.05", ("threshold", "upper", 0.95, 0.05)),
        ("lower95 >= 0.80", ("threshold", "lower", 0.95, 0.80)),
        ("rise_upper95 <= 0.05", ("noninferiority", "upper", 0.95, 0.05)),
        ("drop_upper95 <= 0.10", ("noninferiority", "lower", 0.95, 0.10)),
        ("upper99<=2%", ("threshold", "upper", 0.99, 0.02)),
        ("  Upper97.5  <=  .5 ", ("threshold", "upper", 0.975, 0.5)),
        ("upper95 <= 1e-3", ("threshold", "upper", 0.95, 0.001)),
        ("upper95 <= 12.5 s", ("threshold", "upper", 0.95, 12.5)),
        ("lower95 >= -3", ("threshold", "lower", 0.95, -3)),
    ],
)
def test_conditions(text, expected):
    assert parse_must(text)[:4] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<= 0.05", "cannot read the condition"), ("rate <= 0.05", "cannot read"), ("upper95 < 0.05", "cannot read"),
        ("upper <= 0.05", "cannot read"), ("upper95 <= x", "cannot read"), ("", "cannot read"),
        ("upper95 >= 0.05", "upper95 needs '<='"), ("lower95 <= 0.05", "lower95 needs '>='"),
        ("drop_upper95 >= 0.1", "drop_upper95 needs '<='"),
        ("upper49 <= 0.05", "must be from 50 to below 100"),
        ("upper95 <= 1e999", "no number that anything"), ("drop_upper95 <= -0.1", "a margin of 0"),
        ("rise_upper95 <= 0", "a margin of 0"), ("drop_upper95 <= 0.0", "a margin of 0"),
    ],
)  # fmt: skip
def test_what_is_no_condition_says_what_to_write(text, message):
    with pytest.raises(ValueError, match=message):
        parse_must(text)


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_a_value_error(text):
    try:
        must = parse_must(text)
    except ValueError:
        return
    assert abs(must.limit) <= 1e300
    assert must.test == "threshold" or must.limit > 0
    assert 0.5 <= must.confidence < 1
    assert parse_must(must.text) == must


@pytest.mark.parametrize(
    ("text", "metric", "message"),
    [
        ("upper95 <= 5", LEAK, "must be a rate from 0 to 1 (or a percentage: 5%)"),
        ("upper95 <= 500%", LEAK, "must be a rate from 0 to 1"),
        ("upper95 <= -0.1", LEAK, "must be a rate from 0 to 1"),
        ("upper95 <= 0", LEAK, "an upper bound is never 0, however many samples: name the highest rate"),
        ("lower95 >= 1", LEAK, "a lower bound is never 1, however many samples: name the lowest rate"),
        ("rise_upper95 <= 1.5", LEAK, "the margin 1.5"),
        ("upper95 <= 0.1 s", LEAK, "is a rate"),
        ("upper95 <= 61", WAIT, "outside the range of 'wait': from 0.5 to 60 s"),
        ("upper95 <= 0.5", WAIT, "an upper bound is never 0.5, however many samples: name the highest mean"),
        ("lower95 >= 60 s", WAIT, "a lower bound is never 60"),
        ("rise_upper95 <= 60 s", WAIT, "wider than the range of 'wait' (59.5 s)"),
        ("upper95 <= 5 ms", WAIT, "gives the unit 'ms', but the metric 'wait' is in s"),
        ("upper95 <= 5%", WAIT, "gives a percentage"),
        ("upper95 <= 0.5 s", Metric("q", kind="value"), "has no unit"),
    ],
)
def test_a_limit_that_a_metric_cannot_have_is_refused(text: str, metric: Metric, message: str) -> None:
    assert message in refusal(parse_must(text), metric)


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("upper95 <= 5%", LEAK), ("upper95 <= 1", LEAK), ("lower95 >= 0", LEAK), ("drop_upper95 <= 1", LEAK),
        ("upper95 <= 12", WAIT), ("upper95 <= 12 s", WAIT), ("rise_upper95 <= 59.5s", WAIT),
        ("upper95 <= -2", Metric("d", kind="value", low=-5.0)),
    ],
)  # fmt: skip
def test_a_limit_that_a_metric_can_have_is_taken(text: str, metric: Metric) -> None:
    assert refusal(parse_must(text), metric) == ""
