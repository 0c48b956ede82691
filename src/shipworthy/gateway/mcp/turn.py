"""One message of a session: what happened to it, how it ended, and its record, which comes before its answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from shipworthy.core.events import Event, Timing
from shipworthy.core.served import Ending, Served
from shipworthy.dialects.json_rpc import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND
from shipworthy.gateway.mcp.released import ReleasedMessage

if TYPE_CHECKING:
    from shipworthy.gateway.active import Active
    from shipworthy.gateway.mcp.session import McpSession

BLOCKED, STOPPED, ENDED, UPSTREAM, BUSY, NOT_RECORDED = range(-32010, -32016, -1)
"""Codes of our own errors, from the range that JSON-RPC leaves to whoever implements it."""


class McpRefusal(Exception):
    """A message that is not passed on, or has no answer that could be.

    Attributes:
        code: of JSON-RPC.
        said: a sentence of ours, or a server's own as guards released it.
        data: of a server's own error, as guards released it.
        ending: as it is recorded.
    """

    def __init__(self, code: int, said: str, ending: Ending = "refused", data: Any = None) -> None:
        self.code, self.said, self.ending, self.data = code, said, ending, data
        super().__init__(said)


def blocked() -> McpRefusal:
    """Return the refusal of what a guard kept back."""
    return McpRefusal(BLOCKED, "a guard kept this back", "blocked")


def misshapen(said: str, field: str = "") -> McpRefusal:
    """Return the refusal of a message that is not of its shape, to whoever sent it."""
    named = f" ({field})" if field.isascii() and field.replace("/", "").replace("_", "").isalnum() else ""
    return McpRefusal(INVALID_PARAMS, f"{said}{named}"[:300])


def not_served(method: str) -> McpRefusal:
    """Return the refusal of a method, to whoever asked for it."""
    named = method if method.isascii() and method.replace("/", "").replace("_", "").isalnum() else "this method"
    return McpRefusal(METHOD_NOT_FOUND, f"{named} is not served: what no guard looks at is not passed on")


class McpTurn:
    """One message; `now_served` is the one that a task serves.

    Args:
        active: what is in force; what was when its last part was looked at.

    Attributes:
        id: of its record.
        events: what happened, in order.
        deadline: ends it: its time is up, the kill switch is pulled, or its sender cancels it.
        killed, cancelled: which of these it was.
        token: that its sender wants to be told of progress by.
    """

    def __init__(self, session: McpSession, active: Active) -> None:
        self._session, self.active = session, active
        self._began, self._clock = time.time(), time.perf_counter()
        self._guard_seconds = 0.0
        self.id = f"GR-{secrets.token_hex(16)}"
        self.events: list[Event] = []
        self.deadline = asyncio.timeout(session.server.spec.timeout_s)
        self.killed = self.cancelled = False
        self.token: str | int | None = None

    def kill(self) -> None:
        """End it: the kill switch was pulled."""
        self.killed = True
        self._now()

    def cancel(self) -> None:
        """End it: whoever asked does not wait for it any more."""
        self.cancelled = True
        self._now()

    def _now(self) -> None:
        with suppress(RuntimeError):  # it has ended by itself, or has not begun
            self.deadline.reschedule(asyncio.get_running_loop().time())

    def note(self, released: ReleasedMessage) -> ReleasedMessage:
        """Take in what guards found."""
        self.events += released.events
        self._guard_seconds += released.seconds
        return released

    def guarded(self, seconds: float) -> None:
        """Take in how long guards took elsewhere."""
        self._guard_seconds += seconds

    def refusal(self, error: BaseException) -> McpRefusal:
        """Return what the sender is told of an error; nothing of an error that is not ours leaves."""
        if isinstance(error, McpRefusal):
            return error
        if isinstance(error, TimeoutError):
            if self.killed:
                return stopped()
            if self.cancelled:
                return McpRefusal(ENDED, "it was cancelled by whoever asked", "gone")
            return McpRefusal(UPSTREAM, "there was no answer in time", "upstream_timeout")
        return McpRefusal(INTERNAL_ERROR, "the gateway failed; nothing was passed on unseen", "failed")

    async def keep(self, ending: Ending, model: str, error: str = "", status: int = 0) -> None:
        """Make the record durable, redacted.

        Raises:
            StoreError: it is not.
        """
        active, session = self.active, self._session
        served = Served(
            id=self.id,
            route=session.route,
            ending=ending,
            client=session.user,
            upstream=session.server.name,
            model=model,
            guards=active.digest,
            policy=active.policy.digest if active.policy is not None else "",
            base=active.base if active.levers else "",
            levers=active.levers,
            decision=active.config.spec.decision,
            status=status,
            events=tuple(self.events),
            error=active.scrub(error) if error else "",
            timing=Timing(self._began, time.perf_counter() - self._clock, self._guard_seconds, ()),
        )
        # Whoever stops waiting for it does not stop it.
        await asyncio.shield(asyncio.ensure_future(session.gateway.keep(served, active)))


now_served: ContextVar[McpTurn] = ContextVar("now_served")


def stopped() -> McpRefusal:
    """Return the refusal of everything while the kill switch is pulled."""
    return McpRefusal(STOPPED, "an operator has stopped this gateway", "stopped")


def not_recorded() -> McpRefusal:
    """Return the refusal of what could not be recorded."""
    return McpRefusal(NOT_RECORDED, "it cannot be recorded, and what is not recorded is not passed on", "failed")
