from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.agents.difference import MOST, difference
from shipworthy.agents.predicate import all_hold, fits, holds, look, plain
from shipworthy.core.scene import Predicate

STATE = {
    "mail": {"sent": {"S-1": {"to": ["Ana@north.example"], "body": "Hello  there", "n": 3, "read": False}}},
    "rows": [1, 2],
    "empty": {},
}


@pytest.mark.parametrize(
    ("predicate", "true"),
    [
        (Predicate("mail.sent", has={"to": {"contains": "ana@NORTH.example"}}), True),
        (Predicate("mail.sent", has={"to": ["ana@north.example"]}), True),
        (Predicate("mail.sent", has={"to": ["ana@north.example", "bo@north.example"]}), False),
        (Predicate("mail.sent", has={"body": " hello THERE "}), True),
        (Predicate("mail.sent", has={"body": "hello"}), False),
        (Predicate("mail.sent", has={"nothing": 1}), False),
        (Predicate("mail.sent", has={"n": 3.0}, times=1), True),
        (Predicate("mail.sent", has={"n": 3}, times=2), False),
        (Predicate("mail.sent", has={"n": {"at_least": 3, "at_most": 3}}), True),
        (Predicate("mail.sent", has={"n": {"not": 4}}), True),
        (Predicate("mail.sent", has={"n": {"any_of": [1, 3]}}), True),
        (Predicate("mail.sent", has={"read": False}), True),
        (Predicate("mail.sent", has={"read": 0}), False),  # a truth value is no number
        (Predicate("mail.sent", has={"to": {"only": ["ana@north.example"]}}), True),
        (Predicate("mail.sent", has={"to": {"only": ["bo@north.example"]}}), False),
        (Predicate("mail.sent", lacks={"body": {"contains": "bye"}}), True),
        (Predicate("mail.sent", lacks={"body": {"contains": "hello"}}), False),
        (Predicate("mail.gone", lacks={"body": "x"}), False),  # a path that leads nowhere proves nothing
        (Predicate("mail.gone", gone=True), True),
        (Predicate("mail.sent", gone=True), False),
        (Predicate("mail.sent.S-1.n", equals=3), True),
        (Predicate("mail.sent.S-2.n", equals=3), False),
        (Predicate("rows.1", equals=2), True),
        (Predicate("rows.7", gone=True), True),
        (Predicate("empty", equals={"empty": True}), True),
        (Predicate("rows", equals={"empty": True}), False),
        (Predicate("rows", equals=[2, 1]), True),
        (Predicate("rows", equals={"at_least": 1}), False),
    ],
)
def test_a_statement_is_true_or_not(predicate, true):
    assert holds(predicate, STATE) is true


def test_nothing_said_is_not_true():
    assert not all_hold((), STATE)
    assert all_hold((Predicate("rows", has=1), Predicate("rows", has=2)), STATE)
    assert not all_hold((Predicate("rows", has=1), Predicate("rows", has=3)), STATE)


@pytest.mark.parametrize(
    "fields",
    [{}, {"has": 1, "lacks": 1}, {"has": 1, "gone": True}, {"equals": 1, "times": 2}, {"has": 1, "times": 0}],
)
def test_a_predicate_says_exactly_one_thing(fields):
    with pytest.raises(ValueError):
        Predicate("a", **fields)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"at": "a", **fields}, Predicate)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab \t", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_a_value_fits_itself(value):
    assert fits(value, value)


@given(json_values, json_values)
def test_a_value_never_both_fits_and_does_not(pattern, value):
    assert fits({"not": pattern}, value) is not fits(pattern, value)


@given(json_values, json_values)
def test_the_difference_is_empty_only_where_there_is_none(one, other):
    changes = difference(one, other)
    assert bool(changes) is (one != other)
    for change in changes:
        assert change.get("was", "?") != change.get("is", "!")
    assert difference(one, one) == []


def test_many_changes_are_counted_and_long_texts_cut():
    changes = difference({}, {str(n): n for n in range(MOST + 7)})
    assert len(changes) == MOST + 1
    assert changes[-1] == {"at": "", "more": 7}
    (change,) = difference({"a": ""}, {"a": "x" * 5000})
    assert len(change["is"]) < 2100
    (change,) = difference({}, {"a": {"b": ["y" * 5000]}})
    assert len(change["is"]["b"][0]) < 2100


def test_look_says_apart_what_is_none_and_what_is_not_there():
    assert look({"a": None}, "a") is None
    assert look({"a": None}, "b") is not None
    assert plain(" A\n b ") == "a b"
