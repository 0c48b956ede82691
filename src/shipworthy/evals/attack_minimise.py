"""The shortest form of a found attack: delta debugging, each test one query.

Source: "Simplifying and Isolating Failure-Inducing Input", Zeller and Hildebrandt 2002. A target that draws its answers
may fail a test that would mostly pass, so the result is short and not minimal for certain; how often it works is what
the re-run afterwards measures.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

_SENTENCE = re.compile(r"[.!?:]+\s+|\n+\s*")
_WORD = re.compile(r"\s+")


class TextPiece(NamedTuple):
    """A piece of a text; one that is `fixed` is never left out."""

    text: str
    fixed: bool


def pieces(text: str, keep: str, *, words: bool = False) -> list[TextPiece]:
    """Return a text in sentences, or in words; what belongs to `keep` is fixed, in one piece.

    Args:
        keep: a text that stands in it; "" where all of it may go.

    >>> [piece.text for piece in pieces("Hello there. How are you?", "How are you?")]
    ['Hello there. ', 'How are you?']
    """
    if keep and keep in text:
        before, _, after = text.partition(keep)
        return [*pieces(before, "", words=words), TextPiece(keep, True), *pieces(after, "", words=words)]
    ends = [match.end() for match in (_WORD if words else _SENTENCE).finditer(text)]
    cuts = [0, *(end for end in ends if end < len(text)), len(text)]
    return [TextPiece(text[start:end], False) for start, end in pairwise(cuts) if start < end]


async def reduced(free: Sequence[int], works: Callable[[frozenset[int]], Awaitable[bool | None]]) -> frozenset[int]:
    """Return a small subset of the indices with which something still works; all of them if none smaller does.

    Args:
        works: tells of a subset whether it does; None ends the search (nothing may be asked any more).
    """
    kept, parts = list(free), 2
    if not kept:
        return frozenset()
    if (alone := await works(frozenset())) or alone is None:
        return frozenset() if alone else frozenset(kept)
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        chunks = [kept[at : at + size] for at in range(0, len(kept), size)]
        for at, chunk in enumerate(chunks):
            rest = [index for other, inside in enumerate(chunks) if other != at for index in inside]
            if not rest:
                continue
            answer = await works(frozenset(rest))
            if answer is None:
                return frozenset(kept)
            if answer:
                kept, parts = rest, max(2, parts - 1)
                break
            if len(chunks) > 2 and len(chunk) < len(rest):
                answer = await works(frozenset(chunk))
                if answer is None:
                    return frozenset(kept)
                if answer:
                    kept, parts = chunk, 2
                    break
        else:
            if parts >= len(kept):
                break
            parts = min(len(kept), parts * 2)
    return frozenset(kept)


async def shortened(text: str, keep: str, works: Callable[[str], Awaitable[bool | None]]) -> str:
    """Return a text shortened by sentences and then by words, as far as it works.

    Args:
        keep: what must stay, "" for nothing.
        works: tells of a text whether it does; None ends the search.
    """
    for words in (False, True):
        cut = pieces(text, keep, words=words)
        free = [i for i, piece in enumerate(cut) if not piece.fixed]
        seen: dict[str, bool | None] = {}

        async def tried(
            left: frozenset[int], cut: list[TextPiece] = cut, seen: dict[str, bool | None] = seen
        ) -> bool | None:
            said = _joined(cut, left)
            if not said:
                return False
            if said not in seen:
                seen[said] = await works(said)
            return seen[said]

        text = _joined(cut, await reduced(free, tried)) or text
    return text


def _joined(cut: Sequence[TextPiece], left: frozenset[int]) -> str:
    return "".join(piece.text for i, piece in enumerate(cut) if piece.fixed or i in left).strip()
