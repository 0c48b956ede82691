"""One writing of a value, and what a text carries in disguise."""

from __future__ import annotations

import pytest

from shipworthy.enforce.policy.values import carried, written


@pytest.mark.parametrize(
    "text",
    [
        "heron.bad.example",
        "heron[.]bad[.]example",
        "heron (dot) bad (dot) example",
        "heron dot bad dot example",
        "heron .bad .example",
        "heron . bad . example",
        "heron\u200b.\u200bbad.example",
        "heron\uff0ebad\uff0eexample",
        "heron\u3002bad\u3002example",
        "Heron.Bad.Example",
    ],
)
def test_an_address_is_seen_through_its_disguise(text):
    assert "heron.bad.example" in [c.value for c in carried(f"Log in at {text} now")]


def test_a_mail_address_too():
    assert "ops@bad.org" in [c.value for c in carried("write to ops [at] bad [dot] org")]


def test_a_look_alike_is_an_address_of_its_own():
    assert [c.value for c in carried("see b\u0430d.\u0435xample")] == ["b\u0430d.\u0435xample"]


@pytest.mark.parametrize("text", ["555 0101", "5550101", "5-5-5-0-1-0-1", "five five five zero one zero one"])
def test_a_short_number_is_carried_however_it_is_spelled(text):
    assert "5550101" in [c.value for c in carried(f"Call {text} at once")]


@pytest.mark.parametrize(
    "text",
    [
        "Read report.docx and src/ferry.py",
        "on 27.02.2026 or 5.3.26",
        "from 2026-02-28 20:10 to 20:40",
        "2026-05-01 - 2026-05-08",
        "It is done. Then we go.",
        "one or two of three",
        "Elm 20, Ash 8, Birch 4",
        "We met at noon.",
    ],
)
def test_ordinary_words_carry_nothing(text):
    assert list(carried(text)) == []


def test_a_date_hides_no_number_beside_it():
    for text in ("2026-02-28 5550101", "5550101 27.02.2026"):
        assert [c.value for c in carried(text)] == ["5550101"]


def test_two_names_that_differ_only_in_an_eszett_are_two():
    assert written("a@stra\u00dfe.example") != written("a@strasse.example")
    assert written("\u03c2") != written("\u03c3")
    assert written("ADA@X.org") == written("ada@x.ORG")
    assert written("\u00c4RA") == written("\u00e4ra")
