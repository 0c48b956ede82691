"""Is the answer as long as it may be, and as long as it must be?"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.metric import Good
from shipworthy.core.registry import scorer
from shipworthy.scorers._check import Search, SearchHits, TextCheck

_COUNTS: Mapping[str, Callable[[str], int]] = {
    "characters": lambda text: len(unicodedata.normalize("NFC", text.strip())),
    "words": lambda text: len(text.split()),
    "lines": lambda text: len(text.strip().splitlines()),
}


@scorer
def length(
    *,
    min: int | None = None,
    max: int | None = None,
    unit: Literal["characters", "words", "lines"] = "characters",
    metric: str = "",
    good: Good = "high",
) -> TextCheck:
    """Count the last answer's words, characters or lines, white space at its ends left out.

    Characters are Unicode code points after NFC, so that an emoji may be several; words are parted by white space, so
    that Chinese, Japanese or Thai have few. An empty answer has no hit, even if `min` is 0.

    Args:
        min: the least, at least 0; each sample's `expected`, such as ``{max: 400}``, if neither is given.
        max: the most, at least `min`.
        unit: ``characters``, ``words`` or ``lines``.
        metric: the name of the metric; the scorer's id if empty.
        good: ``high`` if a hit is good, ``low`` if it must not happen.

    Raises:
        PluginError: a parameter is none of these.
    """
    if unit not in _COUNTS:
        raise PluginError(f"scorer 'length': unit is no {unit!r}: {did_you_mean(unit, list(_COUNTS))}")
    count = _COUNTS[unit]

    def make(wanted: Any) -> Search:
        low, high = _limits(wanted)

        def search(texts: Sequence[str]) -> SearchHits:
            found = count(texts[-1])
            fits = low <= found and (high is None or found <= high)
            return SearchHits(fits, f"{found:,} {unit if found != 1 else unit[:-1]}")

        return search

    given = {name: limit for name, limit in (("min", min), ("max", max)) if limit is not None}
    return TextCheck(
        "length", make, wanted=given or None, parameter="min or max", metric=metric, good=good, settings={"unit": unit}
    )


def _limits(wanted: Any) -> tuple[int, int | None]:
    """Return the least and the most.

    Raises:
        ValueError: they are none.
    """
    if not isinstance(wanted, Mapping) or not wanted or not set(wanted) <= {"min", "max"}:
        raise ValueError("give the limits as {min: ..., max: ...}, at least one of them")
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in wanted.values()):
        raise ValueError("limits are whole numbers, at least 0")
    low, high = wanted.get("min", 0), wanted.get("max")
    if high is not None and high < low:
        raise ValueError(f"the least, {low}, is more than the most, {high}")
    return low, high
