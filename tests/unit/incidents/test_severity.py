"""The recommendation: worked examples, floors, and that a worse answer is never milder."""

from __future__ import annotations

import itertools

import pytest

from shipworthy.core.severity import worse
from shipworthy.incidents.severity import WEIGHTS, SeverityFactors, recommend, words_of

EVERY = [SeverityFactors(*words) for words in itertools.product(*(words_of(name) for name in WEIGHTS))]


@pytest.mark.parametrize(
    ("factors", "severity"),
    [
        (("high", "few", "irreversible", "none"), "S1"),  # another person's data leaves, nobody did anything
        (("high", "one", "irreversible", "usual"), "S2"),
        (("moderate", "public", "irreversible", "usual"), "S1"),  # a cruel answer goes around
        (("moderate", "public", "costly", "provoked"), "S2"),  # a jailbreak is passed on
        (("moderate", "one", "costly", "usual"), "S3"),
        (("low", "one", "reversible", "provoked"), "S4"),
        (("severe", "one", "irreversible", "provoked"), "S1"),  # the floor
        (("severe", "one", "reversible", "provoked"), "S2"),  # the floor
    ],
)
def test_worked_examples(factors, severity):
    assert recommend(SeverityFactors(*factors)).severity == severity


def test_a_worse_answer_is_never_milder():
    for factors in EVERY:
        here = recommend(factors).severity
        for name, word in factors._asdict().items():
            words = words_of(name)
            for other in words[words.index(word) + 1 :]:
                there = recommend(factors._replace(**{name: other})).severity
                assert not worse(here, than=there), (factors, name, other)


def test_what_cannot_be_undone_and_is_severe_is_always_s1():
    for factors in EVERY:
        if (factors.impact, factors.reversibility) == ("severe", "irreversible"):
            assert recommend(factors).severity == "S1"


def test_it_says_what_it_multiplied_and_what_would_change_it():
    advice = recommend(SeverityFactors("moderate", "public", "costly", "usual"))
    assert advice.why[0].startswith("impact moderate (3) x reach public (8) x")
    assert advice.product == 24
    changes = [one for one in advice.why if one.startswith("It would be")]
    assert "It would be S1 if reversibility were irreversible." in changes
    for sentence in changes:
        severity, _, rest = sentence.removeprefix("It would be ").partition(" if ")
        name, _, word = rest.removesuffix(".").partition(" were ")
        other = SeverityFactors("moderate", "public", "costly", "usual")._replace(**{name: word})
        assert recommend(other).severity == severity


def test_a_word_that_is_none_is_refused():
    with pytest.raises(ValueError, match="reach is one of one, few, many, public"):
        recommend(SeverityFactors("low", "all", "costly", "usual"))
