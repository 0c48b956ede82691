"""Conditions: what they mean, and what is refused."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shipworthy.core.condition import Condition, parse


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
        ("UPPER95 <= +1E-3", ("threshold", "upper", 0.95, 0.001)),
        ("upper95 <= 12.5 s", ("threshold", "upper", 0.95, 12.5)),
        ("lower95 >= -3µs", ("threshold", "lower", 0.95, -3)),
    ],
)
def test_conditions(text, expected):
    assert parse(text)[:4] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<= 0.05", "cannot read the condition"), ("rate <= 0.05", "cannot read"), ("upper95 < 0.05", "cannot read"),
        ("upper <= 0.05", "cannot read"), ("upper95 <= x", "cannot read"), ("", "cannot read"),
        ("upper95 <= nan", "cannot read"), ("upper95 <= inf", "cannot read"),
        ("upper95 <= 1_0", "cannot read"), ("upper95 <= 0.05 0", "cannot read"), ("upper95\n<= 0.05", "cannot read"),
        ("upper95 <= ٠.٠٥", "cannot read"), ("upper٩٥ <= 0.05", "cannot read"), ("ri\u017fe_upper95 <= 0.1", "cannot read"),
        ("upper95\u00a0<= 0.05", "cannot read"),
        ("upper95 <= 1e400", "no number that anything"), ("lower95 >= -1e999", "no number that anything"),
        ("upper95 >= 0.05", "upper95 needs '<='"), ("lower95 <= 0.05", "lower95 needs '>='"),
        ("rise_upper95 <= 0", "a margin of 0"), ("drop_upper95 <= -0.1", "a margin of 0"),
        ("drop_upper95 >= 0.1", "drop_upper95 needs '<='"), ("upper49 <= 0.05", "must be from 50 to below 100"),
    ],
)  # fmt: skip
def test_what_is_no_condition_says_what_to_write(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


@given(
    st.text(max_size=30)
    | st.from_regex(r"(rise_|drop_)?(upper|lower)[0-9]{2} ?[<>]= ?[+-]?[0-9.]{1,5}(e[0-9]{1,3})? ?%?")
)
def test_any_text_is_a_condition_or_a_value_error(text):
    try:
        found = parse(text)
    except ValueError:
        return
    assert abs(found.limit) <= 1e300
    assert 0.5 <= found.confidence < 1
    assert parse(found.text) == found


@given(
    st.sampled_from(["upper", "lower", "rise_upper", "drop_upper"]), st.integers(50, 99), st.floats(-1e6, 1e6), st.booleans()
)  # fmt: skip
def test_what_is_written_is_what_is_read(what, level, limit, spaced):
    space = " " * spaced
    text = f"{what}{level}{space}{'>=' if what == 'lower' else '<='}{space}{limit!r}"
    test = "threshold" if what in ("upper", "lower") else "noninferiority"
    if test == "noninferiority":
        assume(limit > 0)
    side = "upper" if what in ("upper", "rise_upper") else "lower"
    assert parse(text) == Condition(test, side, level / 100, limit, text)
