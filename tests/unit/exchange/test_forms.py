"""A credential is found in every form in which an endpoint may repeat it, whole and cut into pieces."""

from __future__ import annotations

import asyncio
import binascii
import codecs
import html
import json
from base64 import a85encode, b32encode, b32hexencode, b64encode, b85encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Delta, Request, say
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.forms import MARK, Forms
from shipworthy.exchange.hidden import Hidden

KEY = "sk-Proj_0aB9/xY+z=Q7w8é"
CODE = b64encode(KEY.encode()).decode()
FORMS = {
    "as it is": KEY,
    "capitals": KEY[:-1].upper() + KEY[-1],
    "backwards": KEY[::-1],
    "base64": CODE,
    "base64 for URLs": urlsafe_b64encode(KEY.encode()).decode(),
    "base64 of a header": b64encode(b"Bearer " + KEY.encode() + b"\r\n").decode(),
    "base64, one further": b64encode(b"x" + KEY.encode() + b"y").decode(),
    "base64, two further": b64encode(b"xy" + KEY.encode() + b"yz").decode(),
    "base64 in lines": "\r\n".join(CODE[at : at + 8] for at in range(0, len(CODE), 8)),
    "base64 backwards": CODE[::-1],
    "base64 of it backwards": b64encode(KEY[::-1].encode()).decode(),
    "base64 in a URL": quote(CODE, safe=""),
    "percent": quote(KEY, safe=""),
    "percent, every byte": "".join(f"%{byte:02x}" for byte in KEY.encode()),
    "percent, some bytes": "".join(quote(c, safe="") if n % 3 else f"%{ord(c):02X}" for n, c in enumerate(KEY)),
    "percent twice": quote(quote(KEY, safe=""), safe=""),
    "hex": KEY.encode().hex(),
    "hex, capitals": KEY.encode().hex().upper(),
    "hex with colons": KEY.encode().hex(":"),
    "hex with spaces": KEY.encode().hex(" "),
    "\\x": "".join(f"\\x{byte:02x}" for byte in KEY[:-1].encode()) + "é",
    "\\u": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "\\u in JSON in JSON": json.dumps("".join(f"\\u{ord(c):04X}" for c in KEY)),
    "JSON": json.dumps({"Authorization": KEY}),
    "JSON with slashes": json.dumps(KEY).replace("/", "\\/"),
    "entities": "".join(f"&#{ord(c)};" for c in KEY),
    "entities in hex": "".join(f"&#x{ord(c):X};" for c in KEY),
    "HTML": html.escape(KEY),
    "spaced": " ".join(KEY),
    "in lines": KEY[:7] + "\n    " + KEY[7:15] + "\t" + KEY[15:],
    "invisible": "\u200b".join(KEY),
    "spaced in JSON": json.dumps("\n".join(KEY)),
    "hyphens": "-".join(KEY),
    "stars": "**".join((KEY[:8], KEY[8:])),
    "stars and blanks": " * ".join(KEY),
    "strokes": "|".join(KEY),
    "dollars": "$!@".join(KEY),
    "Chinese": "\u4e2d".join(KEY),
    "digits of another script": KEY.translate({48 + n: chr(0x660 + n) for n in range(10)}),
    "quotes and commas": json.dumps([*KEY]),
    "wide letters": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in KEY),
    "letters of mathematics": "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in KEY),
    "letters in circles": "".join(chr(0x24D0 + ord(c) - 97) if "a" <= c <= "z" else c for c in KEY),
    "Cyrillic letters": KEY.translate(str.maketrans("opsxy", "орѕху")),
    "with accents": "\u0301".join(KEY),
    "tags": "".join(chr(0xE0000 + ord(c)) if c.isascii() else c for c in KEY),
    "rot13": codecs.encode(KEY, "rot13"),
    "rot18": codecs.encode(KEY, "rot13").translate(str.maketrans("0123456789", "5678901234")),
    "rot47": "".join(chr(33 + (ord(c) + 14) % 94) if c.isascii() else c for c in KEY),
    "shifted by three": "".join(chr(97 + (ord(c) - 94) % 26) if "a" <= c <= "z" else c for c in KEY.lower()),
    "base32": b32encode(KEY.encode()).decode(),
    "base32 of a header": b32encode(b"Bearer " + KEY.encode() + b"!").decode(),
    "base32 in small letters": b32encode(KEY.encode()).decode().lower(),
    "base32 of the other alphabet": b32hexencode(KEY.encode()).decode(),
    "uuencode": binascii.b2a_uu(KEY.encode()).decode().strip(),
    "uuencode of a header": binascii.b2a_uu(b"Bearer " + KEY.encode()).decode().strip(),
    "ascii85": a85encode(KEY.encode()).decode(),
    "ascii85 of a header": a85encode(b"Bearer " + KEY.encode()).decode(),
    "base85": b85encode(KEY.encode()).decode(),
    "numbers": " ".join(str(byte) for byte in KEY.encode()),
    "numbers with commas": ", ".join(f"{byte:03d}" for byte in KEY.encode()),
    "octal": " ".join(f"{byte:o}" for byte in KEY.encode()),
    "0x": ", ".join(f"0x{byte:02X}" for byte in KEY.encode()),
    "binary": " ".join(f"{byte:08b}" for byte in KEY.encode()),
    "base64 twice": b64encode(b64encode(KEY.encode())).decode(),
    "base64 twice, of a header": b64encode(b"key: " + b64encode(b"Bearer " + KEY.encode())).decode(),
    "base32 in base64": b64encode(b32encode(KEY.encode())).decode(),
    "base64 in base32": b32encode(b64encode(KEY.encode())).decode(),
    "hex in base64": b64encode(KEY.encode().hex().encode()).decode(),
    "hex twice": KEY.encode().hex().encode().hex(),
    "base64 in hex": b64encode(KEY.encode()).hex(),
    "percent form in base64": b64encode(quote(KEY, safe="").encode()).decode(),
    "base64 for URLs in base64": b64encode(urlsafe_b64encode(KEY.encode())).decode(),
    "base64, with hyphens": "-".join(CODE),
    "base64 in wide letters": "".join(chr(ord(c) + 0xFEE0) for c in CODE),
    "base64, shifted": codecs.encode(CODE, "rot13"),
    "quoted-printable": "".join(f"={byte:02X}" for byte in KEY.encode()),
    "quoted-printable, in lines": "=\n".join(f"={byte:02X}" for byte in KEY.encode()[:-2]) + "é",
    "octal escapes": "".join(f"\\{byte:03o}" for byte in KEY[:-1].encode()) + "é",
    "\\U": "".join(f"\\U{ord(c):08x}" for c in KEY),
    "U+": " ".join(f"U+{ord(c):04X}" for c in KEY),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_taken_out_and_nothing_else(form):
    before, after = "Authorization was: ", ", 100% & more \\o/"
    cleaned = Forms((KEY, "another-key")).clean(f"{before}{FORMS[form]}{after}")
    assert MARK in cleaned
    assert cleaned.startswith("Authorization was: ") and cleaned.endswith(after)
    # At most what of a code depends on the neighbours of the key, what else was encoded, brackets and quotes are left.
    assert len(cleaned) <= len(before + MARK + after) + 40


