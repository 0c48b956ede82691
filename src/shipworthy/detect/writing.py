"""One writing of every number, date and name: what typography, other scripts and line wraps change, undone.

`normalise.fold` asks what a text would be taken for; this asks how a careful typist would have written it. Letters and
case stay. Digits of any script become ASCII's, dashes a hyphen, blanks of any kind one space, curly quotes straight;
characters that are not seen vanish. Every pattern for personal data and credentials reads this and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from shipworthy.detect.normalise import Folded

_QUOTES = dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u2032\u00b4\uff07", "'") | dict.fromkeys(
    "\u201c\u201d\u201e\u201f\u2033", '"'
)
_SIGNS = _QUOTES | {"\u2212": "-", "\u2044": "/", "\u2215": "/", "\u2236": ":", "\u2024": "."}
_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_EXTRA = ("<super>", "<sub>")
# What is plain already: most of most texts. A character class cannot take long, so Python's own engine does.
_SHORT = 16_384
"""Characters of a text whose writing is remembered for a moment: several checks ask for it one after the other."""
_PLAIN = re.compile(r"[!-~](?: ?[!-~])*")


@lru_cache(maxsize=8192)
def written_char(char: str) -> str:
    """Return how a character is written plainly: ``""`` where it is not seen, ``"\\n"`` where it ends a line.

    >>> [written_char(c) for c in "\\uff14\\u0665\\u2011\\u00a0\\u200b\\u2028\\u00b2"]
    ['4', '5', '-', ' ', '', '\\n', '^']
    """
    if char in _BREAKS:
        return "\n"
    if char == "\t":
        return " "
    if char.isascii():
        return char
    code = ord(char)
    if 0xE0020 <= code <= 0xE007E:  # tag characters: invisible ASCII
        return chr(code - 0xE0000)
    if char in _UNSEEN or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return ""
    if (sign := _SIGNS.get(char)) is not None:
        return sign
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Cf":
        return ""
    if category == "Pd":
        return "-"
    if category == "Zs":
        return " "
    if unicodedata.decomposition(char).startswith(_EXTRA):
        return "^"  # A note's number behind a value is no part of it.
    plain = unicodedata.normalize("NFKC", char)
    # A compatibility form of several characters (a fraction, a unit) may hold signs that have a plain form themselves.
    return plain if len(plain) == 1 or plain == char else "".join(_SIGNS.get(c, c) for c in plain)


class Writing(Folded):
    """A text as plainly written, with the map back.

    Runs of blanks are one: a space, a line feed where they hold one line break, two where they hold more. A line that
    ends in a hyphen goes on without a blank.
    """

    __slots__ = ()

    @property
    def unwrapped(self) -> str:
        """The text with lines joined, character for character as long: blank lines still part what they part."""
        if "\n" not in self.text:
            return self.text
        return self.text.replace("\n\n", "\0\0").replace("\n", " ").replace("\0\0", "\n\n")

    def extent(self, start: int, end: int, before: int = 0) -> int:
        """Return over how many characters of the original a span and so many characters before it reach."""
        return self.origin[end - 1] + 1 - self.origin[max(0, start - before)]


def written(text: str) -> Writing:
    """Write a text plainly.

    >>> written("4111\\u00a01111\\u20111111 \\n 1111").text
    '4111 1111-1111\\n1111'
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return Writing(text, range(len(text)))
    return _last_written(text) if len(text) <= _SHORT else _written(text)


def _written(text: str) -> Writing:
    out: list[str] = []
    origin: list[int] = []
    gap, gap_at, i = "", 0, 0  # the blanks since the last character that is seen, and where they begin
    while i < len(text):
        if plain := _PLAIN.match(text, i):
            piece, places = plain[0], range(i, plain.end())
        else:
            piece = written_char(text[i])
            places = range(i, i + 1)
        if piece in (" ", "\n"):
            if not gap:
                gap_at = i
            gap += "" if text[i - 1 : i + 1] == "\r\n" else piece  # which is one break
        elif piece:
            if gap:
                between = _between(gap, out[-1][-1:] if out else "")
                out.append(between)
                origin += [gap_at] * len(between)
                gap = ""
            out.append(piece)
            origin += places if plain else [i] * len(piece)
        i = places.stop
    if gap:
        out.append("\n" if "\n" in gap else " ")
        origin.append(gap_at)
    return Writing("".join(out), origin)


_last_written = lru_cache(maxsize=2)(_written)


def _between(gap: str, before: str) -> str:
    """Return what a run of blanks is written as; a hyphen at the end of a line joins the next to it."""
    breaks = gap.count("\n")
    if breaks == 1 and before == "-":
        return ""
    return "\n" * min(breaks, 2) or " "
