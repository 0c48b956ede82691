"""Budgets: how much a run may spend before it stops, cleanly and resumably."""

from __future__ import annotations

import re
import time
from math import inf, isfinite

from msgspec import Struct

from shipworthy.core.errors import LimitReached, UsageError
from shipworthy.core.records import Party, RoleUse, Usage

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?\s*")


class Limits(Struct, frozen=True, kw_only=True):
    """What one session of a run may spend; None is no limit. A resumed run starts with a fresh budget.

    Attributes:
        requests: calls to models, in every role, >= 0; what the cache answers is free.
        tokens: input and output tokens together, as the models report them.
        cost_usd: money, as the models report it or as their prices say.
        seconds: wall time of the session.
    """

    requests: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise UsageError(f"the limit on {name} is {value}: it must be 0 or more")


class _Spent:
    """One role's part, counted in place: a call costs no new record."""

    __slots__ = ("calls", "cost_usd", "input_tokens", "output_tokens")

    def __init__(self) -> None:
        self.calls = self.input_tokens = self.output_tokens = 0
        self.cost_usd = 0.0

    def add(self, usage: Usage) -> None:
        """Count what a reply took."""
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cost_usd += usage.cost_usd

    @property
    def usage(self) -> Usage:
        """What all replies took."""
        return Usage(self.input_tokens, self.output_tokens, self.cost_usd)


class Budget:
    """What a session has spent so far, against its limits.

    Tokens and money are known only when a reply is there, so those two limits can be overshot by the replies that
    are then on their way: at most one a connection.

    Args:
        limits: what may be spent.

    Attributes:
        requests, usage: spent by calls that were really made, in all roles; `roles` holds them by role.
        reason: why the session must stop, or the empty string.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.requests = 0
        self._all = _Spent()
        self._spent: dict[Party, _Spent] = {}
        self.reason = ""
        self.started = time.monotonic()
        seconds = self.limits.seconds
        self._deadline = None if seconds is None else self.started + seconds
        self._metered = self.limits.tokens is not None or self.limits.cost_usd is not None

    @property
    def seconds(self) -> float:
        """Wall time since the budget was opened."""
        return time.monotonic() - self.started

    @property
    def remaining_seconds(self) -> float | None:
        """Wall time left, >= 0; None without a limit."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def take(self, role: Party = "target") -> None:
        """Take one request out of the budget, before it is made.

        Raises:
            LimitReached: a limit is used up; the request must not be made.
        """
        if self.reason or self._used_up():
            raise LimitReached(self.reason)
        self.requests += 1
        spent = self._spent.get(role)
        if spent is None:
            spent = self._spent[role] = _Spent()
        spent.calls += 1

    def spend(self, role: Party, usage: Usage, *, priced: bool = True) -> None:
        """Count what a reply took.

        Args:
            priced: whether it is known what it cost. Where it is not, a limit on money cannot be kept, and nothing more
                is asked.
        """
        if not priced and self.limits.cost_usd is not None and not self.reason:
            who = role.replace("_", " ")
            self.reason = f"an answer of the {who} came without its tokens and its cost: --max-cost cannot be kept"
        self._all.add(usage)
        if (spent := self._spent.get(role)) is not None:
            spent.add(usage)

    @property
    def usage(self) -> Usage:
        """What all replies took."""
        return self._all.usage

    @property
    def roles(self) -> dict[Party, RoleUse]:
        """What was spent, by role."""
        return {role: RoleUse(calls=spent.calls, usage=spent.usage) for role, spent in self._spent.items()}

    @property
    def over(self) -> bool:
        """Whether nothing more may be started: a request was refused, or time is up.

        A budget that is used up to the last request is not over yet: the cache may answer all that is left.
        """
        if not self.reason and self._deadline is not None and time.monotonic() >= self._deadline:
            self._used_up()
        return bool(self.reason)

    def _used_up(self) -> bool:
        limits = self.limits
        if limits.requests is not None and self.requests >= limits.requests:
            self.reason = f"the budget of {limits.requests:,} requests is used up"
        elif self._deadline is not None and time.monotonic() >= self._deadline:
            self.reason = f"the time limit of {format_duration(limits.seconds or 0.0)} is reached"
        elif self._metered:
            tokens = self._all.input_tokens + self._all.output_tokens
            if limits.tokens is not None and tokens >= limits.tokens:
                self.reason = f"the budget of {limits.tokens:,} tokens is used up"
            elif limits.cost_usd is not None and self._all.cost_usd >= limits.cost_usd:
                self.reason = f"the budget of ${limits.cost_usd:,.2f} is used up"
        return bool(self.reason)


def parse_duration(text: str) -> float:
    """Return seconds from ``90``, ``45s``, ``5m``, ``1h30m`` or ``500ms``.

    Raises:
        UsageError: it is none of these.

    >>> parse_duration("1h30m")
    5400.0
    """
    text = text.strip().lower()
    total, end = 0.0, 0
    last = inf
    while end < len(text) and (match := _DURATION.match(text, end)):
        unit = _UNITS[match[2] or "s"]
        if unit >= last:  # `1h1h` is a slip, and what was meant cannot be told
            break
        total, last, end = total + float(match[1]) * unit, unit, match.end()
    if not text or end != len(text) or not isfinite(total):
        raise UsageError(f"{text[:80]!r} is not a duration: write it like 90s, 5m or 1h30m")
    return total


def format_duration(seconds: float) -> str:
    """Return a duration as people read it.

    >>> format_duration(5425), format_duration(72), format_duration(3.14)
    ('1h30m', '1m12s', '3.1s')
    """
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02d}m"
