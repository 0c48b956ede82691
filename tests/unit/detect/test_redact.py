from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import date
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from shipworthy.core.events import Asked, Called, Retrieved, Said
from shipworthy.core.records import Attempt, Document, Image, Message, Score, Text, Timing, ToolCall, ToolResult, say
from shipworthy.core.rewrite import DEEPEST
from shipworthy.core.text import MARK
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.redact import Redacted, redact, redact_json, redact_text, seal

PIECES = st.sampled_from(
    ["ana.b@example.org", "+44 20 7946 0958", "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "10.2.3.4",
     "219-09-9999", "[redacted:email]", "[redacted:", "MARIGOLD-77", "m a r i g o l d 7 7", "77-dlogiram",
     "born on 3 May 1980", "password: hunter2", "AKIAABCDEFGHIJKLMNOP", "call me on ", "-", " ", "1", "@", ".",
     "\u200b", "é", "\ud800", "text", "]"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)


def attempt(text: str) -> Attempt:
    call = ToolCall("1", "f", {"to": {"mail": [text]}, "n": 4111111111111111})
    said = (
        Message("user", (Text(text), Image("image/png", data="aGk="))),
        Message("assistant", (call,)),
        Message("tool", (ToolResult("1", "f", text),)),
        say("assistant", text),
    )
    return Attempt(
        id="AT-1", suite="s", sample="a", attack="none", number=1, cluster="a", seed=0, content_hash="sha256:0",
        outcome="scored", events=(
            *(Said(1, message) for message in said),
            Asked(1, "target", request="sha256:77aa", model=text),
            Called(1, call),
            Retrieved(1, Document("d", text, text)),
        ), error=text, timing=Timing(1.0, 2.0),
        scores=(Score(metric="leak", hit=True, scorer="x", spans=((0, 3),)),),
    )  # fmt: skip


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact_text(text, ["MARIGOLD-77"])
    assert redact_text(once, ["MARIGOLD-77"]) == once


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_no_given_secret_survives(text: str) -> None:
    assert "MARIGOLD-77" not in redact_text(text, ["MARIGOLD-77"])


@pytest.mark.parametrize("text", ["", "Your ticket is open since Monday.", "Order 20240 has 3 items.", "Ctrl+Alt+2."])
def test_plain_text_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


def test_a_mark_someone_wrote_hides_nothing() -> None:
    assert "MARIGOLD" not in redact_text("[redacted:MARIGOLD-77]", ["MARIGOLD-77"])


def test_a_secret_that_is_a_word_of_the_mark_itself() -> None:
    assert redact_text("the word redacted stays", ["redacted"]) == "the word [redacted:secret] stays"


HOSTILE = ("a@b.com, ", "1", "1 ", "@", "-----BEGIN PRIVATE KEY-----", "a:", "password: ", "+1 2 é", "4111 ")


@pytest.mark.parametrize("piece", HOSTILE)
def test_work_grows_with_the_text_not_its_square(monkeypatch, piece: str) -> None:
    seen = 0
    search = Pattern.overlapping

    def counted(self: Pattern, encoded: Encoded) -> Iterator[tuple[int, int]]:
        nonlocal seen
        seen += len(encoded.data) // 64  # a new search over a text reads it once
        for span in search(self, encoded):
            seen += 1
            yield span

    monkeypatch.setattr(Pattern, "overlapping", counted)

    def work(size: int) -> int:
        nonlocal seen
        seen = 0
        redact_text(piece * (size // len(piece)), ["MARIGOLD-77"])
        return seen

    # Eight times the text may cost eight times the work (and some); the square would be 64 times.
    assert work(40_000) <= 12 * work(5_000) + 100


def test_private_content_is_redacted_everywhere() -> None:
    text = "mail ana.b@example.org, code MARIGOLD-77"
    sealed = seal(attempt(text), "private", ["MARIGOLD-77"]).record
    for secret in ("ana.b", "MARIGOLD", "4111111111111111", "aGk=", "77aa"):
        assert secret not in repr(sealed)
    assert sealed.scores[0].spans == ()
    assert sealed.timing == Timing(1.0, 2.0)
    assert sealed.messages[-1].text == "mail [redacted:email], code [redacted:secret]"


def test_synthetic_content_is_kept_whole() -> None:
    made = attempt("mail ana.b@example.org")
    assert seal(made, "synthetic").record is made
    assert redact(made) != made


def test_any_record_can_be_redacted() -> None:
    assert redact(Document("d", "mail ana.b@example.org")) == Document("d", "mail [redacted:email]")


# ---- property: a secret that is planted anywhere is in no byte of what is kept

SECRET = "MARIGOLD-77"
AROUND = st.sampled_from(["", "x ", "é ", "\u2028", '"', "a, "])
PLANTED = st.builds(lambda a, b: f"{a}{SECRET}{b}", AROUND, AROUND.map(lambda s: s[::-1]))
JSON = st.recursive(
    PLANTED | st.integers(-9, 9) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLANTED, inner, max_size=2),
    max_leaves=6,
)
NAMES = st.sampled_from(["leaks", "none", "GD-canary"])
MARKED = {"content": PLANTED, "name": NAMES, "fingerprint": PLANTED, "bytes": PLANTED}


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Return values of a type whose every text but a `Name` holds the secret."""
    match kind:
        case inspect.Metadata(extra={"shipworthy.text": mark}) if mark in MARKED:
            return MARKED[mark]
        case inspect.Metadata(type=inner):
            return values(inner)
        case inspect.AnyType():
            return JSON
        case inspect.DictType(value_type=inspect.AnyType()):
            return st.dictionaries(PLANTED, JSON, max_size=2)
        case inspect.LiteralType(values=choices):
            return st.sampled_from(choices)
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: values(field.type) for field in fields})
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=3).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*map(values, items))
        case inspect.UnionType(types=types):
            return st.one_of(*map(values, types))
        case inspect.IntType():
            return st.integers(0, 9)
        case inspect.FloatType():
            return st.floats(0, 9)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise AssertionError(f"no values for {kind}: a type that records did not have when this was written")


@given(values(inspect.type_info(Attempt)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_planted_secret_is_in_the_bytes(made: Attempt) -> None:
    kept = seal(made, "private", [SECRET]).record
    data = msgspec.json.encode(kept)
    assert b"MARIGOLD" not in data
    assert msgspec.json.decode(data, type=Attempt) == kept
    assert redact(kept, [SECRET]) == kept
    # What says what happened stays: kinds of events in their order, outcome, hits.
    assert [type(event) for event in kept.events] == [type(event) for event in made.events]
    assert (kept.id, kept.outcome, kept.timing) == (made.id, made.outcome, made.timing)
    assert [(s.metric, s.hit, s.value) for s in kept.scores] == [(s.metric, s.hit, s.value) for s in made.scores]


def test_the_property_plants_secrets_where_text_is() -> None:
    """A record of this kind is full of the secret before it is redacted: the property tests something."""
    made = find(values(inspect.type_info(Attempt)), lambda a: len(a.events) > 1 and len(a.scores) > 0)
    assert b"MARIGOLD" in msgspec.json.encode(made)
    assert MARK == "shipworthy.text"  # `values` matches on it


# ---- JSON values: what a tool was called with


def test_numbers_keys_and_strange_values_are_redacted() -> None:
    value = {"MARIGOLD-77": [4111111111111111, 4111111111111111.0, 7, 0.5, True, None], 5: (b"MARIGOLD-77", "ok")}
    assert redact_json(value, ["MARIGOLD-77"]) == {
        "[redacted:secret]": ["[redacted:card]", "[redacted:card].0", 7, 0.5, True, None], "5": ["", "ok"],
    }  # fmt: skip


def test_values_that_json_has_no_word_for_are_redacted_as_what_they_become() -> None:
    class Own(str):
        __slots__ = ()

    class Colour(Enum):
        RED = "MARIGOLD-77"

    found = redact_json(
        [Own("MARIGOLD-77"), Colour.RED, Document("MARIGOLD-77", "t"), date(1980, 5, 3)], ["MARIGOLD-77"]
    )
    assert found[:3] == ["[redacted:secret]", "[redacted:secret]", {"id": "[redacted:secret]", "text": "t"}]
    assert isinstance(found[3], str)


def test_deep_and_huge_values_do_not_end_a_run() -> None:
    deep: Any = "MARIGOLD-77"
    for _ in range(900):
        deep = [deep]
    kept = redact_json(deep, ["MARIGOLD-77"])
    for _ in range(DEEPEST):
        [kept] = kept
    assert kept == "[redacted:text]"
    assert redact_json(10**5000) == "[redacted:text]"


def test_an_unknown_declaration_is_refused() -> None:
    with pytest.raises(ValueError, match="'syntetic'"):
        seal(attempt("x"), "syntetic")  # type: ignore[arg-type]


def test_only_seal_makes_one() -> None:
    with pytest.raises(TypeError):
        Redacted(attempt("x"), object())
    sealed = seal(attempt("x"), "synthetic")
    with pytest.raises(AttributeError):
        sealed._record = attempt("y")
    with pytest.raises(TypeError):
        pickle.dumps(sealed)
    with pytest.raises(TypeError):
        type("Mine", (Redacted,), {})


def test_what_the_system_calls_things_is_text_too() -> None:
    """A model may put what it must not tell into a tool's name, a call's id or a document's id."""
    said = "MAGENTA-walrus-7781"
    made = Attempt(
        id="AT-1", suite="s", sample="q", attack="none", number=1, cluster="q", seed=1, content_hash="",
        outcome="scored",
        events=(
            Said(1, Message("assistant", (ToolCall(f"c {said}", f"tool {said}", {said: [said]}),)), "target"),
            Said(1, Message("tool", (ToolResult(f"c {said}", f"tool {said}", said),)), "target"),
            Retrieved(1, Document(f"doc {said}", said, said)),
        ),
        scores=(Score(metric="leak", hit=True, scorer="own", label=f"told {said}", reason=said),),
        error=said,
    )  # fmt: skip
    kept = seal(made, "private", (said,)).record
    assert "walrus" not in repr(kept)
    assert kept.messages[0].tool_calls[0].id == kept.messages[1].parts[0].id == "c [redacted:secret]"
    assert seal(kept, "private", (said,)).record == kept
