"""What came out of a gateway, and which marks are in it, however they were taken apart."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from shipworthy.conformance.cells import MatrixCell
from shipworthy.conformance.marks import CellMark, letters

_PLACES = ("index", "output_index", "content_index")
"""By which an event says where in the answer its text belongs."""
_DEEPEST = 200
"""Levels of a JSON value that are walked: an answer of a hostile gateway has more, and its raw bytes are looked at."""


class MarkFound(NamedTuple):
    """A mark that came out: how many of its bytes in a row, and where: names of fields, or of a header."""

    bytes: int
    channel: str


class Came(NamedTuple):
    """An answer as it came: status, headers by their lower-case name, and the bytes of its body.

    Attributes:
        status: 0 where none came.
        fault: why this is no whole answer; empty where it is one.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    fault: str = ""

    @property
    def text(self) -> str:
        """The body, what is no UTF-8 replaced."""
        return self.body.decode("utf-8", "replace")

    def values(self) -> list[Any]:
        """Return the JSON values of the body: one, or one an event."""
        return [value for value in self._parsed() if value is not _NONE]

    @property
    def malformed(self) -> bool:
        """Whether a piece of the body that must be JSON is none, or there is no piece."""
        found = list(self._parsed())
        return not found or any(value is _NONE for value in found)

    def _parsed(self) -> Iterator[Any]:
        text = self.text
        events = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
        for piece in events or [text]:
            if piece == "[DONE]":
                continue
            try:
                yield json.loads(piece)
            except (ValueError, RecursionError):
                yield _NONE

    def texts(self) -> dict[tuple[Any, ...], str]:
        """Return every text of the answer, joined over its events by where it stands."""
        return _by_place(pair for value in self.values() for pair in _walk(value, ()))

    def said(self) -> list[str]:
        """Return every text of the answer, and those inside of texts that are JSON, such as arguments of calls.

        Halves of a character that came in two events are one again.
        """
        texts = (text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in self.texts().values())
        return list(_deep(texts))

    def leak(self, marks: Iterable[CellMark]) -> MarkFound | None:
        """Return the longest piece of some marks in all of it; None where there is none that would tell anything.

        Headers, raw bytes, texts joined by place and all of them in their order are looked through, and what stands in
        JSON inside of texts.
        """
        return found_in(marks, self._looked())

    def marks(self, cell: MatrixCell) -> list[str]:
        """Return those of a cell's own marks that came, in full or in a piece that tells them."""
        looked = list(self._looked())
        own = [cell.token(choice) for choice in range(cell.choices)]
        plain = [(text, letters(text)) for _, text in looked]
        return sorted(mark.text for mark in own if any(mark.found(*one) for one in plain))

    def _looked(self) -> Iterator[tuple[str, str]]:
        yield from looked_through(self.values())
        yield from (("header " + name, f"{name}: {value}") for name, value in self.headers.items())
        yield from (("raw bytes", text) for text in (self.text, _unescaped(self.text)))


_NONE = object()


def found_in(marks: Iterable[CellMark], looked: Iterable[tuple[str, str]]) -> MarkFound | None:
    """Return the longest piece of some marks in texts with names, the first of those that are as long."""
    marks, best = list(marks), None
    for channel, text in looked:
        plain = letters(text)
        for mark in marks:
            size = mark.found(text, plain)
            if size and (best is None or size > best.bytes):
                best = MarkFound(size, channel)
    return best


def looked_through(values: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield all texts of JSON values with the names of where they stand, each alone and joined by place and order."""
    walked = [pair for value in values for pair in _walk(value, ())]
    for path, text in _by_place(walked).items():
        channel = ".".join(str(step) for step in path if isinstance(step, str)) or "text"
        for inner in _deep([text]):
            yield channel, inner
        if "\\" in text:
            yield channel, _unescaped(text)
    yield "all texts in their order", "".join(text for _, text in walked)


def _by_place(walked: Iterable[tuple[tuple[Any, ...], str]]) -> dict[tuple[Any, ...], str]:
    found: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for path, text in walked:
        found[path].append(text)
    return {path: "".join(pieces) for path, pieces in found.items()}


def _walk(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield every text with its place; an item that says its own index is known by that, and an event by its type."""
    if len(path) > _DEEPEST:
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        index = [value[name] for name in _PLACES if isinstance(value.get(name), int)]
        kind = value["type"] if not path and isinstance(value.get("type"), str) else None
        for key, inner in value.items():
            yield (*path, "key"), key
            yield from _walk(inner, (*path, *([kind] if kind else []), key, *index))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            number = inner.get("index", place) if isinstance(inner, dict) else place
            yield from _walk(inner, (*path, number if isinstance(number, int) else place))


def _deep(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts, and those inside of them where they are JSON objects or lists."""
    for text in texts:
        yield text
        if text[:1] in ("{", "["):
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                continue
            yield from (found for _, found in _walk(inner, ()))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text).replace('\\"', '"')
