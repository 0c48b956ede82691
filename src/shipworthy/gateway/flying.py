"""What is being served at this moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from shipworthy.gateway.active import Active
from shipworthy.gateway.refusal import HttpRefusal


class InFlight(Protocol):
    """Something that is being served."""

    @property
    def active(self) -> Active:
        """What is in force for it."""

    def kill(self) -> None:
        """End it: the kill switch was pulled."""


class Flying:
    """All of it, in one worker."""

    def __init__(self) -> None:
        self._turns: set[InFlight] = set()

    def __len__(self) -> int:
        return len(self._turns)

    @contextmanager
    def enter(self, turn: InFlight) -> Iterator[None]:
        """Count a request in while it is served.

        Raises:
            HttpRefusal: there are too many.
        """
        if len(self._turns) >= turn.active.config.spec.limits.flying:
            raise HttpRefusal(503, "overloaded_error", "as many requests as may be are being served", retry_s=1.0)
        self._turns.add(turn)
        try:
            yield
        finally:
            self._turns.discard(turn)

    def kill(self) -> None:
        """End all of it."""
        for turn in tuple(self._turns):
            turn.kill()
