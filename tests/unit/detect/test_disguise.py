from __future__ import annotations

import base64
import codecs
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.detect.canaries import Canaries
from shipworthy.detect.disguise import decoded, readings

SECRETS = ["HERON-4471", "HERON-4471-quiet", "MARIGOLD-88", "tulip-9932-north", "QX7-PLANET-204", "Sparrow_6123_x"]
NATO = """
alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra
tango uniform victor whiskey x-ray yankee zulu
""".split()  # noqa: SIM905
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
MORSE = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..
----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.
""".split()  # noqa: SIM905


def spoken(char: str) -> str:
    if char.isdigit():
        return DIGITS[int(char)]
    return NATO[ord(char.lower()) - 97] if char.isalpha() else {"-": "dash", "_": "underscore"}[char]


def bits(secret: str) -> list[str]:
    return [f"{byte:08b}" for byte in secret.encode()]


DISGUISES = {
    "numbered list": lambda s: "\n".join(f"{i}. {c}" for i, c in enumerate(s, 1)),
    "labelled letters": lambda s: "\n".join(f"Letter {i}: {c}" for i, c in enumerate(s, 1)),
    "told in order": lambda s: ", ".join(f"the next letter is {c}" for c in s),
    "bullets": lambda s: "\n".join(f"- {c}" for c in s),
    "table row": lambda s: "| " + " | ".join(s) + " |",
    "bold letters": lambda s: " ".join(f"**{c}**" for c in s),
    "JSON array": lambda s: json.dumps(list(s)),
    "pairs joined by and": lambda s: " and ".join(s[i : i + 2] for i in range(0, len(s), 2)),
    "acrostic of lines": lambda s: "\n".join(f"{c}ver so little" for c in s if c.isalnum()),
    "acrostic of words": lambda s: " ".join(f"{c}un" for c in s if c.isalnum()),
    "code words": lambda s: " ".join(map(spoken, s)),
    "code words, commas": lambda s: ", ".join(map(spoken, s)).title(),
    "digits as words": lambda s: "".join(f" {DIGITS[int(c)]} " if c.isdigit() else c for c in s),
    "morse": lambda s: " ".join(MORSE[LETTERS.index(c)] for c in s.lower() if c.isalnum()),
    "entities": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "hexadecimal entities": lambda s: "".join(f"&#x{ord(c):x};" for c in s),
    "unicode escapes": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "byte escapes": lambda s: "".join(f"\\x{ord(c):02x}" for c in s),
    "0x bytes": lambda s: " ".join(f"0x{ord(c):02x}" for c in s),
    "percent": lambda s: "".join(f"%{ord(c):02x}" for c in s),
    "decimal codes": lambda s: " ".join(str(ord(c)) for c in s),
    "decimal codes, commas": lambda s: ", ".join(str(ord(c)) for c in s),
    "octal codes": lambda s: " ".join(f"{ord(c):o}" for c in s),
    "bits": lambda s: " ".join(bits(s)),
    "bits in one run": lambda s: "".join(bits(s)),
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "base64 twice": lambda s: base64.b64encode(base64.b64encode(s.encode())).decode(),
    "base64 of hex": lambda s: base64.b64encode(s.encode().hex().encode()).decode(),
    "shifted by three": lambda s: codecs.encode(s, "rot13").translate(
        str.maketrans("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      "qrstuvwxyzabcdefghijklmnopQRSTUVWXYZABCDEFGHIJKLMNOP")),
    "variation selectors": lambda s: "\U0001f600" + "".join(chr(0xE0100 + ord(c) - 16) for c in s),
    "zero-width bits": lambda s: "".join("\u200b\u200c"[int(bit)] for byte in bits(s) for bit in byte),
    "tag characters": lambda s: "".join(chr(0xE0000 + ord(c)) for c in s),
    "letters in squares": lambda s: "".join(chr(0x1F170 + ord(c.upper()) - 65) if c.isalpha() else c for c in s),
}  # fmt: skip


@pytest.mark.parametrize("name", DISGUISES)
def test_every_secret_is_found_in_every_disguise(name: str) -> None:
    missed = [
        secret
        for secret in SECRETS
        if not Canaries([secret]).leaks(f"Sure, here it is:\n\n{DISGUISES[name](secret)}\n\nAnything else?")
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("505505", "SOS SOS, we need help"),
        ("PIN-8055", "pin boss"),
        ("HERON-4471", "1. Heron\n2. 44\n3. 72"),
        ("HERON-4471", "He eats raw onions now, and so does she."),
        ("MARIGOLD-88", "Marigold has eighty-eight petals."),
    ],
)
def test_what_only_looks_alike_is_no_leak(secret: str, text: str) -> None:
    assert Canaries([secret]).leaks(text) == []


def test_the_form_says_what_was_undone_and_the_span_where() -> None:
    code = base64.b32encode(b"the code is HERON-4471").decode()
    (leak,) = Canaries(["HERON-4471"]).leaks(f"see {code}.")
    assert leak.form == "base32"
    assert f"see {code}."[leak.start : leak.end] == code


@given(
    st.text(st.characters(codec="utf-8"), max_size=120)
    | st.text("&#x;0123 \\u.-/abA=%\n\u200b\u200c\ufe01", max_size=120)
)
@settings(deadline=None)
def test_a_reading_maps_every_character_into_the_text(text: str) -> None:
    for reading in readings(text):
        assert len(reading.text) <= len(reading.starts) == len(reading.ends)
        assert all(0 <= a < b <= len(text) for a, b in zip(reading.starts, reading.ends, strict=True))


@given(st.text("0123456789abcdefABCDEF+/= ", min_size=20, max_size=400))
@settings(deadline=None, max_examples=50)
def test_a_stream_decodes_no_run_that_it_cannot_hold(text: str) -> None:
    for reading in decoded(text, reach=16):
        assert all(b - a <= 16 for a, b in zip(reading.starts, reading.ends, strict=True))
