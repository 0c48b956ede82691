"""Names of attacks: read back what was written, chains too, and one rule for what asks for what."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.attack_name import AttackName, ChainStep, matches, parse, select

ids = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["true", "null", "1.0", "NaN", "-Infinity", "a, b", "x)", " x ", "a=b", "a + b", "", "\u2028", "Yes indeed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
steps = st.builds(ChainStep, ids, st.dictionaries(ids, json_values, max_size=3))
names = st.builds(AttackName, st.lists(steps, min_size=1, max_size=3).map(tuple))


@given(names)
def test_what_is_written_is_read_back(name):
    text = str(name)
    assert "\n" not in text
    assert parse(text) == name
    assert str(parse(text)) == text
    assert matches(text, text)
    assert matches(" + ".join(step.id for step in name.steps), text)


@given(st.text(max_size=20) | st.text('ab()=,+ "[]{}1.', max_size=20))
def test_any_text_is_a_name_or_a_value_error(text):
    try:
        name = parse(text)
    except ValueError:
        assert matches(text, text)
        assert not matches(text, "none")
        return
    assert parse(str(name)) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("base64", [("base64", {})]),
        ("payload_in_document(position=head)", [("payload_in_document", {"position": "head"})]),
        ("prefix_injection(opening=Yes indeed)", [("prefix_injection", {"opening": "Yes indeed"})]),
        ('x(a=true,b=[1, {"c": null}])', [("x", {"a": True, "b": [1, {"c": None}]})]),
        ("role_play(style=x) + base64", [("role_play", {"style": "x"}), ("base64", {})]),
        ("a+b", [("a", {}), ("b", {})]),
        ("a(max-length=3)", [("a", {"max-length": 3})]),
        ('a( k = "1" , l=1.5 )', [("a", {"k": "1", "l": 1.5})]),
    ],
)
def test_names(text, name):
    assert parse(text) == AttackName(tuple(ChainStep(*step) for step in name))


@pytest.mark.parametrize(
    "text", ["", " ", "a(", "a()", "a(k)", "a(k=)", "a(k=1", "a(k=1)b", "a +", "+ a", "a(k=1,k=2)", "a(k=[1)", "a b", "a(k=" + "[" * 100_000]
)  # fmt: skip
def test_what_is_no_name(text):
    with pytest.raises(ValueError, match="cannot read the attack"):
        parse(text)


@pytest.mark.parametrize(
    ("wanted", "name", "expected"),
    [
        ("a", "a", True), ("a", "a(x=1)", True), ("a(x=1)", "a(x=1)", True), ("a(x=1)", "a(x=2)", False), ("a(x=1)", "a", False),
        ("a", "ab", False), ("a(x=1)", "a(x=1,y=2)", False), ("a(y=2, x=1)", "a(x=1,y=2)", True), ("a(x=1)", "a(x=true)", False),
        ('a(x="1")', "a(x=1)", False), ("a + b", "a(x=1) + b", True), ("a(x=1) + b", "a(x=1) + b(y=2)", True), ("a + b", "b + a", False),
        ("b", "a + b", False), ("a", "a + b", False), ("a + b", "a", False), ("odd (", "odd (", True), ("odd (", "odd", False),
    ],
)  # fmt: skip
def test_one_rule_for_what_asks_for_what(wanted, name, expected):
    assert matches(wanted, name) is expected


def test_selecting():
    names = ["none", "a(x=1)", "a(x=2)", "a + b"]
    assert select(None, names) == names
    assert select("a", names) == ["a(x=1)", "a(x=2)"]
    assert select("a + b", names) == ["a + b"]


def test_what_json_cannot_hold_has_no_name():
    with pytest.raises(ValueError, match="JSON"):
        str(ChainStep("a", {"k": float("nan")}))
    assert json.loads("null") is None
