"""Which of many patterns a text can match at all: one pass over it, in place of one for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import re2

from shipworthy.detect.engine import Encoded, Pattern


class Sieve:
    """Some patterns, most of which a text has nothing for.

    RE2 works out which strings every match of a pattern must hold, and looks for all of them at once. A pattern without
    such a string always passes. It is made when it is first used.

    Args:
        patterns: passed by their place in this sequence.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = tuple(patterns)
        self._made: Any = None

    def passed(self, encoded: Encoded) -> list[int]:
        """Return the places of the patterns that may match, in order; one that is not among them does not."""
        if self._made is None:
            made = re2.Filter()
            for pattern in self._patterns:
                made.Add(pattern.source.encode())
            made.Compile()
            self._made = made
        return self._made.Match(encoded.data, True) or []
