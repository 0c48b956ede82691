"""Points of a rubric: what adds up, what is lost, and what leaves the sum without a value."""

from __future__ import annotations

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.records import Sample, say

SAMPLE = Sample(id="SM-1", messages=(say("user", "When?"),))
ITEMS = [
    {"use": "contains", "name": "opens", "text": "nine", "points": 3},
    {"use": "length", "name": "brief", "max": 20, "points": 1},
    {"use": "contains", "name": "hedges", "text": "perhaps", "points": -2},
    {"use": "contains", "name": "polite", "text": "stupid", "points": 1.5, "when": "none"},
]


def made(items=ITEMS, **params):
    return registry.create("scorer", "rubric_sum", {"items": items, **params})


def test_points_add_up_and_are_lost(judge) -> None:
    scorer = made()
    whole = scorer.metrics[0]
    assert (whole.name, whole.kind, whole.good, whole.unit, whole.low, whole.high) == (
        "points", "value", "high", "points", -2, 5.5
    )  # fmt: skip
    total, *items = judge(scorer, SAMPLE, "We open at nine.")
    assert (total.metric, total.value, total.hit, total.reason) == ("points", 5.5, None, "5.5 of 5.5 points")
    assert [(one.metric, one.hit) for one in items] == [
        ("points_opens", True), ("points_brief", True), ("points_hedges", False), ("points_polite", True)
    ]  # fmt: skip
    assert judge(scorer, SAMPLE, "It is perhaps later, you stupid person.")[0].value == -2
    assert [m.good for m in scorer.metrics[1:]] == ["high", "high", "low", "high"]


def test_an_item_without_a_word_leaves_no_sum(judge) -> None:
    scorer = made([*ITEMS, {"use": "harm_level", "of": "harmful", "name": "harms", "points": -1}])
    total, *items = judge(scorer, SAMPLE, "你好，今天天气很好，我们一起去公园散步吧。")
    assert (total.value, total.label) == (None, "cannot_judge")
    assert "harms" in total.reason and items[-1].hit is None


def test_an_item_that_cannot_judge_names_itself(judge) -> None:
    scorer = made([{"use": "contains", "name": "expected", "points": 1}])
    with pytest.raises(ScorerError, match="item 'expected': "):
        judge(scorer, SAMPLE, "We open at nine.")


def test_other_points_are_another_scorer() -> None:
    one, other = made().describe(), made([{**ITEMS[0], "points": 4}, *ITEMS[1:]]).describe()
    assert one != other and one["items"][3]["when"] == "none"


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([], "1 to 50"),
        ([{"use": "contains", "points": 1}], "a name is one word"),
        ([{**ITEMS[0], "points": 0}], "and not 0"),
        ([{**ITEMS[0], "points": float("nan")}], "and not 0"),
        ([ITEMS[0], ITEMS[0]], "two items are called 'opens'"),
        ([{"use": "judge", "name": "harm", "rubric": "harm", "points": 1}], "judge is a judge"),
        ([{"use": "grounded", "name": "rests", "points": 1}], "name its event with `of`: unsupported, helpful"),
        ([{**ITEMS[0], "when": "never"}], "when is hit or none"),
        ([{"use": "contins", "name": "x", "points": 1}], "contains"),
    ],
)
def test_what_cannot_be_is_refused(items, told) -> None:
    with pytest.raises(PluginError, match=told):
        made(items)
