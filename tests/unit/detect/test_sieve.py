"""What the sieve keeps back cannot match: on texts that each pattern matches, and on any others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.detect import secrets
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.sieve import Sieve

FORMATS = [*secrets._FORMATS, ("assigned", secrets._ASSIGNED), ("of_word", secrets._OF_WORD)]
SIEVE = secrets._SIEVE


def examples(pattern: Pattern) -> st.SearchStrategy[str]:
    """Return texts that a pattern matches, letters of any case where it folds them."""
    flags = re.IGNORECASE if pattern.ignore_case else 0
    return st.from_regex(re.compile(pattern.source.removeprefix("(?i)"), flags))


@pytest.mark.parametrize("place", range(len(FORMATS)), ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(FORMATS)])
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_a_credential_of_each_format_passes(place: int, data: st.DataObject) -> None:
    encoded = Encoded(data.draw(examples(FORMATS[place][1])))

    matching = {at for at, (_, pattern) in enumerate(FORMATS) if pattern.found(encoded)}

    assert matching <= set(SIEVE.passed(encoded))


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text())
def test_what_does_not_pass_does_not_match(before: str, after: str) -> None:
    encoded = Encoded(before + "Bearer ABCDEFGHIJKLMNOPQRST " + after)

    passed = SIEVE.passed(encoded)

    assert not [at for at, (_, pattern) in enumerate(FORMATS) if at not in passed and pattern.found(encoded)]


def test_most_formats_are_kept_back_from_a_plain_text() -> None:
    assert len(SIEVE.passed(Encoded("Thank you for your patience."))) < 8


def test_a_pattern_without_a_string_of_its_own_always_passes() -> None:
    assert Sieve([Pattern("[0-9]+"), Pattern("needle")]).passed(Encoded("")) == [0]


def test_nothing_passes_where_nothing_can_match() -> None:
    assert Sieve([Pattern("needle")]).passed(Encoded("hay")) == []


def test_letters_of_another_case_pass_where_the_pattern_folds_them() -> None:
    assert Sieve([Pattern("needle", ignore_case=True)]).passed(Encoded("NEEDLE")) == [0]
