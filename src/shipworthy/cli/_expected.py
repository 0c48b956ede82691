"""What a plan is expected to take, as text: ranges in two digits, and from what they come."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipworthy.evals.estimate import Estimate
    from shipworthy.evals.took import Between

UNKNOWN = "Time, tokens and money are not known before a first run of this target."
SMALL = ("A small one tells:", "  shipworthy eval --max-requests 30")
NO_PRICE = "Money is not known: write what the target costs beside `use` in targets.yaml: "


def lines(found: Estimate, *, begun: bool = False) -> Iterator[str]:
    """Yield lines of at most 80 columns: time, tokens and money; from what they come; how to get what is missing.

    Args:
        begun: whether the run is about to begin, which will tell what is not known yet.
    """
    for said in sentences(found):
        yield from textwrap.wrap(said, 80, break_long_words=False, break_on_hyphens=False)
    if not found.known and not begun:
        yield from SMALL


def sentences(found: Estimate) -> Iterator[str]:
    """Yield the same as a sentence each, not wrapped."""
    from shipworthy.core.price import HINT

    if not found.known:
        yield UNKNOWN
        return
    parts = []
    if found.seconds is not None:
        parts.append(_span(_duration(found.seconds.low), _duration(found.seconds.high)))
    if found.tokens is not None:
        parts.append(f"{_span(_count(found.tokens.low), _count(found.tokens.high))} tokens")
    if found.usd is not None:
        parts.append(f"{money(found.usd)} ({'as providers report it' if found.reported else 'computed from `price`'})")
    yield f"Expected: {', '.join(parts)}."
    if found.assumed:
        yield f"Assumed, not measured: {found.assumed}. Time is known after a first run."
        return
    runs = f"{', '.join(found.runs)} ({found.attempts:,} attempts of this target)"
    once = f"{found.concurrency:,} call{'' if found.concurrency == 1 else 's'} at a time"
    yield f"By {runs}, {once}, nothing from the reply cache."
    if found.unpriced and found.usd is not None:
        yield "Not in the money: tokens of models that have no `price` beside their `use`."
    elif found.unpriced:
        yield NO_PRICE + HINT


def money(found: Between) -> str:
    """Return a range of money.

    >>> from shipworthy.evals.took import Between
    >>> money(Between(0.312, 0.448)), money(Between(0, 0))
    ('$0.31 to $0.45', '$0.00')
    """
    from shipworthy.core.price import money as said

    if not found.high:
        return said(0)
    return _span(said(_rounded(found.low)), said(_rounded(found.high)))


def _duration(seconds: float) -> str:
    from shipworthy.exchange.budget import format_duration

    if seconds < 1:
        return "1s"
    if seconds < 10:
        return f"{round(seconds)}s"
    # Whole tens of seconds, minutes, tens of minutes: nobody knows it better.
    step = next(size for size, below in ((1, 60), (60, 3600), (600, 36_000), (3600, float("inf"))) if seconds < below)
    if step == 1:
        return f"{_rounded(seconds):.0f}s"
    whole = max(1, round(seconds / step)) * step
    return f"{whole // 60}m" if whole < 3600 else format_duration(whole).removesuffix("00m")


def _count(number: float) -> str:
    return f"{_rounded(number):,.0f}"


def _rounded(number: float) -> float:
    return float(f"{number:.2g}")


def _span(low: str, high: str) -> str:
    return f"about {low}" if low == high else f"{low} to {high}"
