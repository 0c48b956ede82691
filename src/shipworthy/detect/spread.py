"""Wordings pulled apart: a letter, a word or a hyphen at a time. Put together again, with the way back.

Each reading begins with one linear search for what it undoes; most texts have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple


class Read(NamedTuple):
    """A text put together; `origin[i]` is the place in the original of the character that gave ``text[i]``.

    Attributes:
        squashed: whether the blanks between words are lost too.
    """

    text: str
    origin: Sequence[int]
    squashed: bool = False


_SIGNS = r"[ \t.\-_*|,/~\x{b7}\x{2022}]".replace(r"\x{b7}", "\u00b7").replace(r"\x{2022}", "\u2022")
_LETTERS = re.compile(rf"(?<![^\W\d_])[^\W\d_](?:(?:{_SIGNS}{{1,3}}|\r?\n)[^\W\d_](?![^\W\d_])){{7,}}")
_JOINED = re.compile(r"(?<![^\W\d_])[^\W\d_]+(?:(?:[-./+_]|\\[nrt])[^\W\d_]+){2,}")
_INSIDE = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_BREAK = re.compile(r"[ \t]*(?:\r?\n[ \t>|*#]*)+")
_NEAR = 50
"""Characters around what was joined or cut that are read with it."""
_SHORT = 2
"""Words of a line up to which it may be a piece of a sentence that runs down the page."""


def readings(text: str) -> Iterator[Read]:
    """Yield the ways to put a text together that differ from it.

    Args:
        text: folded, as `normalise.fold` gives it.
    """
    runs = [found.span() for found in _LETTERS.finditer(text)]
    for start, end in runs:
        yield from _letters(text, start, end)
    joined = [match.span() for match in _JOINED.finditer(text)]
    for start, end in _windows(joined, len(text)):
        places = [i for i in range(start, end) if not (text[i] in "nrt" and text[i - 1 : i] == "\\" and i > start)]
        inner = [i for a, b in joined if start <= a and b <= end for i in range(a, b)]
        signs = {i for i in inner if not text[i].isalpha()}
        yield Read("".join(" " if i in signs else text[i] for i in places), places)
    inside = [match.span() for match in _INSIDE.finditer(text)]
    for start, end in _windows(inside, len(text)):
        if text.count("-", start, end) > 1:
            places = [i for i in range(start, end) if not (text[i] == "-" and _INSIDE.match(text, i))]
            yield Read("".join(text[i] for i in places), places)
    yield from _columns(text)


def _windows(runs: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Return the places around some runs; those that meet are one."""
    found: list[tuple[int, int]] = []
    for start, end in runs:
        begin, stop = max(0, start - _NEAR), min(length, end + _NEAR)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((begin, stop))
    return found


def _letters(text: str, start: int, end: int) -> Iterator[Read]:
    """Yield a run of single letters as words, where the gaps tell them apart, and without any blank."""
    places = [i for i in range(start, end) if text[i].isalpha()]
    gaps = [b - a - 1 for a, b in pairwise(places)]
    yield Read("".join(text[i] for i in places), places, squashed=True)
    usual = min(gaps)
    if max(gaps) > usual:
        out, origin = [text[places[0]]], [places[0]]
        for place, gap in zip(places[1:], gaps, strict=True):
            if gap > usual:
                out.append(" ")
                origin.append(place - 1)
            out.append(text[place])
            origin.append(place)
        yield Read("".join(out), origin)


def _columns(text: str) -> Iterator[Read]:
    """Yield text that runs down the page, a word or two a line, as lines."""
    if text.count("\n") < 2:
        return
    lines, at = [], 0
    for match in _BREAK.finditer(text):
        lines.append((at, match.start()))
        at = match.end()
    lines.append((at, len(text)))
    first = 0
    while first < len(lines):
        last = first
        while last < len(lines) and 1 <= len(text[slice(*lines[last])].split()) <= _SHORT:
            last += 1
        if last - first >= 3:
            # A sentence may begin in the line before and end in the one behind.
            run = lines[max(0, first - 1) : last + 1]
            out, origin = [], []
            for start, end in run:
                out += [*text[start:end], " "]
                origin += [*range(start, end), min(end, len(text) - 1)]
            yield Read("".join(out), origin)
        first = max(last, first + 1)
