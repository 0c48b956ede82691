"""Whether a criterion's condition can be held against a metric."""

from __future__ import annotations

from shipworthy.core.condition import Condition


def refusal(must: Condition) -> str:
    """Return why a condition cannot be held against a rate, with what to write instead; empty where it can.

    A limit at the end of the range that every rate has anyway is refused: no number of samples can show it.

    >>> from shipworthy.core.condition import parse
    >>> refusal(parse("upper95 <= 5"))
    "the limit of 'upper95 <= 5' must be a rate from 0 to 1 (or a percentage: 5%)"
    """
    if must.unit not in ("", "%"):
        return f"{must.text!r} gives the unit {must.unit!r}, but the metric is a rate: write a number from 0 to 1"
    if not 0 <= must.limit <= 1:
        return f"the limit of {must.text!r} must be a rate from 0 to 1 (or a percentage: 5%)"
    if must.test == "noninferiority":
        return ""
    if must.side == "upper" and must.limit == 0:
        return "an upper bound is never 0, however many samples: name the highest rate you accept"
    if must.side == "lower" and must.limit == 1:
        return "a lower bound is never 1, however many samples: name the lowest rate you accept"
    return ""
