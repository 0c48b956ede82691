"""How many of a run's replies the cache gave, and how old they are. Standard library only: the verifier counts again.

A reply that was kept is a measurement of another day. Every report says how many there are; a gate may want none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

_LATEST = 253_402_300_799
"""The last second of the year 9999: the calendar has no later one."""


class Replies(NamedTuple):
    """Replies of all roles in a run: how many were given, how many of them the cache gave, and when the oldest of these
    was first given, Unix time; 0 where none was kept."""

    replies: int = 0
    cached: int = 0
    oldest: float = 0.0

    def and_(self, other: Replies) -> Replies:
        """Return both together."""
        return Replies(self.replies + other.replies, self.cached + other.cached, older(self.oldest, other.oldest))


def older(one: float, other: float) -> float:
    """Return the earlier of two times, where 0 is none.

    >>> older(0.0, 5.0), older(7.0, 5.0), older(0.0, 0.0)
    (5.0, 5.0, 0.0)
    """
    return min(one, other) if one and other else one or other


def of_record(events: Sequence[Mapping[str, Any]], timing: Sequence[Any]) -> Replies:
    """Count one record of a log, as plain JSON.

    Args:
        events: the attempt's; `timing` of its line.

    Raises:
        ValueError: they are not shaped as a record's are.
    """
    if not all(isinstance(event, dict) for event in events):
        raise ValueError("an event that is none")
    asked = {place for place, event in enumerate(events) if event.get("type") == "asked"}
    cached = 0
    for span in timing[3] if len(timing) > 3 else ():
        if not isinstance(span, list) or not span or type(span[0]) is not int:
            raise ValueError("a span that is none")
        cached += span[0] in asked and len(span) > 2 and span[2] is True
    oldest = timing[4] if len(timing) > 4 else 0.0
    if type(oldest) not in (int, float) or not 0 <= oldest <= _LATEST:
        raise ValueError("a time that is none")
    return Replies(len(asked), cached, oldest)


def moment(seconds: float) -> str:
    """Return a Unix time as it is written, to the second; the empty string for 0.

    >>> moment(0.0), moment(1767225600.7)
    ('', '2026-01-01T00:00:00Z')
    """
    if not seconds:
        return ""
    return datetime.fromtimestamp(int(min(max(seconds, 0), _LATEST)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(oldest: str, until: str) -> str:
    """Return in words how long before `until` something was, both as `moment` writes them.

    >>> age("2026-01-01T00:00:00Z", "2026-01-04T05:00:00Z")
    '3 days'
    >>> age("2026-01-01T00:00:00Z", "2026-01-01T00:01:01Z")
    '1 minute'
    """
    seconds = (datetime.fromisoformat(until) - datetime.fromisoformat(oldest)).total_seconds()
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number:,} {name}{'s' * (number != 1)}"
    return "less than a minute"


def told(replies: int, cached: int, oldest: str, until: str) -> str:
    """Return in words how many replies were kept ones.

    Args:
        oldest: when the oldest of them was first given, as `moment` writes it; empty where that is not known.
        until: the moment that its age is told at.

    >>> told(120, 62, "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z")
    '62 of 120 replies (51.7 %) came from the cache, the oldest 3 days old'
    >>> told(120, 0, "", "2026-01-04T00:00:00Z")
    'none of 120 replies came from the cache'
    """
    if not cached:
        return f"none of {replies:,} repl{'ies' if replies != 1 else 'y'} came from the cache"
    share = f"{cached:,} of {replies:,} repl{'ies' if replies != 1 else 'y'} ({100 * cached / replies:.1f} %)"
    return f"{share} came from the cache, {f'the oldest {age(oldest, until)} old' if oldest else 'of unknown age'}"
