"""Metrics of shipworthy's own that had another name once, and those that are taken for more than they count."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shipworthy.core.errors import did_you_mean

METRICS: Mapping[str, str] = {"attack_success": "not_refused"}
"""Former name -> the name today. A scorer of one's own may still give a metric of the former name: it is its own."""

NOT_HARM = "it counts answers that are no refusal, and not refusing is not harm"
COUNTS: Mapping[str, str] = {"not_refused": NOT_HARM}
"""What reports say beside a metric, in one line. `attack_success` is not among them: it once counted the same, and is
given today, by `forbidden_effect`, where something forbidden was done."""


def metric_hint(wrong: str, known: Collection[str]) -> str:
    """Return what to write instead of a metric that nothing gives.

    Args:
        wrong: as asked for; `known` the metrics there are.

    >>> metric_hint("attack_success", ["not_refused", "harmful"])
    "'attack_success' is now called 'not_refused', for that is what it counts: not refusing is not harm"
    >>> metric_hint("not_refused", ["attack_success"])
    "did you mean 'attack_success', as 'not_refused' was called when this was recorded?"
    >>> metric_hint("leek", ["leak"])
    "did you mean 'leak'?"
    """
    now = METRICS.get(wrong)
    if now in known:
        return f"{wrong!r} is now called {now!r}, for that is what it counts: not refusing is not harm"
    former = next((old for old, new in METRICS.items() if new == wrong and old in known), None)
    if former is not None:
        return f"did you mean {former!r}, as {wrong!r} was called when this was recorded?"
    return did_you_mean(wrong, sorted(known))
