"""Text from elsewhere, made fit for a terminal: it can be read and cannot do anything. Standard library only.

A reply of a model, a member of a pack or a title in a workspace may hold sequences that clear the screen, move the
cursor, turn the reading direction, or begin a line that looks like one of ours. `shown` is for one such text within a
line of ours, `visible` for prose of several lines, and `escape` for whole output: what it writes in the place of a
character means the same in JSON.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

CUT = 400
"""Characters of one text that are shown, unless somebody asks for more."""

_JOINERS = "\u200c\u200d"
"""Needed to write Persian, Indic scripts and some emoji; they move nothing."""


def shown(text: object, limit: int = CUT) -> str:
    """Return a text as one line that does nothing: control characters, line breaks and turns of direction spelled out.

    Args:
        text: anything; what is no string is shown as Python writes it.
        limit: characters that are kept; of a longer text the rest is counted, not shown.

    >>> shown("\\x1b[2Jverdict: ship\\n")
    '<U+001B>[2Jverdict: ship\\\\n'
    >>> shown("x" * 12, 10)
    'xxxxxxxxxx... (2 more characters)'
    """
    said = text if isinstance(text, str) else repr(text)
    if len(said) <= limit and said.isascii() and said.isprintable():
        return said
    line = visible(said[:limit]).replace("\n", "\\n").replace("\t", "\\t")
    return line if len(said) <= limit else f"{line}... ({len(said) - limit:,} more characters)"


def visible(text: str) -> str:
    """Return text with everything invisible or directional spelled out, so that it cannot act on its reader.

    Control characters (a terminal obeys them), bidirectional overrides (they reorder what is read), zero-width and tag
    characters (they hide) and lone surrogates (no file can hold them) become ``<U+202E>``; line feeds and tabs stay.

    >>> visible("a\\u202eb\\x1b[31m")
    'a<U+202E>b<U+001B>[31m'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) for c in text.replace("\r\n", "\n"))


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    # Cc control, Cf format, Cs surrogate, Co private use, Cn unassigned, Zl and Zp line separators.
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"<U+{ord(character):04X}>"
    return character


def escape(text: str) -> str:
    """Return text in which no character acts on a terminal; line feeds and tabs stay, and CSV's line ends.

    >>> escape("a\\u202eb\\x1b[2J")
    'a\\\\u202eb\\\\u001b[2J'
    """
    if text.isascii() and text.isprintable():
        return text
    return "\r\n".join("".join(map(_escaped, line)) for line in text.split("\r\n"))


@lru_cache(maxsize=4096)
def _escaped(character: str) -> str:
    if character in "\n\t" or character in _JOINERS or character.isprintable():
        return character
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
