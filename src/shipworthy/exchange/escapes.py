"""A text as it reads once its escapes are undone, with the way back: percent, HTML, JSON and C, quoted-printable."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

_LONGEST_ESCAPE = 12
_ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|(?P<quoted>(?:=[0-9A-Fa-f]{2})+)|&#0*(?P<number>[0-9]{1,7});?"
    r"|&#[xX]0*(?P<code>[0-9A-Fa-f]{1,6});?|(?P<named>&[A-Za-z]{2,8};)|[uU]\+(?P<plus>[0-9A-Fa-f]{4,6})"
    r"|(?<!\\)\\++(?:u(?P<unit>[0-9A-Fa-f]{4})|U(?P<long>[0-9A-Fa-f]{8})|u\{0*(?P<point>[0-9A-Fa-f]{1,6})\}"
    r"|x(?P<byte>[0-9A-Fa-f]{2})|(?P<octal>[0-3][0-7]{2})|(?P<space>[nrtfbv])|(?P<same>[^A-Za-z0-9\\]))"
)
_UNFINISHED = re.compile(
    r"(?:%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){0,2}(?:%[0-9A-Fa-f]?)?|%[0-9A-Fa-f]?"
    r"|=[C-Fc-f][0-9A-Fa-f](?:=[89ABab][0-9A-Fa-f]){0,2}(?:=[0-9A-Fa-f]?)?|=[0-9A-Fa-f]?"
    r"|&(?:#(?:[0-9]{0,9}|[xX][0-9A-Fa-f]{0,8})|[A-Za-z]{0,8})|[uU](?:\+[0-9A-Fa-f]{0,6})?"
    r"|\\+(?:u(?:[0-9A-Fa-f]{0,3}|\{[0-9A-Fa-f]{0,8})|U[0-9A-Fa-f]{0,7}|x[0-9A-Fa-f]?|[0-3][0-7]?)?)\Z"
)


class View(NamedTuple):
    """A text as it is searched, and where each of its characters begins and ends in the text that was given."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def until(self, end: int) -> View:
        """Return its beginning."""
        return View(self.text[:end], self.starts[:end], self.ends[:end])


def plain(text: str) -> View:
    """Return a text as it stands."""
    return View(text, range(len(text)), range(1, len(text) + 1))


def begun(text: str) -> int:
    """Return where the escape begins that the end of a text may have cut off; the text's length where there is none."""
    found = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_ESCAPE))
    return found.start() if found else len(text)


def undone(view: View) -> View | None:
    """Return what a text says once its escapes are read; None where it has none."""
    if not any(sign in view.text for sign in "%&\\=+"):
        return None
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for match in _ESCAPE.finditer(view.text):
        said = _meaning(match)
        if not said:
            continue
        first, last = match.span()
        pieces += [view.text[at:first], said]
        starts += [*view.starts[at:first]]
        ends += [*view.ends[at:first]]
        if (match["percent"] or match["quoted"]) and len(said) == (last - first) // 3:  # one character an escape
            starts += [view.starts[first + 3 * n] for n in range(len(said))]
            ends += [view.ends[first + 3 * n + 2] for n in range(len(said))]
        else:
            starts += [view.starts[first]] * len(said)
            ends += [view.ends[last - 1]] * len(said)
        at = last
    if not pieces:
        return None
    return View("".join(pieces) + view.text[at:], [*starts, *view.starts[at:]], [*ends, *view.ends[at:]])


def _meaning(match: re.Match[str]) -> str:
    if octets := match["percent"] or match["quoted"]:
        return bytes.fromhex(octets.replace(octets[0], "")).decode("utf-8", "replace")
    if match["named"]:
        said = html.unescape(match["named"])
        return "" if said == match["named"] else said
    if match["space"]:
        return " "
    if match["same"]:
        return match["same"]
    if match["number"]:
        code = int(match["number"])
    elif match["octal"]:
        code = int(match["octal"], 8)
    else:
        kinds = ("code", "plus", "unit", "long", "point", "byte")
        code = int(next(digits for kind in kinds if (digits := match[kind])), 16)
    return chr(code) if 0 < code < 0x110000 else ""
