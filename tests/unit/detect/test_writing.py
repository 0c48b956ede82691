from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.detect import pii
from shipworthy.detect.redact import redact_text
from shipworthy.detect.secrets import find as credentials
from shipworthy.detect.writing import written

ALPHABET = st.sampled_from(
    "aZ4-. \t\n\r\u00a0\u202f\u2011\u2013\u2212\u200b\u00ad\ufe0f\uff14\u0664\u00b2\u2028\U000e0034\u017f\ufb01"
)
TEXTS = st.text(ALPHABET, max_size=60)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("4111\u00a01111\u202f1111\u20091111", "4111 1111 1111 1111"),
        ("536\u201190\u20134399", "536-90-4399"),
        ("\uff14\uff11 \u0664\u0661 \u096a", "41 41 4"),
        ("4\u200b1\u00ad1\ufe0f1\u2060", "4111"),
        ("two  blanks\tand  tabs", "two blanks and tabs"),
        ("one \r\n two\n\n\nthree", "one\ntwo\n\nthree"),
        ("536-90-\n4399", "536-90-4399"),
        ("driver\u2019s \u201clicense\u201d", 'driver\'s "license"'),
        ("a note\u00b2", "a note^"),
        ("Case, na\u00efve and caf\u00e9 stay", "Case, na\u00efve and caf\u00e9 stay"),
    ],
)
def test_one_writing(text: str, plain: str) -> None:
    assert written(text).text == plain


@given(TEXTS)
def test_the_map_leads_back(text: str) -> None:
    plain = written(text)
    assert len(plain.text) == len(plain.origin) == len(plain.unwrapped)
    assert list(plain.origin) == sorted(plain.origin)
    assert all(0 <= at < len(text) for at in plain.origin)
    for i, char in enumerate(plain.text):
        if char.isalnum() and char.isascii():
            assert written(text[plain.origin[i]]).text.strip()


@given(TEXTS)
def test_writing_again_changes_nothing(text: str) -> None:
    plain = written(text).text
    assert written(plain).text == plain


@given(TEXTS, TEXTS)
def test_what_stands_before_changes_no_more_than_the_joint(before: str, text: str) -> None:
    """A window of a text is written as the text is, but for blanks at its edge."""
    whole = written(before + "x" + text).text
    assert whole.endswith(written("x" + text).text)


VALUES = {
    "card": "4111 1111 1111 1111",
    "us_ssn": "536-90-4399",
    "iban": "GB29 NWBK 6016 1331 9268 19",
    "phone": "+44 20 7946 0958",
    "in_aadhaar": "2363 4567 8904",
    "date_of_birth": "12 March 1984",
    "ip": "203.0.113.77",
    "ch_ahv": "756.9217.0769.85",
}
TYPOGRAPHY = {
    "no-break blanks": lambda v: v.replace(" ", "\u00a0"),
    "narrow blanks": lambda v: v.replace(" ", "\u202f"),
    "two blanks": lambda v: v.replace(" ", "  "),
    "tabs": lambda v: v.replace(" ", "\t"),
    "a line wrap": lambda v: v.replace(" ", "\n", 1).replace("-", "-\n", 1),
    "no-break hyphens": lambda v: v.replace("-", "\u2011"),
    "dashes": lambda v: v.replace("-", "\u2013"),
    "minus signs": lambda v: v.replace("-", "\u2212"),
    "full width": lambda v: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in v),
    "Arabic-Indic digits": lambda v: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in v),
    "a zero-width space inside": lambda v: v[:6] + "\u200b" + v[6:],
    "a soft hyphen inside": lambda v: v[:5] + "\u00ad" + v[5:],
    "a variation selector inside": lambda v: v[:4] + "\ufe0e" + v[4:],
}


@pytest.mark.parametrize("name", TYPOGRAPHY)
@pytest.mark.parametrize("kind", VALUES)
def test_typography_hides_no_personal_value(kind: str, name: str) -> None:
    value = TYPOGRAPHY[name](VALUES[kind])
    text = f"born {value}, thanks" if kind == "date_of_birth" else f"it is {value}, thanks"
    spans = [s for s in pii.find(text) if s.kind == kind]
    assert value in [text[s.start : s.end] for s in spans]
    assert value not in redact_text(text)
    assert redact_text(redact_text(text)) == redact_text(text)


def test_typography_hides_no_credential() -> None:
    text = "the key is AKIA\u200bQ3EGRZ6W\u00ad2MZT4LQP, keep it"
    (span,) = credentials(text)
    assert span.kind == "aws_key"
    assert text[span.start : span.end].startswith("AKIA")
    assert text[span.start : span.end].endswith("4LQP")


@pytest.mark.parametrize(
    "text",
    [
        "364596 1667470478 089758",
        "RFC 2119 3339 5322",
        "Price 1 000 000 000 EUR",
        "load 01.696170 of 02.118",
        "seasons 2020-2023",
        "pip install foo==1.2.3.4",
        "Windows 11 Home Court",
        "Chapter 3 The Long Road",
        "00100100 00100001",
        "4111 1111\n\n1111 1111",
    ],
)
def test_numbers_of_other_things_are_left_alone(text: str) -> None:
    assert pii.find(text) == []


@settings(deadline=None)
@given(st.text(ALPHABET, max_size=40), st.integers(0, 400))
def test_a_finding_within_reach_is_one_that_a_window_shows(pad: str, hidden: int) -> None:
    """A number with very much hidden inside is found in a text, and left to the whole text by a stream."""
    text = "x 4111 1111" + "\u200b" * hidden + " 1111 1111 y" + pad
    assert any(s.kind == "card" for s in pii.find(text))
    for span in pii.find(text, reach=pii.REACH):
        assert span.end - span.start <= pii.REACH
