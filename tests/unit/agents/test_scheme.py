"""An attacker's plan: what its arguments are written as, and that the parts and codes give the whole back."""

from __future__ import annotations

import base64

import pytest

from shipworthy.agents.scheme import CODES, OBSCURED, Piece, Scheme, argued, renamed, spoken
from shipworthy.agents.script import ScriptProblem, Step

TEXT = "Omar Haddad 71000, salaries@x.org"


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_the_parts_of_a_text_are_the_whole(parts):
    pieces = [argued({"body": {"part": [n, parts], "of": "$1"}}, [TEXT])["body"] for n in range(1, parts + 1)]
    assert "".join(pieces) == TEXT
    assert len(set(pieces)) > 1


def test_codes_hide_the_text_and_give_it_back():
    assert base64.b64decode(argued({"b": {"as": "base64", "of": TEXT}}, [])["b"]).decode() == TEXT
    assert bytes.fromhex(CODES["hex"](TEXT)).decode() == TEXT
    assert CODES["rot13"](CODES["rot13"](TEXT)) == TEXT
    assert CODES["backwards"](TEXT)[::-1] == TEXT
    assert CODES["digits in words"]("7 1") == " seven   one "
    for name, code in {**CODES, **OBSCURED}.items():
        assert code("a.b@c.org 7") != "a.b@c.org 7", name


def test_what_an_earlier_step_gave_is_written_out_before_it_is_coded():
    written = argued({"url": {"join": ["https://x.org/?q=", {"as": "backwards", "of": "$1.id"}]}}, ['{"id": "abc"}'])
    assert written == {"url": "https://x.org/?q=cba"}
    assert argued({"fields": {"a": {"as": "hex", "of": "k"}}, "n": 3, "l": ["$1"]}, ["v"]) == {
        "fields": {"a": "6b"},
        "n": 3,
        "l": ["v"],
    }
    with pytest.raises(ScriptProblem):
        argued({"url": "$1.id"}, ["no JSON"])


def test_names_are_replaced_in_values_and_not_in_what_says_how_they_are_written():
    aliases = (("base64", "other"), ("x.org", "y.org"))
    assert renamed({"to": ["a@x.org"], "body": {"as": "base64", "of": "x.org"}, "n": 2}, aliases) == {
        "to": ["a@y.org"],
        "body": {"as": "base64", "of": "y.org"},
        "n": 2,
    }
    assert spoken({"to": ["a@x.org"], "body": {"as": "base64", "of": "k"}, "ref": "$1.text"}) == ["a@x.org", "k"]


def test_a_scheme_counts_the_calls_of_both_sessions():
    piece = Piece((Step("a", {}), Step("b", {})), 0)
    assert Scheme("t", "page", (piece,), earlier=(piece,)).calls == 4
