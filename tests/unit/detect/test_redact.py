from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.records import Attempt, Document, Image, Message, Score, Text, ToolCall, ToolResult, say
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.redact import Redacted, redact_attempt, redact_text, seal

PIECES = st.sampled_from(
    ["ana.b@example.org", "+44 20 7946 0958", "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "10.2.3.4",
     "219-09-9999", "[redacted:email]", "[redacted:", "MARIGOLD-77", "m a r i g o l d 7 7", "77-dlogiram",
     "born on 3 May 1980", "password: hunter2", "AKIAABCDEFGHIJKLMNOP", "call me on ", "-", " ", "1", "@", ".",
     "\u200b", "é", "\ud800", "text", "]"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)


def attempt(text: str) -> Attempt:
    return Attempt(
        id="AT-1", suite="s", sample="a", attack="none", number=1, cluster="a", seed=0, content_hash="sha256:0",
        outcome="scored",
        messages=(
            Message("user", (Text(text), Image("image/png", data="aGk="))),
            Message("assistant", (ToolCall("1", "f", {"to": {"mail": [text]}, "n": 4111111111111111}),)),
            Message("tool", (ToolResult("1", "f", text),)),
            say("assistant", text),
        ),
        documents=(Document("d", text, text),), error=text,
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
    sealed = seal(attempt(text), "private", ["MARIGOLD-77"]).attempt
    assert "ana.b" not in repr(sealed)
    assert "MARIGOLD" not in repr(sealed)
    assert "4111111111111111" not in repr(sealed)
    assert "aGk=" not in repr(sealed)
    assert sealed.scores[0].spans == ()


def test_synthetic_content_is_kept_whole() -> None:
    made = attempt("mail ana.b@example.org")
    assert seal(made, "synthetic").attempt == made
    assert redact_attempt(made) != made


def test_an_unknown_declaration_is_refused() -> None:
    with pytest.raises(ValueError, match="'syntetic'"):
        seal(attempt("x"), "syntetic")  # type: ignore[arg-type]


def test_only_seal_makes_one() -> None:
    with pytest.raises(TypeError):
        Redacted(attempt("x"), object())
    sealed = seal(attempt("x"), "synthetic")
    with pytest.raises(AttributeError):
        sealed._attempt = attempt("y")
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
        messages=(
            Message("assistant", (ToolCall(f"c {said}", f"tool {said}", {said: [said]}),)),
            Message("tool", (ToolResult(f"c {said}", f"tool {said}", said),)),
        ),
        documents=(Document(f"doc {said}", said, said),),
        scores=(Score(metric="leak", hit=True, scorer="own", label=f"told {said}", reason=said),),
        error=said,
    )  # fmt: skip
    kept = seal(made, "private", (said,)).attempt
    assert "walrus" not in repr(kept)
    assert kept.messages[0].tool_calls[0].id == kept.messages[1].parts[0].id == "c [redacted:secret]"
    assert seal(kept, "private", (said,)).attempt == kept
