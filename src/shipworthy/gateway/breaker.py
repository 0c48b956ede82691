"""A circuit breaker: an upstream that keeps failing is not asked for a while, then tried with one request.

The pattern is M. Nygard's (*Release It!*, 2007). State is one worker's: each finds out for itself, so that no file or
lock stands in the way of a request.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

from shipworthy.core.errors import TargetError

State = Literal["closed", "open", "half_open"]
STATES: tuple[State, ...] = ("closed", "open", "half_open")


class UpstreamOpen(TargetError):
    """No upstream is asked: each that serves the model has failed too often just now.

    Attributes:
        retry_s: seconds until one of them is tried again.
    """

    def __init__(self, message: str, retry_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class Breaker:
    """Whether one upstream is asked.

    Closed, it lets everything through; after so many failures in a row it opens, and lets nothing through for a time;
    then it is half open: one request at a time tries whether the upstream is back. Its success closes, its failure
    opens again. A request that was begun before the breaker opened decides nothing afterwards.

    Args:
        failures: in a row that open it, 1 or more; 0 never opens it.
        open_s: seconds that it stays open, above 0.
        clock: monotonic seconds.

    Attributes:
        failed: failures in a row so far.
        opened: how often it opened.
    """

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._open_s, self._clock = failures, open_s, clock
        self.failed = self.opened = 0
        self._until: float | None = None
        self._probing: BreakerTrial | None = None
        self._era = 0

    @property
    def state(self) -> State:
        """How it stands at this moment."""
        if self._until is None:
            return "closed"
        return "open" if self._clock() < self._until else "half_open"

    @property
    def wait_s(self) -> float:
        """Seconds until the upstream may be tried again; 0 while it may be."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def begin(self) -> BreakerTrial | None:
        """Return the trial of one request, to be ended; None where it is not to be made now."""
        if self._until is None:
            return BreakerTrial(self, self._era)
        if self._probing is not None or self._clock() < self._until:
            return None
        self._probing = BreakerTrial(self, self._era)
        return self._probing

    def _ended(self, trial: BreakerTrial, good: bool | None) -> None:
        if trial is self._probing:
            self._probing = None
        if good is None or trial.era != self._era:
            return
        if good:
            if self._until is not None:
                self._era += 1
            self.failed, self._until = 0, None
            return
        self.failed += 1
        if self._most and (self._until is not None or self.failed >= self._most):
            self._era += 1
            self.opened += 1
            self._until = self._clock() + self._open_s


class BreakerTrial:
    """One request to an upstream, as its breaker sees it; ``with`` ends it without a word where nobody else did."""

    def __init__(self, breaker: Breaker, era: int) -> None:
        self._breaker, self.era, self._over = breaker, era, False

    def end(self, good: bool | None) -> None:
        """Say how it went: the upstream answered, failed, or was given no time to do either (None)."""
        if not self._over:
            self._over = True
            self._breaker._ended(self, good)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end(None)
