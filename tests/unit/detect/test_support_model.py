from __future__ import annotations

import pytest

from shipworthy.detect.alignment import Gaps, common
from shipworthy.detect.support_features import features, lexical
from shipworthy.detect.support_model import BOUNDED, FORM, load
from shipworthy.detect.wording import opposites, reads_english, sentences, synonyms, words

TEXT = (
    "The harbour was widened after the storm, and larger ships may now berth at the northern quay. The council of the "
    "town paid for the work, and the fishermen were asked to move their boats to the old pier until it was done."
)


def test_words_meet_in_any_spelling() -> None:
    assert [w.plain for w in words("It isn't $1,200, or five per cent: we can\u2019t say.")] == (
        ["it", "is", "not", "$", "1200", "or", "5", "per", "cent", "we", "can", "not", "say"]
    )
    assert words("washing")[0].stem == words("washed")[0].stem


def test_long_speech_is_read_in_pieces() -> None:
    assert [len(s) for s in sentences("word " * 100)] == [30, 30, 30, 10]
    assert sentences("...") == []


def test_lists_of_words_hold_both_ways() -> None:
    assert all(word in opposites()[other] for word, others in opposites().items() for other in others)
    first, second = words("purchase buy")
    assert synonyms()[first.stem] & synonyms()[second.stem]


@pytest.mark.parametrize(
    ("text", "english"), [(TEXT, True), ("Das ist ja nun wirklich kein englischer Satz, oder?", False)]
)
def test_english_is_told_by_small_words(text: str, english: bool) -> None:
    assert reads_english(text) is english


def test_an_alignment_keeps_the_order() -> None:
    assert common("abcd", "xaxbd") == [(0, 1), (1, 3), (3, 4)]
    gaps = Gaps()
    gaps.add(words("the boats were sold"), words("the old boats were quickly painted and sold"))
    found = dict(gaps.features())
    assert (found["left_out"], found["left_out_words"], found["left_out_verb"], found["put_in"]) == (2, 4, 1, 0)


def test_features_have_the_same_names_whatever_the_text() -> None:
    names = list(features("The harbour was widened.", TEXT))
    assert all(list(features(a, t, q)) == names for a, t, q in (("", "", ""), ("!", TEXT, "?"), ("5", "a. b. c", "x")))
    assert set(BOUNDED) | set(FORM) <= set(names)
    assert lexical("only ships may berth", "ships may go") == {"+onl", "+berth", "=may"}


def test_a_paraphrase_is_likelier_supported_than_news() -> None:
    model = load()
    said = (
        "The port was expanded following the storm, so bigger vessels can berth at the northern quay.",
        "The harbour was never widened, and only small ships may berth at the southern quay.",
        "I love pizza, my cousin runs a restaurant in Naples, you should definitely visit!",
    )
    near, against, news = (model.judge(answer, TEXT).chance or 0.0 for answer in said)
    assert near < against < 1
    assert news > 0.5
    assert near < news


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("", TEXT),
        ("The harbour was widened.", ""),
        ("The harbour.", "word " * 5000),
        ("\u6e2f\u53e3\u62d3\u5bbd", TEXT),
    ],
)
def test_what_cannot_be_judged_says_why(answer: str, text: str) -> None:
    assert load().judge(answer, text).why
