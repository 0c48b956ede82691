r"""The one pattern engine: RE2. Linear time on any input, and no second engine with other rules beside it.

RE2's ``\b``, ``\d`` and ``\w`` are ASCII. Patterns here say ``[0-9]`` where they mean it, and `apart` checks the edges
of a match with Unicode's idea of a letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import accumulate
from typing import Any

import re2

ENGINE = "google-re2 " + version("google-re2")
"""Part of every digest that patterns enter."""


class Encoded:
    """A text and its UTF-8 bytes, with the way back from bytes to characters.

    Lone surrogates, which have no UTF-8 form, count as U+FFFD: one character for one character.
    """

    __slots__ = ("_ascii", "_chars", "data", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._chars: Sequence[int] | None = None
        self._ascii = text.isascii()
        if self._ascii:
            self.data = text.encode("ascii")
            return
        try:
            self.data = text.encode("utf-8")
        except UnicodeEncodeError:
            self.data = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).encode("utf-8")

    def _places(self) -> Sequence[int]:
        """Return the character index of each byte; most texts have no match, so it is made when it is asked for."""
        if self._chars is None:
            # Continuation bytes (10xxxxxx) begin no character.
            starts = accumulate((byte & 0xC0) != 0x80 for byte in self.data)
            self._chars = [count - 1 for count in starts] + [len(self.text)]
        return self._chars

    def char(self, offset: int) -> int:
        """Return the character index of a byte offset."""
        return offset if self._ascii else self._places()[offset]


class Pattern:
    """One RE2 pattern over bytes; matches come as character offsets.

    It is compiled when it is first used: all of them together take half a second and 60 MB, which a process that only
    appends synthetic text to a run log need not pay.

    Args:
        source: RE2 syntax. Keep its matches bounded: what a match depends on must be near it (see `Guard.reach`).
        group: the group whose span counts.
        ignore_case: fold case, Unicode's simple folding.
    """

    __slots__ = ("_made", "_source", "group", "ignore_case", "source")

    def __init__(self, source: str, *, group: int = 0, ignore_case: bool = False) -> None:
        self.source, self.group = ("(?i)" if ignore_case else "") + source, group
        self._source, self.ignore_case = source, ignore_case
        self._made: Any = None

    @property
    def compiled(self) -> Any:
        """RE2's own object, which matches bytes."""
        if self._made is None:
            options = re2.Options()
            options.case_sensitive = not self.ignore_case
            options.log_errors = False
            self._made = re2.compile(self._source.encode(), options)
        return self._made

    def overlapping(self, encoded: Encoded) -> Iterator[tuple[int, int]]:
        """Yield the span of every match, at most one per start, overlapping ones included.

        Which spans exist near a position then depends only on the text near it, not on where the search began; a
        stream that sees a window finds what the whole text would give. Linear for bounded patterns.
        """
        at, data, end = 0, encoded.data, len(encoded.data)
        while at <= end and (found := self.compiled.search(data, at)) is not None:
            start, stop = found.span(self.group)
            if start < stop:
                yield encoded.char(start), encoded.char(stop)
            at = found.start() + 1

    def runs(self, encoded: Encoded) -> Iterator[tuple[int, int]]:
        """Yield matches that do not overlap, from the left: for patterns whose matches are maximal runs of a class."""
        for found in self.compiled.finditer(encoded.data):
            start, stop = found.span(self.group)
            yield encoded.char(start), encoded.char(stop)

    def found(self, encoded: Encoded) -> bool:
        """Tell whether the pattern matches anywhere."""
        return self.compiled.search(encoded.data) is not None


def apart(text: str, start: int, end: int, joined: str = "") -> bool:
    """Tell whether a span stands alone: no letter, digit, underscore or character of `joined` on either side."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not any(c and (c.isalnum() or c == "_" or c in joined) for c in (before, after))
