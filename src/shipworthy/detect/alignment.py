"""Two sentences side by side: which words they share in order, and what was put in, left out or exchanged between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from shipworthy.detect.wording import CLASSES, Word, word_class


def common(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of a longest common subsequence, in order. Time grows with the product of the lengths."""
    n, m = len(one), len(other)
    longest = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        row, below, word = longest[i], longest[i + 1], one[i]
        for j in range(m - 1, -1, -1):
            row[j] = below[j + 1] + 1 if word == other[j] else max(below[j], row[j + 1])
    found, i, j = [], 0, 0
    while i < n and j < m:
        if one[i] == other[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


class Gaps:
    """What differs between answers' sentences and the document's sentences they rest on, added up.

    Attributes:
        counts: how often words were exchanged, put in or left out, and at the ends; features by name.
        runs: by sentence, the longest run of words taken over, as a share of its words.
        shares: by sentence, the share of its words that are taken over in order.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.longest = 0
        self.runs: list[float] = []
        self.shares: list[float] = []
        self._before, self._behind = [0] * len(CLASSES), [0] * len(CLASSES)

    def add(self, said: Sequence[Word], source: Sequence[Word]) -> None:
        """Compare a sentence of an answer with one of a document."""
        pairs = common([w.stem for w in said], [w.stem for w in source])
        self.shares.append(len(pairs) / len(said))
        run = best = 0
        last = (-1, -1)
        for i, j in pairs:
            if last == (i - 1, j - 1):
                run += 1
            else:
                best, run = max(best, run), 1
            if last[0] >= 0:
                self._gap(said, source, last, (i, j))
            last = (i, j)
        self.runs.append(max(best, run) / len(said))
        if pairs:
            self.counts["ends_early"] += pairs[-1][1] < len(source) - 1
            self.counts["begins_late"] += pairs[0][1] > 0

    def _gap(self, said: Sequence[Word], source: Sequence[Word], last: tuple[int, int], at: tuple[int, int]) -> None:
        put, left = said[last[0] + 1 : at[0]], source[last[1] + 1 : at[1]]
        if put and left:
            self.counts["exchanged"] += 1
            ours, theirs = [w for w in put if not w.empty], [w for w in left if not w.empty]
            self.counts["exchanged_content"] += bool(ours and theirs) and len(put) <= 3 and len(left) <= 3
            self.counts["exchanged_number"] += any(w.number for w in ours)
        elif put:
            self.counts["put_in"] += 1
            self.counts["put_in_content"] += any(not w.empty for w in put)
        elif left:
            self.counts["left_out"] += 1
            self.counts["left_out_words"] += len(left)
            self.longest = max(self.longest, len(left))
            self._before[word_class(said[last[0]].plain)] += 1
            self._behind[word_class(said[at[0]].plain)] += 1
            # A verb went with it: what stands before may now seem to do what stands behind.
            self.counts["left_out_verb"] += any(CLASSES[word_class(w.plain)] in ("auxiliary", "past") for w in left)

    def features(self) -> Iterator[tuple[str, float]]:
        """Yield the features, by name, in one order."""
        for name in ("exchanged", "exchanged_content", "exchanged_number", "put_in", "put_in_content", "left_out",
                     "left_out_words", "left_out_verb", "ends_early", "begins_late"):  # fmt: skip
            yield name, self.counts[name]
        yield "left_out_longest", self.longest
        for place, name in enumerate(CLASSES):
            yield f"cut_behind_{name}", self._before[place]
            yield f"cut_before_{name}", self._behind[place]
