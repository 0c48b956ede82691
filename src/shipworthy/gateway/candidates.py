"""The upstreams that serve one request's model, asked in the order of the gateway's file until one answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from math import inf
from time import perf_counter, time
from typing import TYPE_CHECKING, Protocol, TypeVar

from shipworthy.core.errors import TargetError, TargetFiltered
from shipworthy.core.protocols import Target
from shipworthy.exchange.channel import Channel
from shipworthy.gateway.breaker import UpstreamOpen

if TYPE_CHECKING:
    from shipworthy.gateway.upstream import GatewayUpstream

T = TypeVar("T")


class _Call(Protocol):
    """One request's call. `status` is that of the answer, once it has come; 0 while it has not, or if it broke off."""

    status: int


class Candidates:
    """Of one request.

    An upstream that fails is left for the next one only while nothing of its answer has arrived: a timeout, a broken
    connection, a status of 500 and above, an error in its stream. What says something about the request (400 to 499, a
    provider's filter), or came and cannot be passed on (a picture, a form that was not asked for), is the answer, and
    no failure: whoever asks for such things must not take the upstream from others.

    Args:
        upstreams: at least one; those that an open breaker keeps apart are passed over.

    Attributes:
        seconds: that were spent waiting for them, and for a place at them.
        began, ended: Unix time of the first and the last of that; 0 where nobody was asked.
        headers: sent besides to each of them.
    """

    def __init__(self, upstreams: Sequence[GatewayUpstream]) -> None:
        self._all = upstreams
        self._chosen: GatewayUpstream | None = None
        self.seconds = self.began = self.ended = 0.0
        self.headers: dict[str, str] = {}

    @property
    def name(self) -> str:
        """Name of the upstream that was asked last, and answered where one did; empty where none was asked."""
        return self._chosen.name if self._chosen is not None else ""

    @property
    def stepped_in(self) -> bool:
        """Whether the one that was asked last is not the first that fits."""
        return self._chosen not in (None, self._all[0])

    def channel(self, call: Target) -> Channel:
        """Return the channel of one call."""
        return self._all[0].channel(call)

    async def ask(self, call: _Call, attempt: Callable[[GatewayUpstream], Awaitable[T]]) -> T:
        """Return the first answer that an upstream gives.

        Raises:
            UpstreamOpen: none was asked.
            TargetError: the last one's failure, or what is no failure.
        """
        failed: TargetError | None = None
        for one in self._all:
            if (trial := one.breaker.begin()) is None:
                continue
            since = self._since()
            with trial:
                try:
                    async with one.places.free:
                        self._chosen, call.status = one, 0
                        answer = await attempt(one)
                except TargetError as error:
                    trial.end(good := _is_answer(error, call))
                    if good:
                        raise
                    failed = error
                    continue
                finally:
                    self._waited(since)
                trial.end(True)
                return answer
        raise failed or self._none()

    async def stream(
        self, call: _Call, attempt: Callable[[GatewayUpstream], AsyncGenerator[T, None]]
    ) -> AsyncGenerator[T, None]:
        """Yield the pieces of the first answer that begins. Errors as for `ask`; after a first piece it is final."""
        failed: TargetError | None = None
        for one in self._all:
            if (trial := one.breaker.begin()) is None:
                continue
            begun, since = False, self._since()
            with trial:
                try:
                    async with one.places.free, aclosing(attempt(one)) as pieces:
                        self._chosen, call.status = one, 0
                        async for piece in pieces:
                            begun = True
                            self._waited(since)
                            since = inf  # who takes the piece is waited for, not the upstream
                            yield piece
                            since = perf_counter()
                except GeneratorExit:
                    trial.end(True if begun else None)
                    raise
                except TargetError as error:
                    trial.end(good := _is_answer(error, call))
                    if good or begun:
                        raise
                    failed = error
                    continue
                finally:
                    self._waited(since)
                trial.end(True)
                return
        raise failed or self._none()

    def _since(self) -> float:
        self.began = self.began or time()
        return perf_counter()

    def _waited(self, since: float) -> None:
        if since < inf:
            self.seconds += perf_counter() - since
            self.ended = time()

    def _none(self) -> UpstreamOpen:
        wait = min(one.breaker.wait_s for one in self._all)
        return UpstreamOpen("every upstream of this model has failed too often, and is not asked for now", wait)


def _is_answer(error: TargetError, call: _Call) -> bool:
    return isinstance(error, TargetFiltered) or 0 < call.status < 500
