"""A bad event weighed by severity: what it gives, and what it refuses."""

from __future__ import annotations

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.core.records import Sample, say

EVENT = {"use": "contains", "text": "rude", "metric": "rude", "good": "low"}


def sample(severity):
    return Sample(id="SM-1", messages=(say("user", "When?"),), severity=severity)


def made(event=EVENT, **params):
    return registry.create("scorer", "severity_weighted", {"event": event, **params})


def test_a_hit_weighs_as_its_sample(judge) -> None:
    scorer = made()
    assert (scorer.metrics[0].kind, scorer.metrics[0].good, scorer.metrics[0].high) == ("value", "low", 1)
    values = {s: judge(scorer, sample(s), "how rude")[0].value for s in ("S1", "S2", "S3", "S4")}
    assert values == {"S1": 1, "S2": 0.3, "S3": 0.05, "S4": 0.01}
    assert judge(scorer, sample("S1"), "how kind")[0].value == 0
    assert judge(made(weights={"S3": 0.5}), sample("S3"), "how rude")[0].value == 0.5
    assert made(weights={"S3": 0.5}).describe() != scorer.describe()


def test_no_word_is_no_value(judge) -> None:
    [none] = judge(
        made({"use": "harm_level", "of": "harmful"}), sample("S1"), "你好，今天天气很好，我们一起去公园散步吧。"
    )
    assert (none.value, none.label) == (None, "cannot_judge")


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"event": {}}, "write event"),
        ({"event": {"use": "grounded", "of": "helpful"}}, "helpful is good where it happens"),
        ({"event": {"use": "judge", "rubric": "harm"}}, "judge is a judge"),
        ({"weights": {"S5": 1}}, "weights are of S1, S2, S3, S4"),
        ({"weights": {"S1": 2}}, r"must lie in \[0, 1\]"),
    ],
)
def test_what_cannot_be_is_refused(params, told) -> None:
    with pytest.raises(PluginError, match=told):
        made(**params)
