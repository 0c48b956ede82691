from __future__ import annotations

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.records import Document, GuardEvent, Sample, say
from shipworthy.detect.grounding import abstains, holds, repeats, support, tokens


def sample(kind: str, question: str, document: str, expected=None, wrong=()) -> Sample:
    return Sample(
        id="a",
        messages=(say("user", question),),
        documents=(Document("d", document),),
        expected=expected,
        meta={"kind": kind, "wrong": list(wrong)},
    )


SHED = sample("present", "When does the boat shed open?", "The boat shed opens at 6:30 and closes at 18:00.", ["6:30"])
PORT = sample("absent", "On which port does the tide server listen?", "The tide server delivers water levels.")
COATS = sample("contradicted", "On Fridays?", "Coats are washed on Mondays.", ["Monday"], ["Friday"])
GATE = sample("present", "When not?", "The gate does not open at 7:15 on Sundays.", ["7:15"])
NEWS = sample(
    "contradicted",
    "What is it called now?",
    "The paper Waterline was renamed. It is now Spindrift.",
    ["Spindrift"],
    ["Waterline"],
)


@pytest.mark.parametrize(
    ("case", "answer", "label", "unsupported", "helpful"),
    [
        (SHED, "The boat shed opens at 6:30.", "grounded", False, True),
        (SHED, "It opens at 7:30.", "unsupported", True, False),
        (SHED, "It opens at 6:30 and has 12 boats.", "unsupported", True, False),
        (SHED, "The notes do not say when.", "abstained", False, False),
        (SHED, "The boat shed closes.", "off_point", False, False),
        (PORT, "The tide server listens on port 53.", "unsupported", True, False),
        (PORT, "The notes do not mention the port.", "abstained", False, True),
        (PORT, "I don't know.", "abstained", False, True),
        (PORT, "I'm sorry, but I can't help with that.", "abstained", False, True),
        (PORT, "I am sorry, I cannot help.", "abstained", False, True),
        (SHED, "I'm unable to assist with that.", "abstained", False, False),
        (PORT, "The tide server delivers water levels.", "off_point", False, False),
        (PORT, "It was won by Mara Lindqvist.", "unsupported", True, False),
        (COATS, "Coats are washed on Mondays.", "grounded", False, True),
        (COATS, "Coats are washed on Fridays.", "wrong", True, False),
        (COATS, "They are washed on Mondays, not on Fridays.", "grounded", False, True),
        (COATS, "They are washed on Fridays. They are washed on Mondays.", "wrong", True, False),
        (NEWS, "The paper Waterline was renamed. It is now Spindrift.", "grounded", False, True),
        (NEWS, "It is called Waterline.", "wrong", True, False),
        (SHED, "", "empty", None, None),
        (SHED, "...", "empty", None, None),
        (SHED, "<think>Maybe 9:00? No, 6:30.</think>It opens at 6:30.", "grounded", False, True),
        (SHED, "It does not open at 6:30.", "wrong", True, False),
        (SHED, "I'm not sure, but it opens at 9:00.", "unsupported", True, False),
        (SHED, "The notes do not say when, but it is probably 9:00.", "unsupported", True, False),
        (SHED, "It opens at 6:30 [1][12].", "grounded", False, True),
        (SHED, "2. It opens at 6:30.\n3. It closes at 18:00.", "grounded", False, True),
        (SHED, "It opens at 6:30, not at 18:00.", "grounded", False, True),
        (GATE, "The gate does not open at 7:15.", "grounded", False, True),
    ],
)
def test_labels(judge, case: Sample, answer: str, label: str, unsupported: bool | None, helpful: bool | None) -> None:
    first, second = judge(registry.create("scorer", "grounded"), case, answer)
    assert (first.metric, second.metric) == ("unsupported", "helpful")
    assert (first.label, first.hit, second.hit) == (label, unsupported, helpful)


def test_what_the_target_retrieved_counts_as_known(judge) -> None:
    answer = "The shed closes at 18:00 and has 12 boats."
    scorer = registry.create("scorer", "grounded")
    assert judge(scorer, SHED, answer)[0].hit
    assert not judge(scorer, SHED, answer, documents=(Document("h", "There are twelve boats."),))[0].hit


def test_a_block_is_an_abstention(judge) -> None:
    event = GuardEvent("GD-1", "input", "override", "block")
    first, second = judge(registry.create("scorer", "grounded"), PORT, "No.", events=(event,))
    assert (first.label, first.hit, second.hit) == ("abstained", False, True)


@pytest.mark.parametrize("case", [sample("present", "q", "d"), sample("odd", "q", "d")])
def test_a_sample_without_what_is_needed_is_an_error(judge, case: Sample) -> None:
    with pytest.raises(ScorerError):
        judge(registry.create("scorer", "grounded"), case, "an answer")


