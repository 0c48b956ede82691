"""When to ask again, and after how long."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that pass: the same request may be answered a little later."""
BACKOFF_S, BACKOFF_MAX_S = 0.5, 30.0
"""Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): the wait is uniform in [0, min(max, base 2^n)]."""


def backoff(attempt: int) -> float:
    """Return seconds to wait after the try of that number, counted from 0. Drawn anew each time."""
    return random.uniform(0, min(BACKOFF_MAX_S, BACKOFF_S * 2.0 ** min(attempt, 64)))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds an answer asks to wait, >= 0, from ``Retry-After`` (RFC 9110, 10.2.3) or ``retry-after-ms``.

    Args:
        headers: names in lower case, or a mapping that does not heed case.

    >>> retry_after({"retry-after": "3"})
    3.0
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII):
            return float(text) * scale
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
