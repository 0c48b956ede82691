"""Does a regular expression match somewhere in the answer?"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.metric import Good
from shipworthy.core.registry import scorer
from shipworthy.detect.engine import ENGINE, Encoded, Pattern
from shipworthy.detect.own_pattern import check
from shipworthy.scorers._check import Search, SearchHits, TextCheck, Within

_FORMS = ("none", "NFC", "NFKC")


@lru_cache(maxsize=4096)
def _compiled(source: str, ignore_case: bool) -> Pattern:
    pattern = Pattern(source, ignore_case=ignore_case)
    check(pattern)
    if pattern.found(Encoded("")):
        raise ValueError("the pattern matches the empty text, so it says nothing of an answer")
    return pattern


@scorer
def regex(
    *,
    pattern: str | None = None,
    metric: str = "",
    good: Good = "high",
    within: Within = "last",
    ignore_case: bool = False,
    unicode: Literal["none", "NFC", "NFKC"] = "NFC",
) -> TextCheck:
    r"""Search with RE2: the time grows with the text's length and no faster, whatever the pattern.

    So no answer can make it hang. The price: no look-around and no back-references (refused when the suite is read),
    and ``\b``, ``\d``, ``\w`` know ASCII only (``\pL`` is a letter of any script). ``^`` and ``$`` are the ends of the
    text, of a line with ``(?m)``; the dot matches a line feed with ``(?s)``. An empty answer has no hit.

    Args:
        pattern: what to search for, anywhere in a text; each sample's `expected` if left out.
        metric: the name of the metric; the scorer's id if empty.
        good: ``high`` if a hit is good, ``low`` if it must not happen.
        within: ``last``, the words of the last answer; ``all``, words, tool results and tool arguments of every answer.
        ignore_case: fold case, Unicode's simple folding.
        unicode: form of the texts before the search: ``none``, ``NFC``, ``NFKC``. The pattern is taken as it is.

    Raises:
        PluginError: a parameter is none of these; RE2 refuses the pattern; it matches the empty text.
    """
    if unicode not in _FORMS:
        raise PluginError(f"scorer 'regex': unicode is no {unicode!r}: {did_you_mean(unicode, _FORMS)}")

    def make(wanted: Any) -> Search:
        if not isinstance(wanted, str):
            raise ValueError("give one pattern, a text")
        compiled = _compiled(wanted, ignore_case)

        def search(texts: Sequence[str]) -> SearchHits:
            made = [text if unicode == "none" else unicodedata.normalize(unicode, text) for text in texts]
            encoded = [Encoded(text) for text in made]
            holds = any(compiled.found(text) for text in encoded)
            # Where composing changed a text, its spans are not the original's.
            places = [compiled.runs(e) if m == text else () for m, e, text in zip(made, encoded, texts, strict=True)]
            return SearchHits(holds, "the pattern matches" if holds else "the pattern does not match", holds, places)

        return search

    return TextCheck(
        "regex",
        make,
        wanted=pattern,
        parameter="pattern",
        metric=metric,
        good=good,
        within=within,
        settings={"ignore_case": ignore_case, "unicode": unicode, "engine": ENGINE},
    )
