"""Look for texts in texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from shipworthy.detect.engine import apart
from shipworthy.scorers._check import Search, SearchHits, texts_of
from shipworthy.scorers._form import Form, Prepared


def containing(form: Form, *, whole_words: bool, every: bool) -> Callable[[Any], Search]:
    """Return what makes a search for texts.

    Args:
        form: how texts are made comparable.
        whole_words: whether a text counts only with no letter, digit or underscore beside it.
        every: whether all of them must be found, or one.
    """

    def make(wanted: Any) -> Search:
        needles = [form.prepare(text).text for text in texts_of(wanted)]
        if not all(needles):
            raise ValueError("a text to look for is empty, or nothing of it is left: it would be found in any answer")

        def search(texts: Sequence[str]) -> SearchHits:
            hays = [form.prepare(text) for text in texts]
            seen = [needle for needle in needles if any(any(_places(h, needle, whole_words)) for h in hays)]
            holds = len(seen) == len(needles) if every else bool(seen)
            reason = f"{len(seen)} of {len(needles)} text{'s' * (len(needles) > 1)} found in the answer"
            return SearchHits(holds, reason, holds, [_spans(hay, seen, whole_words) for hay in hays])

        return search

    return make


def _places(hay: Prepared, needle: str, whole_words: bool) -> Iterator[tuple[int, int]]:
    """Yield where a text stands, as spans of the prepared text that do not overlap."""
    at = hay.text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if not whole_words or apart(hay.text, at, end):
            yield at, end
            at = hay.text.find(needle, end)
        else:
            at = hay.text.find(needle, at + 1)


def _spans(hay: Prepared, needles: Iterable[str], whole_words: bool) -> Iterator[tuple[int, int]]:
    for needle in needles:
        for start, end in _places(hay, needle, whole_words):
            if (span := hay.span(start, end)) is not None:
                yield span
