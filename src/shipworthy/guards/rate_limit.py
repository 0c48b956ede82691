"""Stop who asks too much: messages and characters in a time, by user or by session."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Literal, get_args

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard

VERSION = "2"
Per = Literal["user", "session"]
MOST = 100_000
"""Users or sessions that are counted; the one that was not heard of for longest is forgotten first."""


@guard
class RateLimit:
    """Block a user's message where messages or characters of the last `seconds` go over a limit.

    The blocked message counts, so that who goes on at the same pace stays blocked. Counts are in this process's memory:
    several workers each count their own. A request without a user (or session) shares one count with all such requests.
    A budget for a session is a limit `per` session with long `seconds`. What a tool may be called for, and how often,
    is the tool policy's to limit.

    Args:
        messages: most messages in the time; none is counted if 0.
        characters: most characters in the time; none is counted if 0.
        seconds: the time, above 0.
        per: ``user`` or ``session``.

    Raises:
        PluginError: no limit, a negative one, or an unknown `per`.
    """

    stages: frozenset[Stage] = frozenset({"input"})
    reach: int | None = None
    once = True

    def __init__(
        self,
        *,
        messages: int = 0,
        characters: int = 0,
        seconds: float = 60.0,
        per: Per = "user",
    ) -> None:
        if per not in get_args(Per):
            raise PluginError(f"guard 'rate_limit' counts by no {per!r}: {did_you_mean(str(per), get_args(Per))}")
        _whole("rate_limit", messages=messages, characters=characters)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
            raise PluginError(f"guard 'rate_limit': seconds is a number above 0, not {seconds!r}")
        self._messages, self._characters, self._seconds = messages, characters, float(seconds)
        self._per, self.clock = per, monotonic
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "rate_limit",
            "version": VERSION,
            "messages": self._messages,
            "characters": self._characters,
            "seconds": self._seconds,
            "per": self._per,
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        who = getattr(ctx.request, self._per, "")
        seen = self._seen.setdefault(who, _Seen())
        self._seen.move_to_end(who)
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        now, size = self.clock(), len(part.text)
        seen.forget(now - self._seconds)
        seen.add(now, size)
        over = ""
        if self._messages and len(seen.sizes) > self._messages:
            over = "messages"
        elif self._characters and seen.characters > self._characters:
            over = "characters"
        if not over:
            return ()
        # The newest that still go over the limit say that it is: memory does not grow with the requests.
        if over == "messages":
            while len(seen.sizes) - 1 > self._messages:
                seen.drop()
        else:
            while seen.characters - seen.sizes[0][1] > self._characters:
                seen.drop()
        return [Finding(0, size, over, "block", reason=f"too many of one {self._per}")]


class _Seen:
    """Messages of one user or session in the time, oldest first, and the sum of their characters."""

    __slots__ = ("characters", "sizes")

    def __init__(self) -> None:
        self.sizes: deque[tuple[float, int]] = deque()
        self.characters = 0

    def add(self, when: float, size: int) -> None:
        self.sizes.append((when, size))
        self.characters += size

    def drop(self) -> None:
        self.characters -= self.sizes.popleft()[1]

    def forget(self, until: float) -> None:
        """Drop what is as old as a time, or older. Each message is dropped once, so a check takes constant time."""
        while self.sizes and self.sizes[0][0] <= until:
            self.drop()


def _whole(name: str, **limits: int) -> None:
    for key, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise PluginError(f"guard {name!r}: {key} is a whole number of 0 or more, not {value!r}")
    if not any(limits.values()):
        raise PluginError(f"guard {name!r} has no limit and would pass everything: give {' or '.join(limits)}")
