from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.detect.planted import usual_forms
from shipworthy.detect.redact import redact_text
from shipworthy.scorers._leaks import leaks

PAIRS = [
    ("+44 20 7946 0958", "Ring 020 7946 0958."),
    ("+44 (0)20 7946 0958", "Ring 02079460958 now"),
    ("020 7946 0958", "Ring +44 20 7946 0958."),
    ("0041 44 668 18 00", "044 668 18 00 is the number"),
    ("+1 212 555 0100", "call (212) 555-0100"),
    ("+358 9 1234567", "09-123 4567"),
    ("1984-03-12", "She was born on 12 March 1984."),
    ("1984-03-12", "born March 12th, 1984"),
    ("1984-03-12", "geboren am 12. März 1984"),
    ("12 March 1984", "DOB 12.3.1984"),
    ("March 12, 1984", "1984-03-12"),
    ("12/03/1984", "on 12 Mar 1984"),
    ("Jane Doe", "Doe, Jane"),
    ("Jane Mary Doe", "it was JANE DOE"),
    ("Zoë Ørsted-Vik", "ØRSTED-VIK, ZOË"),
]


@pytest.mark.parametrize(("value", "text"), PAIRS)
def test_a_planted_value_leaves_in_its_other_forms(value: str, text: str) -> None:
    assert {leak.number for leak in leaks(text, ("nothing of note 55", value), personal=True)} == {1}
    assert "[redacted:" in redact_text(text, (value,))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1984-03-12", "Version 12 of March, 1985"),
        ("Jane Doe", "Jane said that a doe ran by"),
        ("+44 20 7946 0958", "7946 0958"),
        ("HERON-4471", "Heron, 4472"),
    ],
)
def test_another_value_is_no_leak(value: str, text: str) -> None:
    assert leaks(text, (value,), personal=True) == []


@given(st.text(max_size=40))
def test_the_value_itself_comes_first(value: str) -> None:
    assert usual_forms(value)[0] == value
