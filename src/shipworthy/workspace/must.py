"""A criterion's condition, such as ``upper95 <= 0.05``."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from shipworthy.core.amount import amount, number
from shipworthy.core.metric import Metric

_FORM = re.compile(
    r"(?P<what>rise_upper|drop_upper|upper|lower)(?P<level>\d{2}(?:\.\d{1,3})?)\s*"
    r"(?P<sign><=|>=)\s*(?P<limit>[-+]?\d*\.?\d+(?:e[-+]?\d+)?)\s*(?P<unit>%|[^\W\d_][^\s<>=]*)?",
    re.IGNORECASE,
)
_EXAMPLES = "'upper95 <= 0.05', 'lower95 >= 0.80', 'rise_upper95 <= 0.05' or 'drop_upper95 <= 0.10'"
_LARGEST = 1e300


class Must(NamedTuple):
    """A parsed condition.

    Attributes:
        test: ``threshold`` compares this run's rate or mean with a fixed limit; ``noninferiority`` compares its paired
            change against the baseline run with a margin.
        side: ``upper``: it, or its rise, must stay below the limit. ``lower``: it must stay above the limit (or may
            not drop by more).
        confidence: of the one-sided bound, in [0.5, 1), for instance 0.95.
        limit: of an event, in [0, 1]; of a value, in its unit. `refusal` says whether it fits the metric.
        text: as it was written.
        unit: as it was written behind the limit; ``%`` is already taken into it.
    """

    test: Literal["threshold", "noninferiority"]
    side: Literal["upper", "lower"]
    confidence: float
    limit: float
    text: str
    unit: str = ""


def parse_must(text: str) -> Must:
    """Parse a condition.

    >>> parse_must("drop_upper95 <= 0.10")[:4]
    ('noninferiority', 'lower', 0.95, 0.1)

    Raises:
        ValueError: it is no condition, or one that nothing can meet, with what to write instead.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"cannot read the condition {text!r}: write {_EXAMPLES}")
    what, sign, unit = match["what"].lower(), match["sign"], match["unit"] or ""
    confidence = float(match["level"]) / 100
    limit = float(match["limit"]) / (100 if unit == "%" else 1)
    if not 0.5 <= confidence < 1:
        raise ValueError(f"the confidence {match['level']} of {text!r} must be from 50 to below 100")
    wanted = ">=" if what == "lower" else "<="
    if sign != wanted:
        raise ValueError(f"{what}{match['level']} needs {wanted!r}: write {_EXAMPLES}")
    if abs(limit) > _LARGEST:
        raise ValueError(f"the limit {match['limit']} of {text!r} is no number that anything can be held against")
    if what in ("rise_upper", "drop_upper") and limit <= 0:
        raise ValueError("a margin of 0 can be met by no number of samples: name the largest change you accept")
    test: Literal["threshold", "noninferiority"] = "threshold" if what in ("upper", "lower") else "noninferiority"
    side: Literal["upper", "lower"] = "upper" if what in ("upper", "rise_upper") else "lower"
    return Must(test, side, confidence, limit, " ".join(text.split()), unit)


def refusal(must: Must, metric: Metric) -> str:
    """Return why a condition cannot be held against a metric, with what to write instead; empty where it can.

    A limit at the end of the range that every value has anyway is refused: one that nothing can miss, and one that no
    number of samples can show.

    >>> refusal(parse_must("upper95 <= 5"), Metric("leak"))
    "the limit 5 of 'upper95 <= 5' must be a rate from 0 to 1 (or a percentage: 5%)"
    >>> refusal(parse_must("upper95 <= 5 s"), Metric("wait", kind="value", unit="s", high=60.0))
    ''
    """
    limit, event = must.limit, metric.kind == "event"
    if event and must.unit not in ("", "%"):
        return f"{must.text!r} gives the unit {must.unit!r}, but {metric.name!r} is a rate: write a number from 0 to 1"
    if not event and must.unit == "%":
        return f"{must.text!r} gives a percentage, but {metric.name!r} is a value: write the number itself"
    if not event and must.unit not in ("", metric.unit):
        known = f"is in {metric.unit}" if metric.unit else "has no unit"
        return f"{must.text!r} gives the unit {must.unit!r}, but the metric {metric.name!r} {known}"
    if must.test == "noninferiority":
        if limit <= metric.high - metric.low:
            return ""
        widest = amount(metric.high - metric.low, metric.unit)
        return f"the margin {number(limit)} of {must.text!r} is wider than the range of {metric.name!r} ({widest})"
    if not metric.low <= limit <= metric.high:
        if event:
            return f"the limit {number(limit)} of {must.text!r} must be a rate from 0 to 1 (or a percentage: 5%)"
        between = f"from {number(metric.low)} to {amount(metric.high, metric.unit)}"
        return f"the limit {number(limit)} of {must.text!r} is outside the range of {metric.name!r}: {between}"
    end = metric.low if must.side == "upper" else metric.high
    if limit == end:
        bound, name = ("an upper", "highest") if must.side == "upper" else ("a lower", "lowest")
        what = "rate" if event else "mean"
        return f"{bound} bound is never {number(end)}, however many samples: name the {name} {what} you accept"
    return ""