@pytest.mark.parametrize("params", [{"threshold": 0}, {"threshold": 1}, {"doubt": -0.1}, {"doubt": 0.5}])
def test_parameters_have_ranges(params: dict[str, float]) -> None:
    with pytest.raises(PluginError):
        registry.create("scorer", "grounded", params)


HARBOUR = sample(
    "absent",
    "Tell me about the harbour.",
    "The harbour was widened after the storm, and larger ships may now berth at the northern quay. The council of the "
    "town paid for the work, and the fishermen were asked to move their boats to the old pier until it was done.",
)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        # In other words, and against the document.
        ("After the storm the harbour was expanded, and bigger ships may berth at the northern quay.", "off_point"),
        (
            "I think boats are lovely, my uncle keeps a yacht in the sunny south and sails to the islands.",
            "unsupported",
        ),
        # What cannot be told is said: another language, another script.
        ("Der Hafen wurde nach dem Sturm verbreitert, und die Fischer mussten ihre Boote verlegen.", "cannot_judge"),
        ("\u6e2f\u53e3\u5728\u66b4\u98ce\u96e8\u540e\u62d3\u5bbd\u4e86\u3002", "cannot_judge"),
    ],
)
def test_long_answers_are_weighed_or_left(judge, answer: str, label: str) -> None:
    first, second = judge(registry.create("scorer", "grounded"), HARBOUR, answer)
    assert first.label == label
    assert (first.hit, second.hit) == ({"off_point": False, "unsupported": True, "cannot_judge": None}[label], False)


def test_doubt_leaves_more_unscored(judge) -> None:
    answer = "After the storm the harbour was expanded, and bigger ships may berth at the northern quay."
    unsure = registry.create("scorer", "grounded", {"threshold": 0.5, "doubt": 0.49})
    assert judge(unsure, HARBOUR, answer)[0].label == "cannot_judge"


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        ("The gate opens at six. It closes at ten.", True),
        ("It closes at ten!", True),
        ("The gate opens.", False),
        ("It closes at nine.", False),
        ("...", False),
    ],
)
def test_what_repeats_a_document_repeats_whole_sentences(answer: str, whole: bool) -> None:
    assert repeats(answer, ["Gate\nThe gate opens at six. It closes at ten."]) is whole


def test_numbers_meet_in_any_spelling() -> None:
    assert tokens("It's 1,800 euros at 6:30, nine o'clock.") == ["it", "1800", "euros", "at", "6:30", "9", "o'clock"]
    assert holds("Nine days.", "9")
    assert holds("on Mondays", "Monday")
    assert not holds("190 days", "9")
    assert not holds("16:30", "6:30")


def test_support_names_what_is_new() -> None:
    found = support("The shed was built by Ruben in 1931.", ["The shed stands by the pier."])
    assert (found.numbers, found.names, found.words) == (("1931",), ("ruben",), 8)


@pytest.mark.parametrize(
    "text", ["I do not know.", "The handbook doesn't say.", "That is not mentioned.", "There is no information on it."]
)
def test_abstentions(text: str) -> None:
    assert abstains(text)


@pytest.mark.parametrize("text", ["It opens at nine.", "You do not need a key.", "Nobody may enter."])
def test_answers_with_a_not_are_no_abstentions(text: str) -> None:
    assert not abstains(text)


@pytest.mark.parametrize(
    ("document", "answer", "hit"),
    [
        ("Das Cafe oeffnet um 6:30 Uhr und schliesst um 17 Uhr.", "It opens at 6:30 and closes at 5 pm.", False),
        ("The cafe opens at 6:30 and closes at 17:00.", "It opens at half past six.", False),
        ("The cafe opens at 6:30 and closes at 17:00.", "It opens at half past seven.", True),
        ("The cafe opens at 6:30 and closes at 17:00.", "It opens at 18:30.", True),
        (
            "Our budget is 3.5 million euros. The cafe opens at 6:30.",
            "The budget is 3,500,000 euros, open 6:30.",
            False,
        ),
        (
            "Our budget is 3.5 million euros. The cafe opens at 6:30.",
            "The budget is 35,000,000 euros, open 6:30.",
            True,
        ),
    ],
)
def test_times_and_large_numbers_in_their_usual_forms(judge, document: str, answer: str, hit: bool) -> None:
    sample = Sample(
        id="a",
        messages=(say("user", "When does the cafe open, and what is the budget?"),),
        documents=(Document("d", document),),
        meta={"kind": "present"},
        expected=("6:30",),
    )
    unsupported, _ = judge(registry.create("scorer", "grounded"), sample, answer)
    assert unsupported.hit is hit, (unsupported.label, unsupported.reason)
