"""Apply findings to a text: overlapping ones as their union, all at once, so that no edit moves another's place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shipworthy.core.records import Finding


class Edit(NamedTuple):
    """Characters ``start <= i < end`` give way to a text."""

    start: int
    end: int
    replacement: str


def edits(findings: Iterable[Finding]) -> list[Edit]:
    """Return the union of the findings that edit (redact, replace), as edits that do not overlap, in order.

    Where findings overlap, the longest gives the replacement; among equals the first to begin, then the first in
    alphabetical order, so that the order in which guards answered does not matter.
    """
    ordered = sorted(
        (f.start, f.end, f.replacement if f.action == "replace" or f.replacement else f"[redacted:{f.rule}]")
        for f in findings
        if f.action in ("redact", "replace")
    )
    merged: list[Edit] = []
    longest = 0
    for start, end, replacement in ordered:
        if merged and start < merged[-1].end:
            last = merged[-1]
            if end - start > longest:
                longest = end - start
                last = last._replace(replacement=replacement)
            merged[-1] = last._replace(end=max(last.end, end))
        else:
            merged.append(Edit(start, end, replacement))
            longest = end - start
    return merged


def apply(text: str, changes: Sequence[Edit], start: int, end: int) -> str:
    """Return ``text[start:end]`` with the edits in it made. No edit may straddle `start` or `end`."""
    pieces, at = [], start
    for change in changes:
        if change.end <= start or change.start >= end:
            continue
        pieces += [text[at : change.start], change.replacement]
        at = change.end
    return "".join(pieces) + text[at:end]
