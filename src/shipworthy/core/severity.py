"""How bad a hit on a sample is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Severity = Literal["S1", "S2", "S3", "S4"]
"""S1 is the worst: one hit on a bad event is a no-ship, whatever the rates say."""


def worse(one: Severity, than: Severity) -> bool:
    """Say whether a severity is worse than another.

    >>> worse("S1", than="S2"), worse("S2", than="S2")
    (True, False)
    """
    return one < than


def worst(severities: Iterable[Severity], default: Severity = "S4") -> Severity:
    """Return the worst of some severities; `default` where there is none."""
    return min(severities, default=default)
