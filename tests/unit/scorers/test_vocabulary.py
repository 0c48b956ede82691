"""The plain scorers and their opposites: what hits, what does not, and that silence never counts as good."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.records import Message, Sample, Text, ToolCall, say
from shipworthy.core.registry import create

PLAIN = ("contains", "contains_any", "equals", "json_schema", "length", "regex")
GIVEN = {
    "contains": {"text": "tide"},
    "contains_any": {"texts": ["tide", "ebb"]},
    "equals": {"text": "tide"},
    "json_schema": {"schema": {}},
    "length": {"max": 9},
    "regex": {"pattern": "t.de"},
}


def asked(expected=None):
    return Sample(id="s", messages=(say("user", "please"),), expected=expected)


def one(judge, name, params, answer, expected=None, **how):
    (score,) = judge(create("scorer", name, params), asked(expected), answer, **how)
    return score


CASES = [
    ("contains", {"text": "tide"}, "High tide at six", True),
    ("contains", {"text": "tide"}, "High Tide at six", False),
    ("contains", {"text": "tide", "ignore_case": True}, "High TIDE", True),
    ("contains", {"text": ["tide", "six"]}, "tide at six", True),
    ("contains", {"text": ["tide", "six"]}, "tide at seven", False),
    ("contains", {"text": "no"}, "I know", True),
    ("contains", {"text": "no", "whole_words": True}, "I know", False),
    ("contains", {"text": "no", "whole_words": True}, "I know: no.", True),
    ("contains", {"text": "high tide"}, "high\n  tide", False),
    ("contains", {"text": "high tide", "ignore_space": True}, "high\n  tide", True),
    ("contains", {"text": "\u00e9t\u00e9"}, "en e\u0301te\u0301", True),
    ("contains", {"text": "\u00e9t\u00e9", "unicode": "none"}, "en e\u0301te\u0301", False),
    ("contains", {"text": "tide"}, "\uff54\uff49\uff44\uff45", False),
    ("contains", {"text": "tide", "unicode": "NFKC"}, "\uff54\uff49\uff44\uff45", True),
    ("contains", {"text": "tide", "unicode": "fold"}, "T\u0456d\u200be", True),
    ("contains", {"text": "STRASSE", "ignore_case": True}, "stra\u00dfe", True),
    ("contains_any", {"texts": ["tide", "ebb"]}, "the ebb", True),
    ("contains_any", {"texts": ["tide", "ebb"]}, "the flow", False),
    ("equals", {"text": "yes"}, " yes\n", True),
    ("equals", {"text": "yes", "ignore_space": False}, "yes\n", False),
    ("equals", {"text": "yes"}, "Yes", False),
    ("equals", {"text": ["yes", "no"], "ignore_case": True}, "No", True),
    ("equals", {"text": "yes"}, "yes and no", False),
    ("regex", {"pattern": r"\b[0-9]{4}\b"}, "code 4471.", True),
    ("regex", {"pattern": r"\b[0-9]{4}\b"}, "code 44710", False),
    ("regex", {"pattern": "^code"}, "a\ncode", False),
    ("regex", {"pattern": "(?m)^code"}, "a\ncode", True),
    ("regex", {"pattern": "TIDE", "ignore_case": True}, "tide", True),
    ("regex", {"pattern": "\u00e9t\u00e9"}, "e\u0301te\u0301", True),
    ("length", {"max": 4}, " four ", True),
    ("length", {"max": 3}, "four", False),
    ("length", {"min": 5}, "four", False),
    ("length", {"min": 2, "max": 3, "unit": "words"}, "two  words", True),
    ("length", {"max": 2, "unit": "lines"}, "a\nb\nc", False),
    ("length", {"max": 1}, "e\u0301", True),
    ("json_schema", {"schema": {}}, '{"a": 1}', True),
    ("json_schema", {"schema": {}}, "{'a': 1}", False),
    ("json_schema", {"schema": {}}, 'Here: {"a": 1}', False),
    ("json_schema", {"schema": {}}, "NaN", False),
    ("json_schema", {"schema": {}}, '{"a": 1, "a": 2}', False),
    ("json_schema", {"schema": {}}, "[" * 200_000, False),
    ("json_schema", {"schema": {"required": ["a"]}}, '{"a": 1}', True),
    ("json_schema", {"schema": {"required": ["a"]}}, '{"b": 1}', False),
    ("json_schema", {"schema": {}}, '```json\n{"a": 1}\n```', False),
    ("json_schema", {"schema": {}, "fence": True}, '```json\n{"a": 1}\n```', True),
    ("json_schema", {"schema": {}, "fence": True}, '{"a": 1}', True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "answer", "hit"), CASES)
def test_hits_and_its_opposite_does_not(judge, name, params, answer, hit):
    assert one(judge, name, params, answer).hit is hit
    turned = one(judge, f"not_{name}", params, answer)
    assert (turned.hit, turned.scorer, turned.metric) == (not hit, f"not_{name}", f"not_{name}")


EXPECTED = [
    ("contains", "tide", "the tide", "the ebb"),
    ("contains", ["tide", "six"], "tide, six", "tide"),
    ("contains_any", ["tide", "ebb"], "an ebb", "a flow"),
    ("equals", ["yes", "yes."], "yes.", "no"),
    ("regex", "^[a-c]+$", "abc", "xyz"),
    ("length", {"max": 3}, "abc", "abcd"),
    ("json_schema", {"type": "integer"}, "3", "3.5"),
]


@pytest.mark.parametrize(("name", "expected", "right", "wrong"), EXPECTED)
def test_the_sample_may_say_what_is_expected(judge, name, expected, right, wrong):
    assert one(judge, name, {}, right, expected).hit is True
    assert one(judge, name, {}, wrong, expected).hit is False


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("expected", [None, 3.5, []])
def test_a_sample_that_says_nothing_of_use_cannot_be_scored(judge, name, expected):
    with pytest.raises(ScorerError, match=r"sample s.*expected"):
        one(judge, name, {}, "an answer", expected)


@pytest.mark.parametrize("name", [*PLAIN, *(f"not_{name}" for name in PLAIN)])
@pytest.mark.parametrize("good", ["high", "low"])
@pytest.mark.parametrize("answer", ["", " \n", "\u200b\u00ad", "\x00"])
def test_an_empty_answer_has_no_hit_whatever_is_good(judge, name, good, answer):
    params = GIVEN[name.removeprefix("not_")] | {"good": good}
    score = one(judge, name, params, answer)
    assert (score.hit, score.label) == (None, "empty")


@pytest.mark.parametrize("name", [*PLAIN, *(f"not_{name}" for name in PLAIN)])
def test_no_answer_at_all_is_an_error(judge, name):
    with pytest.raises(ScorerError, match="no answer"):
        one(judge, name, GIVEN[name.removeprefix("not_")], say("user", "and?"))


@pytest.mark.parametrize("name", [*PLAIN, *(f"not_{name}" for name in PLAIN)])
def test_metric_and_direction_are_the_suites_to_say(judge, name):
    params = GIVEN[name.removeprefix("not_")]
    (metric,) = create("scorer", name, params).metrics
    assert (metric.name, metric.good, metric.kind) == (name, "high", "event")
    made = create("scorer", name, params | {"metric": "leaked", "good": "low"})
    assert (made.metrics[0].name, made.metrics[0].bad_event) == ("leaked", True)
    (score,) = judge(made, asked(), "something")
    assert score.metric == "leaked"
    described = made.describe()
    assert json.loads(json.dumps(described)) == described
    assert described != create("scorer", name, params).describe()


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("contains", {"text": ""}, "text: a text to look for is empty"),
        ("contains", {"text": ["a", "\u200b"], "unicode": "fold"}, "empty"),
        ("contains", {"text": [3]}, "in quotes"),
        ("contains", {"text": "a", "good": "hi"}, "good is no 'hi'"),
        ("contains", {"text": "a", "good": False}, "good is no False"),
        ("contains", {"text": "a", "within": "first"}, "within is no 'first'"),
        ("contains", {"text": "a", "unicode": "nfc"}, "unicode is no 'nfc'"),
        ("contains_any", {"texts": []}, "texts: give a text"),
        ("equals", {"text": " "}, "never scored"),
        ("regex", {"pattern": "(a"}, r"scorer 'regex': pattern: missing \)"),
        ("regex", {"pattern": "(?=a)"}, "invalid perl operator"),
        ("regex", {"pattern": "x*"}, "matches the empty text"),
        ("regex", {"pattern": "(a{1000}){1000}"}, "repetition size"),
        ("regex", {"pattern": "a", "unicode": "fold"}, "unicode is no 'fold'"),
        ("length", {"min": 5, "max": 4}, "more than the most"),
        ("length", {"max": -1}, "at least 0"),
        ("length", {"max": True}, "whole numbers"),
        ("length", {"max": 3, "unit": "word"}, "'words'"),
        ("json_schema", {"schema": {"$ref": "#"}}, "not known"),
        ("json_schema", {"schema": [1]}, "a schema is a mapping"),
    ],
)
def test_a_parameter_that_is_none_is_refused_when_the_suite_is_read(name, params, message):
    for id in (name, f"not_{name}"):
        with pytest.raises(PluginError, match=message):
            create("scorer", id, params)


def test_a_call_and_an_earlier_turn_count_where_all_is_looked_at(judge):
    before = (say("assistant", "the tide"), say("user", "and?"))
    called = Message("assistant", (Text("done"), ToolCall(id="1", name="send", arguments={"to": "ebb"})))
    for text in ("tide", "ebb"):
        assert one(judge, "contains", {"text": text}, called, before=before).hit is False
        found = one(judge, "contains", {"text": text, "within": "all"}, called, before=before)
        assert found.hit is True
        assert (found.spans, len(found.elsewhere)) == ((), 1)
    assert one(judge, "contains", {"text": "tide", "within": "all"}, called, before=before).elsewhere == ((1, 4, 8),)


def test_what_was_found_stays_found_when_the_last_answer_is_empty(judge):
    before = (say("assistant", "the tide"), say("user", "and?"))
    bad = {"within": "all", "good": "low"}
    assert one(judge, "contains", bad | {"text": "tide"}, "", before=before).hit is True
    assert one(judge, "regex", bad | {"pattern": "t.de"}, "", before=before).hit is True
    assert one(judge, "not_contains", {"text": "tide", "within": "all"}, "", before=before).hit is False
    assert one(judge, "contains", bad | {"text": "ebb"}, "", before=before).hit is None


edges = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
forms = st.sampled_from(["none", "NFC", "NFKC", "fold"])
needles = st.text("abßé \u0130ﬁ", min_size=1, max_size=6).filter(str.strip)


@settings(max_examples=150, deadline=None)
@given(edges, needles, edges, forms, st.booleans(), st.booleans())
def test_a_text_is_found_between_any_two_others(judge, before, needle, after, form, case, space):
    params = {"text": needle, "unicode": form, "ignore_case": case, "ignore_space": space}
    score = one(judge, "contains", params, f"{before} . {needle} . {after}")
    assert score.hit is True
    assert one(judge, "not_contains", params, f"{before} . {needle} . {after}").hit is False


@settings(max_examples=150, deadline=None)
@given(edges, edges, st.booleans(), st.booleans())
def test_marks_name_what_was_found(judge, before, after, case, space):
    answer = f"{before} . TI DE . {after}"
    params = {"text": "ti de" if case else "TI DE", "ignore_case": case, "ignore_space": space, "unicode": "none"}
    score = one(judge, "contains", params, answer)
    assert score.spans
    assert all(" ".join(answer[a:b].split()).casefold() == "ti de" for a, b in score.spans)


@settings(max_examples=100, deadline=None)
@given(edges.filter(lambda text: any(c.isalnum() for c in text)))
def test_any_answer_equals_itself_and_has_its_length(judge, answer):
    assert one(judge, "equals", {}, answer, answer).hit is True
    size = len(answer.split())
    assert one(judge, "length", {"min": size, "max": size, "unit": "words"}, answer).hit is True
    assert one(judge, "length", {"min": size + 1, "unit": "words"}, answer).hit is False


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | edges, st.lists, max_leaves=6))
def test_any_json_is_json(judge, value):
    assert one(judge, "json_schema", {"schema": {"const": value}}, json.dumps(value)).hit is True


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|a)*b", "(.*a){12}b", "a.*b|a"])
def test_no_pattern_hangs(judge, pattern):
    """Each of them takes a backtracking engine longer than anyone waits, or finds a match at every character."""
    began = time.process_time()
    one(judge, "regex", {"pattern": pattern}, "a" * 100_000 + "!")
    assert time.process_time() - began < 5
