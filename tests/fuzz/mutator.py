"""Changing an input at random: bytes, lines and JSON values, from one source of chance."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

BYTES = (
    b"\0",
    b"\xff",
    b"\x1b[2J",
    b"\n",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"[" * 300,
    b"}",
    b'"',
    b",",
    b"=",
    b"\x80",
)
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53 + 1, 10**400, 1e308, -0.0, float("nan"), float("inf"), "", " ", "ship",
    "Ship", "\ud800", "\x1b[2J",
    "\u202e", "a" * 5000, [], {}, [[]], {"": None}, "sha256:" + "0" * 64, "../x", "env:X", "\u0661",
)  # fmt: skip
"""What programs stumble over."""

DEEPEST = 40
"""How deep a made value is nested; deeper ones stand in the corpus, where they cost once."""


class Mutator:
    """Changes inputs.

    Args:
        random: where chance comes from; the same one in the same state makes the same changes.
        corpus: inputs that pieces are taken from.
    """

    def __init__(self, random: Random, corpus: Sequence[bytes]) -> None:
        self.random, self.corpus = random, corpus

    def bytes(self) -> bytes:
        """Return a changed input: one of the corpus, changed once to six times."""
        data = self.random.choice(self.corpus)
        for _ in range(self.random.randint(1, 6)):
            data = self.random.choice(self._changes)(self, data)
        return data[: 1 << 20]

    def json(self, value: Any) -> Any:
        """Return a JSON value with one change somewhere in it."""
        places = list(_places(value))
        path = self.random.choice(places)
        if not path:
            return self.random.choice(VALUES)
        value = _copied(value)
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        how = self.random.randrange(6)
        if how == 0:
            del parent[path[-1]]
        elif how == 1 and isinstance(parent, dict):
            parent[self.random.choice(("", "id", "x", "\x1b[2J", "Verdict"))] = self.random.choice(VALUES)
        elif how == 2 and isinstance(parent, list):
            parent.insert(path[-1], parent[path[-1]])
        elif how == 3:
            other = value
            for key in self.random.choice(places):
                other = other[key] if isinstance(other, dict | list) and _has(other, key) else other
            parent[path[-1]] = _copied(other)
        elif how == 4 and isinstance(parent[path[-1]], str) and parent[path[-1]]:
            text = parent[path[-1]]
            place = self.random.randrange(len(text))
            parent[path[-1]] = (
                text[:place] + self.random.choice(("\u200b", "A", "0", "\n", "\x00", "")) + text[place + 1 :]
            )
        else:
            parent[path[-1]] = self.random.choice(VALUES)
        return value

    # ---- changes of bytes

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return b"\0"
        place = self.random.randrange(len(data))
        return data[:place] + bytes([data[place] ^ (1 << self.random.randrange(8))]) + data[place + 1 :]

    def _put(self, data: bytes) -> bytes:
        place = self.random.randint(0, len(data))
        return data[:place] + self.random.choice(BYTES) + data[place:]

    def _cut(self, data: bytes) -> bytes:
        start, end = sorted(self.random.randint(0, len(data)) for _ in range(2))
        return data[:start] + data[end:]

    def _again(self, data: bytes) -> bytes:
        start, end = sorted(self.random.randint(0, len(data)) for _ in range(2))
        return data[:end] + data[start:end] * self.random.randint(1, 4) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        other = self.random.choice(self.corpus)
        return data[: self.random.randint(0, len(data))] + other[self.random.randint(0, len(other)) :]

    def _lines(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if len(lines) < 2:
            return data + b"\n" + data
        one, other = (self.random.randrange(len(lines)) for _ in range(2))
        how = self.random.randrange(3)
        if how == 0:
            lines[one], lines[other] = lines[other], lines[one]
        elif how == 1:
            del lines[one]
        else:
            lines.insert(one, lines[other])
        return b"".join(lines)

    def _json(self, data: bytes) -> bytes:
        try:
            value = self.json(json.loads(data))
            return json.dumps(value, ensure_ascii=self.random.random() < 0.5).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):
            return self._word(data)

    def _word(self, data: bytes) -> bytes:
        words = data.split(b" ")
        words[self.random.randrange(len(words))] = str(self.random.choice(VALUES)).encode("utf-8", "surrogatepass")
        return b" ".join(words)

    _changes: tuple[Callable[[Mutator, bytes], bytes], ...] = (
        _flip,
        _put,
        _cut,
        _again,
        _splice,
        _lines,
        _json,
        _json,
        _word,
    )


def _has(value: Any, key: Any) -> bool:
    return key in value if isinstance(value, dict) else isinstance(key, int) and key < len(value)


def _places(value: Any, here: tuple[Any, ...] = ()) -> Any:
    yield here
    if len(here) < DEEPEST:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            yield from _places(inner, (*here, key))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
