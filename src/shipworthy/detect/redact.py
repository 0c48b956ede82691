"""Redaction: what may be written down. Nothing unredacted is durable unless its suite is declared synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NoReturn, final

from msgspec.structs import replace

from shipworthy.core.records import Attempt, Audio, Document, Image, Message, MessagePart, Text, ToolCall, ToolResult
from shipworthy.detect import canaries, pii
from shipworthy.detect import secrets as credentials
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.spans import Span, union

_MARK = Pattern(rf"\[redacted:(?:{'|'.join((*pii.KINDS, 'secret', 'text'))})\]")
_PASSES = 6


def mark(kind: str) -> str:
    """Return what stands in place of a redacted span."""
    return f"[redacted:{kind}]"


def redact_text(text: str, secrets: Sequence[str] = ()) -> str:
    """Replace personal data, credentials and the given secrets by marks such as ``[redacted:email]``.

    Linear in the text. Idempotent: redacting the result again changes nothing.

    Args:
        text: any string.
        secrets: strings that are secret here (canaries, planted personal values); also found spaced out, reversed,
            encoded or written in look-alike characters, see `canaries`.
    """
    # A replacement can bring together what was apart (a number cut in two that now passes a check digit), so redact
    # until nothing changes. A text that does not settle is withheld whole.
    known = _known(tuple(secrets))
    for _ in range(_PASSES):
        redacted = _once(text, known)
        if redacted == text:
            return text
        text = redacted
    return mark("text")


@lru_cache(maxsize=16)
def _known(secrets: tuple[str, ...]) -> canaries.Canaries:
    """Return the finder of some secrets. Building one takes longer than a search, and a pack redacts with one set."""
    return canaries.Canaries(secrets)


def _once(text: str, known: canaries.Canaries) -> str:
    # A mark is a span too: what lies inside one changes nothing, what reaches out of one swallows it.
    spans = [Span(a, b, text[a + 10 : b - 1]) for a, b in _MARK.runs(Encoded(text))]
    spans += pii.find(text)
    spans += [Span(s.start, s.end, "secret") for s in (*known.find(text), *credentials.find(text))]
    pieces, at = [], 0
    for span in union(spans):
        pieces += [text[at : span.start], mark(span.kind)]
        at = span.end
    return "".join(pieces) + text[at:]


def _value(value: Any, secrets: Sequence[str]) -> Any:
    """Redact every string in a JSON value, keys included."""
    if isinstance(value, str):
        return redact_text(value, secrets)
    if isinstance(value, dict):
        return {redact_text(str(k), secrets): _value(v, secrets) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_value(v, secrets) for v in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A card number is no less one for being a JSON number.
        text = str(value)
        redacted = redact_text(text, secrets)
        return value if redacted == text else redacted
    return value


def _part(part: MessagePart, secrets: Sequence[str]) -> MessagePart:
    match part:
        case Text(text):
            return Text(redact_text(text, secrets))
        case ToolCall(id, name, arguments):
            # Identifiers and names are chosen by the system under test: they are text like any other.
            return ToolCall(redact_text(id, secrets), redact_text(name, secrets), _value(arguments, secrets))
        case ToolResult(id, name, text, is_error):
            return ToolResult(
                redact_text(id, secrets), redact_text(name, secrets), redact_text(text, secrets), is_error
            )
        # Nothing here can see into a picture or a sound: it is left out.
        case Image(media_type):
            return Image(media_type)
        case Audio(media_type):
            return Audio(media_type, "")


def redact_attempt(attempt: Attempt, secrets: Sequence[str] = ()) -> Attempt:
    """Return an attempt with all its text redacted: messages, documents, error, labels, reasons.

    Pictures and sounds are emptied. Scores keep their word but lose their spans, which pointed into the old text.
    """
    return replace(
        attempt,
        messages=tuple(Message(m.role, tuple(_part(p, secrets) for p in m.parts)) for m in attempt.messages),
        documents=tuple(
            Document(
                id=redact_text(d.id, secrets), text=redact_text(d.text, secrets), title=redact_text(d.title, secrets)
            )
            for d in attempt.documents
        ),
        error=redact_text(attempt.error, secrets),
        scores=tuple(
            replace(s, label=redact_text(s.label, secrets), reason=redact_text(s.reason, secrets), spans=())
            for s in attempt.scores
        ),
        guard_events=tuple(replace(e, reason=redact_text(e.reason, secrets)) for e in attempt.guard_events),
    )


_KEY = object()


@final
class Redacted:
    """An attempt that may be written down. Only `seal` makes one, so that nothing else reaches a run log."""

    __slots__ = ("_attempt",)
    _attempt: Attempt

    def __init__(self, attempt: Attempt, key: object) -> None:
        if key is not _KEY:
            raise TypeError("only shipworthy.detect.redact.seal makes a Redacted")
        object.__setattr__(self, "_attempt", attempt)

    @property
    def attempt(self) -> Attempt:
        """The attempt, as it may be stored."""
        return self._attempt

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Redacted does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Redacted does not change")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Redacted is final")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Redacted is not pickled: seal the attempt where it is written")


def seal(attempt: Attempt, content: Literal["synthetic", "private"], secrets: Sequence[str] = ()) -> Redacted:
    """Make an attempt fit to be stored.

    Args:
        attempt: what happened.
        content: what its suite declares. ``synthetic`` keeps the text whole; ``private`` redacts every text of it.
        secrets: the sample's secrets, redacted too where the content is private.

    Raises:
        ValueError: any other word; an unknown declaration is never taken for synthetic.
    """
    if content == "synthetic":
        return Redacted(attempt, _KEY)
    if content == "private":
        return Redacted(redact_attempt(attempt, secrets), _KEY)
    raise ValueError(f"content is 'synthetic' or 'private', not {content!r}")
