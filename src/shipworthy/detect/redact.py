"""Redaction: what may be written down. Nothing unredacted is durable unless its suite is declared synthetic."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache
from typing import Any, Generic, Literal, NoReturn, TypeVar, final

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.observed import Observed
from shipworthy.core.records import Attempt
from shipworthy.core.rewrite import Record, Rules, rewrite, rewrite_json
from shipworthy.core.served import Served
from shipworthy.core.settings import redact_also
from shipworthy.detect import canaries, pii
from shipworthy.detect import secrets as credentials
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.planted import usual_forms
from shipworthy.detect.settled import unsettled
from shipworthy.detect.spans import Span, union

_MARKED = "[redacted:"
_MARK = Pattern(rf"\[redacted:(?:{'|'.join((*pii.KINDS, *pii.OPTIONAL, 'secret', 'text'))})\]")
_PASSES = 6
_ID = re.compile(r"(?:[0-9a-f]{16}){1,2}")
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
"""Whole numbers that a file of JSON or MessagePack can hold."""


def mark(kind: str) -> str:
    """Return what stands in place of a redacted span."""
    return f"[redacted:{kind}]"


def is_redacted(text: str) -> bool:
    """Return whether a mark stands in a text: it is not what was said.

    >>> is_redacted("Write to [redacted:email]."), is_redacted("Write to me.")
    (True, False)
    """
    return next(iter(_MARK.runs(Encoded(text))), None) is not None


def redact_text(text: str, secrets: Sequence[str] = ()) -> str:
    """Replace personal data, credentials and the given secrets by marks such as ``[redacted:email]``.

    Linear in the text. Idempotent: redacting the result again changes nothing. ``SHIPWORTHY_REDACT`` names kinds that
    are taken out besides (`pii.OPTIONAL`), read once in a process.

    Args:
        text: any string.
        secrets: strings that are secret here (canaries, planted personal values); also found spaced out, reversed,
            encoded or written in look-alike characters, see `canaries`.

    Raises:
        UsageError: ``SHIPWORTHY_REDACT`` names no such kind: nothing is written down as if it had been heeded.
    """
    # A replacement can bring together what was apart (a number cut in two that now passes a check digit), so redact
    # until nothing changes. A text that does not settle is withheld whole.
    known = _known(tuple(secrets))
    plain = not secrets and not _also()
    for _ in range(_PASSES):
        if plain and not unsettled((text,)):
            return text
        redacted = _once(text, known)
        if redacted == text:
            return text
        text = redacted
    return mark("text")


@cache
def _also() -> tuple[str, ...]:
    """Return the optional kinds that this process redacts."""
    kinds = redact_also()
    for kind in kinds:
        if kind not in pii.OPTIONAL:
            hint = f"{did_you_mean(kind, pii.OPTIONAL)}; correct it, or unset it"
            raise UsageError(f"SHIPWORTHY_REDACT names no kind {kind!r} that redaction could take out besides: {hint}")
    return kinds


@lru_cache(maxsize=16)
def _known(secrets: tuple[str, ...]) -> canaries.Canaries:
    """Return the finder of some secrets. Building one takes longer than a search, and a pack redacts with one set."""
    # As wide as the scorers look: what counts as a leak must not stay in a file.
    forms = tuple(dict.fromkeys(form for secret in secrets for form in usual_forms(secret)))
    return canaries.Canaries(forms, cut=0.8, parts=True)


def _once(text: str, known: canaries.Canaries) -> str:
    # A mark is a span too: what lies inside one changes nothing, what reaches out of one swallows it.
    spans = [Span(a, b, text[a + 10 : b - 1]) for a, b in _MARK.runs(Encoded(text))] if _MARKED in text else []
    spans += pii.find(text, also=_also())
    spans += [Span(s.start, s.end, "secret") for s in (*known.find(text), *credentials.find(text))]
    if not spans:
        return text
    pieces, at = [], 0
    for span in union(spans):
        pieces += [text[at : span.start], mark(span.kind)]
        at = span.end
    return "".join(pieces) + text[at:]


def redact(record: Record, secrets: Sequence[str] = ()) -> Record:
    """Return a record with all its text redacted, by the types of its fields (see `core.text`).

    Words of people, models, tools and errors, and JSON values, are redacted; names of ours stay; digests of content,
    pictures, sounds and places in a text are emptied.

    Args:
        record: any struct.
        secrets: as for `redact_text`.

    Raises:
        TypeError: a text field of the record has no type that says what it is.
    """
    known = tuple(secrets)

    def content(text: str) -> str:
        return redact_text(text, known) if text else text

    return rewrite(
        record,
        {
            "content": content,
            "json": lambda value: redact_json(value, known),
            "fingerprint": lambda _: "",
            "bytes": lambda _: "",
            "spans": lambda _: (),
        },
    )


def redact_json(value: Any, secrets: Sequence[str] = ()) -> Any:
    """Return a JSON value with every string and number in it redacted, keys included; what is no text is left out."""
    return rewrite_json(
        value,
        lambda text: redact_text(text, secrets) if text else text,
        number=lambda number: _number(number, secrets),
        binary=lambda _: "",
        withheld=mark("text"),
    )


def _number(value: float, secrets: Sequence[str]) -> float | str:
    """A card number is no less one for being a JSON number."""
    try:
        text = str(value)
    except ValueError:  # More digits than Python writes: whatever it is, it is no number that anyone needs.
        return mark("text")
    redacted = redact_text(text, secrets)
    return value if redacted == text else redacted


_KEY = object()
Kept = TypeVar("Kept", Attempt, Served, Observed)


@final
class Redacted(Generic[Kept]):
    """A record that may be written down. Only the ``seal…`` functions here make one: nothing else reaches a log."""

    __slots__ = ("_record",)
    _record: Kept

    def __init__(self, record: Kept, key: object) -> None:
        if key is not _KEY:
            raise TypeError("only shipworthy.detect.redact.seal makes a Redacted")
        object.__setattr__(self, "_record", record)

    @property
    def record(self) -> Kept:
        """The record, as it may be stored."""
        return self._record

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Redacted does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Redacted does not change")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Redacted is final")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Redacted is not pickled: seal the record where it is written")


def seal(attempt: Attempt, content: Literal["synthetic", "private"], secrets: Sequence[str] = ()) -> Redacted[Attempt]:
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
        return Redacted(redact(attempt, secrets), _KEY)
    raise ValueError(f"content is 'synthetic' or 'private', not {content!r}")


def seal_served(served: Served, secrets: Sequence[str] = ()) -> Redacted[Served]:
    """Make what a gateway served fit to be stored: traffic is private, always.

    Args:
        secrets: strings that must not be written down, such as the gateway's own keys.
    """
    return Redacted(redact(served, secrets), _KEY)


_unchanged: set[str] = set()
"""Short texts that redaction was seen to leave as they are, without optional kinds (`_also`)."""
_SHORT, _KNOWN_TEXTS = 48, 4_096
"""Characters of such a text, and how many are kept."""


def seal_observed(records: Sequence[Observed]) -> list[Redacted[Observed]]:
    """Make what production tells of itself fit to be stored: all of it is private, also the names in it.

    Does for each record what `redact` does, and looks at their texts together: most have nothing in them, which
    `settled.unsettled` says of all of them in one pass.

    Args:
        records: with identifiers (trace, span, parent) in lower-case hex, which are kept.
    """
    texts: list[str] = []
    owners: list[int] = []
    bare: list[Observed] = []
    known: Collection[str] = () if _also() else _unchanged

    def collect(text: str) -> str:
        # Names of models, services and endings come with every span: once looked at is enough.
        if text and text not in known:
            texts.append(text)
        return text

    def collect_number(number: float) -> float | str:
        try:
            texts.append(text := str(number))
        except ValueError:  # more digits than Python writes
            return mark("text")
        return number if number.__class__ is float or _LEAST <= number <= _MOST else text

    def collect_json(value: Any) -> Any:
        # What is no text becomes one, or is left out, before anything is looked for.
        value = rewrite_json(value, str, binary=lambda _: "", withheld=mark("text"))
        return rewrite_json(value, collect, number=collect_number, withheld=mark("text"))

    emptied: Rules = {"fingerprint": lambda _: "", "bytes": lambda _: "", "spans": lambda _: ()}
    for place, record in enumerate(records):
        names = _NamesBut(collect, record)
        bare.append(rewrite(record, {**emptied, "content": collect, "name": names, "json": collect_json}))
        owners += [place] * (len(texts) - len(owners))
    changing: Sequence[int] = range(len(texts)) if _also() else unsettled(texts)
    done = {text: redact_text(text) for text in dict.fromkeys(texts[place] for place in changing)}
    changing = [place for place in changing if done[texts[place]] != texts[place]]
    if not _also():
        if len(_unchanged) > _KNOWN_TEXTS:
            _unchanged.clear()
        _unchanged.update(text for text in set(texts) if len(text) <= _SHORT and done.get(text, text) == text)

    def content(text: str) -> str:
        return done.get(text, text)

    def number(value: float) -> float | str:
        return value if (text := str(value)) == (new := content(text)) else new

    rules: Rules = {
        "content": content,
        "json": lambda value: rewrite_json(value, content, number=number, withheld=mark("text")),
    }
    for place in dict.fromkeys(owners[place] for place in changing):
        record = bare[place]
        bare[place] = rewrite(record, {**rules, "name": _NamesBut(content, record)})
    return [Redacted(record, _KEY) for record in bare]


class _NamesBut:
    """Treats the names in a record like any text, but for its identifiers."""

    __slots__ = ("_content", "_ids")

    def __init__(self, content: Callable[[str], str], record: Observed) -> None:
        self._content = content
        self._ids = {one for one in (record.trace, record.span, record.parent) if _ID.fullmatch(one)}

    def __call__(self, text: str) -> str:
        return text if text in self._ids else self._content(text)
