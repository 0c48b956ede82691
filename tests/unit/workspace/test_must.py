"""Conditions: what they mean, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.workspace.must import parse_must


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
        ("upper95 <= 5", "must be a rate from 0 to 1"), ("upper95 <= 500%", "must be a rate from 0 to 1"),
        ("upper49 <= 0.05", "must be from 50 to below 100"),
        ("upper95 <= 0", "an upper bound is never 0"), ("lower95 >= 1", "a lower bound is never 1"),
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
    assert 0 <= must.limit <= 1
    assert 0.5 <= must.confidence < 1
    assert parse_must(must.text) == must
