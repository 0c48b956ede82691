"""A span of a text, and the union of many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """Characters ``start <= i < end`` of a text, and what they are (``email``, ``card``, ``canary``, ...)."""

    start: int
    end: int
    kind: str


def union(spans: Iterable[Span]) -> list[Span]:
    """Merge overlapping spans; the longest member names the whole. Spans that only touch stay apart.

    >>> union([Span(4, 9, "card"), Span(0, 5, "phone"), Span(9, 10, "ip")])
    [Span(start=0, end=9, kind='card'), Span(start=9, end=10, kind='ip')]
    """
    merged: list[Span] = []
    longest = 0
    for span in sorted(set(spans)):
        if span.start >= span.end:
            continue
        length = span.end - span.start
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            kind, longest = (span.kind, length) if length >= longest else (last.kind, longest)
            merged[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            merged.append(span)
            longest = length
    return merged
