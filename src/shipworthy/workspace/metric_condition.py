"""Whether a condition can be held against a metric: its unit, its range, and what no number of samples can show."""

from __future__ import annotations

from itertools import takewhile

from shipworthy.core.amount import amount, number
from shipworthy.core.condition import Condition
from shipworthy.core.metric import Metric


def refusal(must: Condition, metric: Metric) -> str:
    """Return why a condition cannot be held against a metric, with what to write instead; empty where it can.

    A limit at the range's good end is refused, as no number of samples can show it. One at the other end, which
    nothing can miss, is taken (see `weakness`): such a criterion still asks for a run with enough samples and few
    errors.

    >>> from shipworthy.core.condition import parse
    >>> refusal(parse("upper95 <= 5"), Metric("leak"))
    "the limit 5 of 'upper95 <= 5' must be a rate from 0 to 1 (or a percentage: 5%)"
    >>> refusal(parse("upper95 <= 5 s"), Metric("wait", kind="value", unit="s", high=60.0))
    ''
    """
    limit, event = must.limit, metric.kind == "event"
    if event and must.unit not in ("", "%"):
        return f"{must.text!r} gives the unit {must.unit!r}, but {metric.name!r} is a rate: write a number from 0 to 1"
    if not event and must.each:
        return f"{must.text!r} is on the rate of each attack, but {metric.name!r} is a value: write 'upper95 <= ...'"
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


SURE_ENOUGH = 0.8
"""Confidence below which a condition is met so easily by luck that it says little."""


def weakness(must: Condition, metric: Metric | None) -> str:
    """Return why meeting a condition would say little or nothing, with what to write instead; empty where it says much.

    It is not refused: such a criterion still asks for a run with enough samples and few errors.

    Args:
        metric: None where it is not known; only the confidence is looked at then.

    >>> from shipworthy.core.condition import parse
    >>> weakness(parse("upper95 <= 1"), Metric("leak"))
    "nothing can miss 'upper95 <= 1': no rate is above 1, so name the highest rate that you accept"
    >>> weakness(parse("upper50 <= 0.05"), Metric("leak"))
    "a system at the limit meets 'upper50 <= 0.05' in up to 50% of runs (its confidence is 50%), so write upper95"
    >>> weakness(parse("upper95 <= 0.05"), Metric("leak"))
    ''
    """
    if metric is not None and not refusal(must, metric):
        width, what = metric.high - metric.low, "rate" if metric.kind == "event" else "mean"
        if must.test == "noninferiority" and must.limit >= width:
            moved = "rises" if must.side == "upper" else "drops"
            return f"nothing can miss {must.text!r}: no {what} {moved} by more, so name the largest change you accept"
        if must.test == "threshold" and must.side == "upper" and must.limit >= metric.high:
            most = f"no {what} is above {number(metric.high)}"
            return f"nothing can miss {must.text!r}: {most}, so name the highest {what} that you accept"
        if must.test == "threshold" and must.side == "lower" and must.limit <= metric.low:
            least = f"no {what} is below {number(metric.low)}"
            return f"nothing can miss {must.text!r}: {least}, so name the lowest {what} that you accept"
    if must.confidence < SURE_ENOUGH:
        level, luck = (f"{100 * share:.5g}%" for share in (must.confidence, 1 - must.confidence))
        better = "".join(takewhile(lambda c: not c.isdigit(), must.text)) + "95"
        met = f"a system at the limit meets {must.text!r} in up to {luck} of runs (its confidence is {level})"
        return f"{met}, so write {better}"
    return ""
