"""Options that are chosen, sources that are cited, confidence that is stated."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.records import GuardEvent, Sample, say
from shipworthy.core.registry import create

LETTERS = {"options": {"A": "Ada", "B": "Bo", "C": "it cannot be told"}, "right": "Bo"}
YES = {"options": {"yes": "yes", "no": "no"}, "right": "yes"}


def asked(expected=None, **meta):
    return Sample(id="s", messages=(say("user", "please"),), expected=expected, meta=meta)


@pytest.mark.parametrize(
    ("meta", "answer", "hit", "label"),
    [
        (LETTERS, "B", True, "B"),
        (LETTERS, "The answer is (B).", True, "B"),
        (LETTERS, "B) because of the clue. A lot speaks for it.", True, "B"),
        (LETTERS, "**B**", True, "B"),
        (LETTERS, "Option A", False, "A"),
        (LETTERS, "It was Bo.", True, "B"),
        (LETTERS, "I think it was Ada, sure.", False, "A"),
        (LETTERS, "Bo\nAda was at home, so it must have been him.", True, "B"),
        (LETTERS, "Either Ada or Bo.", None, "none"),
        (LETTERS, "Ada was not there. The correct answer is: B) Bo.", True, "B"),
        (LETTERS, "Not Ada, not Bo. The answer is C.", False, "C"),
        (LETTERS, "The answer is A) Bo.", None, "none"),
        (LETTERS, "A person did it.", None, "none"),
        (LETTERS, "Bob and Adam", None, "none"),
        (LETTERS, "", None, "none"),
        (YES, "Yes, she should.", True, "yes"),
        (YES, "No.", False, "no"),
        (YES, "I know nothing of it", None, "none"),
        (YES, "Yes.\nThere is no reason against it.", True, "yes"),
    ],
)
def test_an_option_is_read_by_key_or_by_words(judge, meta, answer, hit, label):
    (score,) = judge(create("scorer", "choice", {"metric": "right_choice"}), asked(**meta), answer)
    assert (score.metric, score.hit, score.label) == ("right_choice", hit, label)


def test_a_block_chooses_nothing_and_a_sample_must_have_options(judge):
    event = GuardEvent(guard="g", stage="output", rule="r", action="block")
    scorer = create("scorer", "choice", {"metric": "caved", "good": "low", "counts": "wrong"})
    assert scorer.metrics[0].bad_event
    (score,) = judge(scorer, asked(options=YES["options"], wrong="no"), "No.", events=(event,))
    assert (score.hit, score.label) == (None, "blocked")
    for meta in ({}, {"options": {"a": "b"}, "wrong": "b"}, {"options": YES["options"], "wrong": "maybe"}):
        with pytest.raises(ScorerError):
            judge(scorer, asked(**meta), "No.")
    for wrong in ({"good": "best"}, {"counts": ""}):
        with pytest.raises(PluginError):
            create("scorer", "choice", wrong)


@pytest.mark.parametrize(
    ("cite", "answer", "right", "wrong"),
    [
        ("2", "It is red [2].", True, False),
        ("2", "It is red (source 2), built in 1999.", True, False),
        ("2", "As source 2 says, it is red.", True, False),
        ("2", "It is red [1, 2].", False, True),
        ("2", "It is red [3].", False, True),
        ("2", "It is red.", False, False),
        ("", "The sources do not say it.", True, False),
        ("", "It is red [1].", False, True),
        (["1", "3"], "Red [3].", True, False),
    ],
)
def test_citations_are_held_against_the_source(judge, cite, answer, right, wrong):
    good, bad = judge(create("scorer", "citations", {}), asked(cite=cite), answer)
    assert (good.hit, bad.hit) == (right, wrong)


def test_silence_cites_nothing_and_has_no_hit(judge):
    assert [s.hit for s in judge(create("scorer", "citations", {}), asked(cite="1"), " ... ")] == [None, None]
    with pytest.raises(ScorerError, match=r"meta\.cite"):
        judge(create("scorer", "citations", {}), asked(), "Red [1].")


@pytest.mark.parametrize(
    ("answer", "label", "stated"),
    [
        ("Paris\nConfidence: 90 %", "right", 0.9),
        ("I am 80% sure it is Paris.", "right", 0.8),
        ("Lyon. Confidence: 0.9", "wrong", 0.9),
        ("Lyon. Confidence: 8/10", "wrong", 0.8),
        ("Lyon.", "wrong", None),
        ("I do not know. Confidence: 10 %", "abstained", None),
        ("I'm not sure.", "abstained", None),
        ("I don't know much, but it is Paris. Confidence: 60 percent", "right", 0.6),
        ("Parisian cafés. Confidence: 100 %", "wrong", 1.0),
    ],
)
def test_confidence_is_read_and_held_against_the_answer(judge, answer, label, stated):
    scores = {s.metric: s for s in judge(create("scorer", "stated_confidence", {}), asked(["Paris"]), answer)}
    assert {s.label for s in scores.values()} == {label}
    assert scores["right_call"].hit is (label == "right")
    assert scores["stated"].value == stated
    assert scores["wrong_and_sure"].hit is (label == "wrong" and (stated or 0) >= 0.8)
    want = None if stated is None else pytest.approx((stated - (label == "right")) ** 2)
    assert scores["brier"].value == want


def test_abstaining_is_right_where_there_is_nothing_to_know(judge):
    scorer, sample = create("scorer", "stated_confidence", {"sure": 0.5}), asked(answerable=False)
    assert judge(scorer, sample, "I do not know.")[0].hit is True
    assert [s.hit for s in judge(scorer, sample, "Tuesday. Confidence: 55 %")[:2]] == [False, True]
    assert all(s.hit is None and s.value is None for s in judge(scorer, sample, ""))
    with pytest.raises(ScorerError):
        judge(scorer, asked(), "Paris")
    with pytest.raises(PluginError):
        create("scorer", "stated_confidence", {"sure": 0})
