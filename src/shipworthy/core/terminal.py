"""Text from elsewhere, made fit for a terminal: it can be read and cannot do anything. Standard library only.

A reply of a model, a member of a pack or a title in a workspace may hold sequences that clear the screen, move the
cursor, turn the reading direction, or begin a line that looks like one of ours. Whoever prints such a text prints what
`shown` or `shown_lines` returns.
"""

from __future__ import annotations

import unicodedata

CUT = 400
"""Characters of one text that are shown, unless somebody asks for more."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Categories of characters that show nothing by themselves, or do something."""
_JOINERS = "\u200c\u200d"
"""Needed to write Persian, Indic scripts and some emoji; they move nothing."""


def shown(text: object, limit: int = CUT) -> str:
    """Return a text as one line that does nothing: control characters, line breaks and turns of direction escaped.

    Args:
        text: anything; what is no string is shown as Python writes it.
        limit: characters that are kept; of a longer text the rest is counted, not shown.

    >>> shown("\\x1b[2Jverdict: ship\\n")
    '\\\\u001b[2Jverdict: ship\\\\n'
    >>> shown("x" * 12, 10)
    'xxxxxxxxxx... (2 more characters)'
    """
    said = text if isinstance(text, str) else repr(text)
    escaped = escape(said[:limit])
    return escaped if len(said) <= limit else f"{escaped}... ({len(said) - limit:,} more characters)"


def shown_lines(text: str) -> str:
    """Return a text of several lines with everything but its line feeds and tabs made harmless."""
    return escape(text, keep="\n\t")


def escape(text: str, keep: str = "") -> str:
    """Return a text without a character that shows nothing or moves anything: each is written out, as in JSON.

    Args:
        keep: characters that stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _acts(c) else _written(c) for c in text)


def _acts(character: str) -> bool:
    if character.isprintable():
        return False
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS


def _written(character: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if short:
        return short
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
