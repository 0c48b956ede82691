"""A credential is found in every form in which an endpoint may repeat it, whole and cut into pieces."""

from __future__ import annotations

import asyncio
import html
import json
from base64 import b64encode, urlsafe_b64encode
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
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_taken_out_and_nothing_else(form):
    before, after = "Authorization was: ", ", 100% & more \\o/"
    cleaned = Forms((KEY, "another-key")).clean(f"{before}{FORMS[form]}{after}")
    assert MARK in cleaned
    assert cleaned.startswith("Authorization was: ") and cleaned.endswith(after)
    # At most what of base64 depends on the neighbours of the key, brackets and quotes are left.
    assert len(cleaned) <= len(before + MARK + after) + 30


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


def test_plain_words_leave_a_stream_at_once():
    hidden = Hidden((KEY,))
    assert [d.text for d in hidden.feed(Delta("hello wor", "text", 0))] == ["hello wor"]


def test_a_short_or_blank_credential_is_no_net_for_ordinary_words():
    assert Forms(("", " ", "\n")).clean("a b  c") == "a b  c"
    assert Forms(("abc",)).clean("a b c cba YWJj abc") == f"a b c cba YWJj {MARK}"


@pytest.mark.parametrize("text", ["\\" * 200_000, "%" * 200_000, "%25" * 70_000, "s " * 100_000, "&#" + "0" * 200_000])
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
