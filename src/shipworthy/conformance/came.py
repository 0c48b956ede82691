"""What came out of a gateway, and which marks are in it, however they were taken apart."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shipworthy.conformance.cells import MatrixCell

_PLACES = ("index", "output_index", "content_index")
"""By which an event says where in the answer its text belongs."""
_MARK = re.compile(r"mark\d+x\d+@leak\.example\.org")


class Came(NamedTuple):
    """An answer as it came: status, headers, and the bytes of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def values(self) -> list[Any]:
        """Return the JSON values of the body: one, or one an event."""
        text = self.body.decode("utf-8", "replace")
        lines = [line[5:] for line in text.splitlines() if line.startswith("data:")] or [text]
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def texts(self) -> dict[tuple[Any, ...], str]:
        """Return every text of the answer, joined over its events by where it stands."""
        joined: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        for value in self.values():
            for path, text in _walk(value, ()):
                joined[path].append(text)
        return {path: "".join(pieces) for path, pieces in joined.items()}

    def marks(self, cell: MatrixCell) -> list[str]:
        """Return the marks in all of it: headers, raw bytes, texts joined by place and all of them in their order.

        Text inside of text, such as arguments of calls, is looked at too.
        """
        raw = self.body.decode("utf-8", "replace")
        looked = [raw, _unescaped(raw), *(f"{name}: {value}" for name, value in self.headers.items())]
        texts = list(self.texts().values())
        in_order = "".join(text for value in self.values() for _, text in _walk(value, ()))
        looked += [*texts, *map(_unescaped, texts), in_order]
        own = {cell.mark(choice) for choice in range(cell.choices)}
        return sorted(own & {mark for text in looked for mark in _MARK.findall(text)})


def _walk(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield every text with its place; an item that says its own index is known by that."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, "key"), key
            yield from _walk(inner, (*path, key, *(value[name] for name in _PLACES if name in value)))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            number = inner.get("index", place) if isinstance(inner, dict) else place
            yield from _walk(inner, (*path, number))


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text).replace('\\"', '"')
