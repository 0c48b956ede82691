"""What is settled is changed by nothing: the wide net holds whatever redaction would take."""

from __future__ import annotations

import gzip
import json
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipworthy.core.events import Asked, Called, Said
from shipworthy.core.messages import Image, Message, Text, ToolCall, say
from shipworthy.core.observed import Observed
from shipworthy.detect import pii, redact, secrets
from shipworthy.detect.redact import mark, redact_text, seal_observed
from shipworthy.detect.settled import unsettled

_FOUND = (
    "ann@example.org", "+44 20 7946 0958", "(212) 555-0100", "07700900123", "020 7946 0958 x12", "4111 1111 1111 1111",
    "4111-1111-1111-1111", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", "192.168.7.12", "2001:db8:0:1::7",
    "123-45-6789", "111.444.777-35", "12345678Z", "X1234567L", "QQ 12 34 56 C", "AB123456C", "RSSMRA85T10A562S",
    "756.9217.0769.85", "811218-9876", "2 95 05 2A 004 003 07", "born 3 May 1971", "d.o.b. 1/2/71",
    "date of birth: 1971-05-03",
    "12 Market Street, Oxford", "7 High Hill", "221B Baker St", "passport K1234567", "passport number AB12CD34E",
    "my driver's license is D123-4567", "dl no 12345-6", "password: hunter2x", "the password is marigold.",
    "pin is 4411",
    "api_key=abc1", "token => t0p", "Bearer abcdefghij0123456789", "sk_live_abcdefghij0123456", "xoxb-abcdefghij",
    "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOi.eyJzdWIiOi", "https://ann:hunter2@example.org",
    "sig=abcdefghijklmnopqrstuvwxyz%2F0123456789AB",
    "-----BEGIN RSA PRIVATE KEY-----", "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "Zx9Kq2Lm7Pw4Rt8Vy3Bn",
    "PESEL 44051401359", "bsn 111222333", "steuer id 86 095 742 719", "SSN 123456789", "aadhaar 2345 6789 0124",
)  # fmt: skip
_PLAIN = (
    "Hello there.",
    "It costs 12 euros",
    "the order",
    "3 May",
    "is",
    "12",
    "a-b",
    "St",
    "Mary Lane",
    "call me",
    "key",
    '"',
    ":",
    "no",
)
_BLANKS = (
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "",
    "-",
    "-\n",
    ", ",
    " \n ",
    "\x0b",
    "\x1c",
    "\u00a0",
    "\r\n",
    ". ",
    "_",
    "/",
)
_TEXTS = st.lists(
    st.tuples(
        st.sampled_from((*_FOUND, *_PLAIN)) | st.text(st.characters(codec="ascii"), max_size=12),
        st.sampled_from(_BLANKS),
    ),
    max_size=6,
).map(lambda parts: "".join(word + blank for word, blank in parts))  # fmt: skip
_BROKEN = st.tuples(st.sampled_from(_FOUND), st.integers(0, 30), st.sampled_from(_BLANKS)).map(
    lambda made: made[0][: made[1]] + made[2] + made[0][made[1] :]
)


def _changed(text: str) -> bool:
    """Whether any check finds something, without the shortcut that is under test."""
    return bool(pii.find(text) or secrets.find(text))


@given(_TEXTS | _BROKEN)
@example("Lives at 12\nMarket\n Street")
@example("the pass\n: abc1def")
def test_what_a_check_finds_is_not_settled(text: str) -> None:
    if not unsettled([text]):
        assert not _changed(text), text
        assert redact_text(text) == text


@pytest.mark.parametrize("text", _FOUND)
def test_every_kind_is_in_the_net(text: str) -> None:
    assert unsettled(["Nothing here.", f"I am told {text} today.", "Nor here."]) == [1]


@given(st.lists(_TEXTS, max_size=8))
def test_texts_together_are_told_as_each_alone(texts: list[str]) -> None:
    alone = [place for place, text in enumerate(texts) if unsettled([text])]
    # Together, a text beside one that is unsettled may be taken for unsettled, too; never the other way round.
    assert set(alone) <= set(unsettled(texts))


def test_labelled_text_of_others_is_held_too(shared) -> None:
    count = 0
    for path in sorted((shared / "data").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in islice(file, 300):
                text = max((v for v in json.loads(line).values() if isinstance(v, str)), key=len, default="")
                if text and not unsettled([text]):
                    count += 1
                    assert not _changed(text), (path.name, text)
    assert count > 100, "nothing was settled: the net holds everything"


def test_prose_is_settled() -> None:
    assert (
        unsettled(["Your parcel left on Monday, and takes 3 to 5 days.", "He was 45, and it cost 1,200 dollars."]) == []
    )


_MANY = {"to": ["ann@example.org"], "card": 4111111111111111, "n": 3, "big": 10**30}


def test_many_records_are_sealed_as_each_would_be() -> None:
    record = Observed(
        trace="0af7651916cd43dd8448eb211c80319c", span="b7ad6b7169203331", dialect="genai", service="ann@example.org",
        model="gpt-5-2026-01-01", events=(
            Said(1, say("user", "Write to ann@example.org.")), Said(1, say("assistant", "I will."), by="target"),
            Said(1, Message("user", (Text("x"), Image("image/png", data="aGk=")))),
            Asked(1, "target", request="sha256:00", finish="ann@example.org"),
            Called(1, ToolCall("c1", "mail", _MANY)),
        ),
    )  # fmt: skip
    quiet = Observed(trace="00000000000000000000000000000001", span="0000000000000001", dialect="plain")
    sealed, other = seal_observed([record, quiet])
    assert other.record == quiet
    assert "ann@" not in repr(sealed.record) and "4111111111111111" not in repr(sealed.record)
    assert sealed.record.service == mark("email") and sealed.record.trace == record.trace
    assert sealed.record.model == "gpt-5-2026-01-01"
    assert sealed.record.events[3] == Asked(1, "target", finish=mark("email"))
    arguments = sealed.record.events[4].call.arguments
    assert arguments == {"to": [mark("email")], "card": mark("card"), "n": 3, "big": str(10**30)}
    assert sealed.record.events[2].message.parts[1] == Image("image/png", data="")


def test_an_optional_kind_is_looked_for_in_all_texts(monkeypatch) -> None:
    monkeypatch.setattr(redact, "_also", lambda: ("street_address",))
    record = Observed(trace="0" * 31 + "1", span="0" * 15 + "1", dialect="plain", error="Rua Augusta, 12")
    text = "Rua Augusta, 12"
    assert seal_observed([record])[0].record.error == redact_text(text)