@given(st.sampled_from(sorted(FORMS)), st.lists(st.integers(1, 9), min_size=1, max_size=7))
def test_no_form_leaves_a_stream_however_it_is_cut(form, cuts):
    text, hidden, out, at, turn = f"it is {FORMS[form]} & so on", Hidden((KEY,)), [], 0, 0
    while at < len(text):
        size = cuts[turn % len(cuts)]
        out += hidden.feed(Delta(text[at : at + size], "text", 0))
        at, turn = at + size, turn + 1
    assert "".join(d.text for d in [*out, *hidden.rest()]) == Forms((KEY,)).clean(text)


@given(st.text("sk-Proj %41&#;\\ux0", max_size=60), st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_what_holds_no_credential_leaves_whole(text, cuts):
    hidden, out, at, turn = Hidden((KEY,)), [], 0, 0
    while at < len(text):
        size = cuts[turn % len(cuts)]
        out += hidden.feed(Delta(text[at : at + size], "text", 0))
        at, turn = at + size, turn + 1
    assert "".join(d.text for d in [*out, *hidden.rest()]) == Forms((KEY,)).clean(text) == text


def test_of_plain_words_a_stream_holds_back_a_letter_or_two():
    hidden, words, sent = Hidden((KEY,)), "hello world, this is a long and ordinary answer about nothing at all ", ""
    for at in range(0, len(words), 3):
        sent += "".join(d.text for d in hidden.feed(Delta(words[at : at + 3], "text", 0)))
        assert len(words[: at + 3]) - len(sent) <= 6


@pytest.mark.parametrize("secret", ["hunter-22", "swordfish", "123456", "correct horse battery"])
def test_a_credential_like_a_word_takes_no_other_words_with_it(secret):
    words = (
        "A ship sails at 12:34, and 5 hunters hunt 23 swordfish-like horses; the battery is correct: 1 234 567 890 km."
    )
    assert Forms(("no-such-" + secret, secret[:-1] + "#q9")).clean(words) == words


@pytest.mark.parametrize("secret", ["p@$-w#1", "a.b.c.d.e", "!!!!!!??", "4-7-1-1-9-9"])
def test_of_few_letters_the_exact_form_is_found_in_escapes_too(secret):
    for said in (secret, quote(secret, safe=""), "".join(f"&#{ord(c)};" for c in secret)):
        assert Forms((secret,)).clean(f"it is {said} & no more") == f"it is {MARK} & no more"


def test_a_short_or_blank_credential_is_no_net_for_ordinary_words():
    assert Forms(("", " ", "\n")).clean("a b  c") == "a b  c"
    assert Forms(("abc",)).clean("a b c cba YWJj abc") == f"a b c cba YWJj {MARK}"


@pytest.mark.parametrize(
    "text",
    [
        "\\" * 200_000,
        "%" * 200_000,
        "%25" * 70_000,
        "s " * 100_000,
        "&#" + "0" * 200_000,
        "=3D" * 70_000,
        "\\101" * 50_000,
        "U+0041" * 40_000,
        "u" * 200_000,
    ],
)
def test_hostile_text_takes_no_longer_than_its_length(text):
    assert Forms((KEY,)).clean(text) == text


@pytest.mark.parametrize("form", FORMS)
def test_an_endpoints_answer_and_error_hold_none(scripted, form):
    channel = Channel(scripted(lambda _: FORMS[form]), secrets=(KEY,))
    request = Request(messages=(say("user", "q"),))
    answered = asyncio.run(channel.ask(request))
    assert MARK in answered.reply.text

    def fails(_):
        raise TargetError(f"401: {FORMS[form]}")

    with pytest.raises(TargetError) as caught:
        asyncio.run(Channel(scripted(fails), secrets=(KEY,)).ask(request))
    assert MARK in str(caught.value)
    assert caught.value.__cause__ is None
