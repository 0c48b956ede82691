"""Runs of a text that read like English once rot13 is undone, and do not as they stand."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from shipworthy.detect.engine import Encoded, Pattern

_LETTERS = Pattern(r"[a-zA-Z][a-zA-Z ,.'!?-]{14,}")
_SMALL = frozenset(
    {"the", "a", "to", "and", "of", "in", "is", "you", "that", "it", "for", "on", "with", "as", "are", "this", "be"}
    | {"how", "i", "do", "not", "what", "can", "me", "my", "your"}
)
# Most texts have none of the small words in rot13, and need no further look.
_TURNED = re.compile(
    r"(?<![a-z])(?:" + "|".join(sorted(codecs.encode(w, "rot13") for w in _SMALL)) + r")(?![a-z])", re.IGNORECASE
)
_LEAST = 3


def rotated(encoded: Encoded) -> Iterator[tuple[int, int]]:
    """Yield the spans that are rot13 of English, by its small words."""
    text = encoded.text
    if sum(1 for _ in _TURNED.finditer(text)) < _LEAST:
        return
    for start, end in _LETTERS.runs(encoded):
        # Two short words turn into others by chance ("or" into "be").
        if _english(codecs.decode(text[start:end], "rot13")) > _LEAST - 1 + 3 * _english(text[start:end]):
            yield start, end


def _english(text: str) -> int:
    return sum(word.strip(",.'!?-").lower() in _SMALL for word in text.split())
