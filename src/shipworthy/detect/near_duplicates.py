"""Texts that are nearly the same: Jaccard similarity of their sets of character 5-grams."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from math import ceil
from typing import NamedTuple

SIZE = 5
"""Characters of a gram."""


class NearDuplicate(NamedTuple):
    """A text that is alike to an earlier one: both positions, and their similarity in [0, 1]."""

    at: int
    of: int
    similarity: float


def grams(text: str) -> frozenset[str]:
    """Return the character 5-grams of a text, case, width and runs of white space undone.

    A text of fewer characters is one gram, all of it.

    >>> sorted(grams("Salt  it"))
    ['alt i', 'lt it', 'salt ']
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return frozenset(plain[i : i + SIZE] for i in range(max(1, len(plain) - SIZE + 1)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of grams that two sets have in common, in [0, 1]; two empty sets are the same.

    >>> round(jaccard(grams("the red boat"), grams("the red boot")), 2)
    0.6
    """
    shared = len(one & other)
    whole = len(one) + len(other) - shared
    return shared / whole if whole else 1.0


class GramIndex:
    """Texts, looked up by how alike they are: exact, by lists of who has each gram.

    Wrong to use for texts of many pages: two that share one page of ten are not alike by this measure.
    """

    def __init__(self) -> None:
        self._texts: list[frozenset[str]] = []
        self._having: defaultdict[str, list[int]] = defaultdict(list)

    def nearest(self, found: frozenset[str], besides: Collection[int] = (), *, least: float = 0.0) -> tuple[int, float]:
        """Return the position of the text that is most alike, the earliest of equals, and its similarity.

        (-1, 0.0) where no text shares a gram, or none is as alike as `least`.

        Args:
            besides: positions that are passed over.
            least: in [0, 1]; the higher, the fewer texts are looked at.
        """
        # A text of similarity `least` shares at least that share of these grams: it has one of any set that is larger
        # than the rest. The rarest are taken, for they lead to the fewest texts.
        probed = len(found) - ceil(least * len(found)) + 1 if least else len(found)
        rarest = sorted(found, key=lambda gram: (len(self._having.get(gram, ())), gram))[:probed]
        best, at = 0.0, -1
        for position in sorted({position for gram in rarest for position in self._having.get(gram, ())}):
            if position in besides:
                continue
            similarity = jaccard(found, self._texts[position])
            if similarity > best and similarity >= least:
                best, at = similarity, position
        return at, best

    def add(self, found: frozenset[str]) -> int:
        """Keep a text's grams and return its position, from 0."""
        position = len(self._texts)
        self._texts.append(found)
        for gram in found:
            self._having[gram].append(position)
        return position


def near_duplicates(texts: Sequence[str], threshold: float) -> list[NearDuplicate]:
    """Return the texts that are alike to one before them, which is itself no such one.

    So what is left without them holds no two texts at or above the threshold.

    Args:
        threshold: similarity in (0, 1] from which two texts are alike.

    Raises:
        ValueError: the threshold is out of range.

    >>> near_duplicates(["Where is the boat?", "What is rye?", "Where is the boat?!"], 0.8)
    [NearDuplicate(at=2, of=0, similarity=0.9333333333333333)]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold must be in (0, 1]; got {threshold}")
    index, kept, found = GramIndex(), list[int](), list[NearDuplicate]()
    for at, text in enumerate(texts):
        own = grams(text)
        of, similarity = index.nearest(own, least=threshold)
        if of >= 0:
            found.append(NearDuplicate(at, kept[of], similarity))
        else:
            index.add(own)
            kept.append(at)
    return found
