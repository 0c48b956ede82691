"""How likely a text is about something else than the examples that a product is for: naive Bayes over words and pairs.

Learned when it is made, from examples of both sides; it comes with no weights. A text of words that no example has
cannot be told. Wrong to use with a dozen examples, for texts of another language than theirs, and as a boundary: a
question outside in the words of one inside passes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from shipworthy.detect.normalise import fold

FEWEST = 20
"""Examples of each side."""

_WORD = re.compile(r"[^\W_]+")
_SMOOTH = 0.5
_KNOWN = 2
"""Words and pairs of a text that the examples have, from which it is judged."""


class TopicModel:
    """What tells examples inside from examples outside.

    Args:
        inside, outside: texts, `FEWEST` or more of each; equal ones count once.

    Raises:
        ValueError: too few of a side, or a text on both.
    """

    def __init__(self, inside: Sequence[str], outside: Sequence[str]) -> None:
        sides = [{" ".join(_words(text)): None for text in texts} for texts in (inside, outside)]
        for name, texts in zip(("inside", "outside"), sides, strict=True):
            texts.pop("", None)
            if len(texts) < FEWEST:
                raise ValueError(f"{len(texts)} different examples {name} tell nothing: give {FEWEST} or more")
        if both := sides[0].keys() & sides[1].keys():
            raise ValueError(f"{len(both)} of the examples stand on both sides, one of which begins {min(both)[:40]!r}")
        had, other = (Counter(token for text in texts for token in _tokens(text.split())) for texts in sides)
        size, others = (len(texts) + 2 * _SMOOTH for texts in sides)
        self._weights = {
            token: math.log((other[token] + _SMOOTH) / others) - math.log((had[token] + _SMOOTH) / size)
            for token in had.keys() | other.keys()
        }

    def chance(self, text: str) -> float | None:
        """Return the chance that a text is outside, in [0, 1]; None where it has too few words that are known."""
        found = [self._weights[token] for token in _tokens(_words(text)) if token in self._weights]
        if len(found) < _KNOWN:
            return None
        # Words of a text hang together: their sum is too sure of itself, and less so by the root of their number.
        score = 2 * math.fsum(found) / math.sqrt(len(found))
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text).text)


def _tokens(words: Sequence[str]) -> set[str]:
    return {*words, *(f"{a} {b}" for a, b in pairwise(words))}
