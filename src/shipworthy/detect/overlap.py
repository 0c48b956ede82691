"""Where a text holds what a test asks: runs of words that it shares with samples.

A model that has read the questions is not measured by them. The measure is that of GPT-3's data (Brown et al. 2020,
appendix C): 13 words in a row; a sample of fewer words counts where all of it stands in the text. What was translated,
or said in other words, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zlib import crc32

from shipworthy.detect.spans import Span

RUN = 13
"""Words in a row that make an overlap."""

FEWEST = 6
"""Words of a sample; one of fewer is in many texts by chance, and is not looked for."""

_WORD = re.compile(r"[^\W_]+")


class OverlapIndex:
    """Samples' texts, looked up by runs of words; case, punctuation and breaks of lines do not count.

    Attributes:
        left_out: texts that were added and are too short to be looked for.
    """

    def __init__(self) -> None:
        self._names: dict[int, dict[tuple[str, ...], str]] = {}
        # A run is looked up whole only where its first words and their checksum fit: most do not.
        self._begins: set[int] = set()
        self.left_out = 0

    def add(self, text: str, name: str) -> None:
        """Keep the runs of a sample's text; the first name of a run stays."""
        words = [match.group() for match in _WORD.finditer(text.casefold())]
        if len(words) < FEWEST:
            self.left_out += 1
            return
        size = min(RUN, len(words))
        for at in range(len(words) - size + 1):
            run = tuple(words[at : at + size])
            self._names.setdefault(size, {}).setdefault(run, name)
            self._begins.add(_begin(run))

    def find(self, text: str) -> list[Span]:
        """Return the runs of words that stand in a sample, of kind `name`; those of one name that meet are one."""
        found: list[Span] = []
        for span in self._runs(text):
            last = next((place for place in range(len(found) - 1, -1, -1) if found[place].kind == span.kind), -1)
            if last >= 0 and span.start <= found[last].end:
                found[last] = Span(found[last].start, max(span.end, found[last].end), span.kind)
            else:
                found.append(span)
        return sorted(found)

    def _runs(self, text: str) -> Iterator[Span]:
        # Folding a word may make it longer, so words are folded one by one and keep their own places.
        places = [(match.start(), match.end(), match.group().casefold()) for match in _WORD.finditer(text)]
        words = [word for *_, word in places]
        for at in range(len(words) - FEWEST + 1):
            if _begin(words[at : at + FEWEST]) not in self._begins:
                continue
            for size, names in self._names.items():
                name = names.get(tuple(words[at : at + size]))
                if name is not None and at + size <= len(words):
                    yield Span(places[at][0], places[at + size - 1][1], name)


def _begin(words: list[str] | tuple[str, ...]) -> int:
    return crc32(" ".join(words[:FEWEST]).encode("utf-8", "replace"))
