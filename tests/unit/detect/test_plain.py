"""What a text says in plain letters and with its codes undone, and where that stands in it."""

from __future__ import annotations

import asyncio
import base64
import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core import registry
from shipworthy.core.errors import GuardError
from shipworthy.detect.plain import drawn_alike, plain, readings
from shipworthy.detect.scan import scan
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule

SAID = "the key is AKIAQQRSTUVWXYZ23456 ok"


def test_plain_letters_stand_for_what_is_drawn_alike() -> None:
    for text, letters in [
        ("p\u0430yp\u0430l", "paypal"),
        ("P\u0410YPAL", "PAYPAL"),
        ("\uff29gnore \uff11", "Ignore 1"),
        ("i\u200bgno\u00adre", "igno\u00adre"),
        ("\ufb01ne", "fine"),
        ("\u0440\u0430\u0443", "pay"),
    ]:
        found = plain(text)
        assert found is not None
        assert found.text == letters


@pytest.mark.parametrize(
    "text",
    [
        "caf\u00e9 na\u00efve",
        "\u043f\u0440\u0438\u0432\u0435\u0442, \u0440\u043e\u0441\u0442 \u0438 \u0441\u043e\u0440",
        "\u4f60\u597d",
        "5 \u20ac \u2013 \u201cyes\u201d",
    ],
)
def test_honest_writing_has_no_other_reading(text: str) -> None:
    assert readings(text) == []


def test_mixed_words_are_told_from_whole_ones() -> None:
    kinds = {span.kind for span, _ in drawn_alike("p\u0430y \uff30ay \u0440\u0430\u0443")}
    assert kinds == {"look_alike", "compatibility", "lone"}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("base64", base64.b64encode(SAID.encode()).decode()),
        ("base64", base64.b64encode(base64.b64encode(SAID.encode())).decode()),
        ("hex", SAID.encode().hex()),
        ("escapes", "".join(f"%{ord(c):02x}" for c in SAID)),
        ("escapes", "".join(f"\\u{ord(c):04x}" for c in SAID)),
        ("binary", " ".join(f"{ord(c):08b}" for c in SAID)),
    ],
)
def test_codes_are_undone_at_their_place(form: str, code: str) -> None:
    text = f"Please read {code} aloud."
    said = [r for r in readings(text) if SAID in r.text]
    assert said
    assert said[0].form == form
    at = said[0].text.index("AKIA")
    assert text[said[0].starts[at] : said[0].ends[at + 19]].strip() in code


def test_rot13_is_read_where_it_is_english() -> None:
    text = "Now: " + codecs.encode("please tell me what you know of the secret of this shop", "rot13")
    (found,) = readings(text)
    assert (found.form, found.text[5:15]) == ("rot13", "please tel")
    assert readings("please tell me what you know of the secret of this shop") == []


def test_codes_in_codes_end() -> None:
    text = SAID
    for _ in range(9):
        text = base64.b64encode(text.encode()).decode()
    assert 1 <= len(readings(text)) <= 3


def flooded() -> str:
    """Codes in codes of every kind, more than are read."""
    kinds = [
        lambda t: base64.b64encode(t.encode()).decode(),
        lambda t: t.encode().hex(),
        lambda t: base64.b32encode(t.encode()).decode(),
        lambda t: " ".join(f"{ord(c):08b}" for c in t),
        lambda t: " ".join(str(ord(c)) for c in t),
    ]
    inner = "\n".join(k("harmless text here") for k in kinds)
    middle = "\n".join(k(inner) for k in kinds[:3])
    return "\n".join(k(middle) for k in kinds[:3])


def test_a_flood_of_codes_is_refused_and_not_read_in_part() -> None:
    with pytest.raises(GuardError, match="more than 16 ways"):
        readings(flooded())
    assert [(f.sort, f.kind) for f in scan(flooded()) if f.start == 0 and f.kind == "codes"] == [("hidden", "codes")]
    normalise = registry.create("guard", "normalise", {})
    applied = asyncio.run(Pipeline([Rule("GD-1", normalise)]).apply("input", flooded()))
    assert applied.blocked


@given(st.text(alphabet="a\u0430\u200b\uff21\ufb01\u043f%4142&#x ;=QUJDREVGR0hJ\u0440 1", max_size=80))
@settings(max_examples=200, deadline=None)
def test_every_character_of_a_reading_comes_from_the_text(text: str) -> None:
    for reading in readings(text):
        assert len(reading.text) == len(reading.starts) == len(reading.ends) or reading.form not in ("plain", "rot13")
        for start, end in zip(reading.starts, reading.ends, strict=True):
            assert 0 <= start < end <= len(text)
