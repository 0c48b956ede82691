"""One origin as one credential sees it: its connections and its limits, shared by everyone who asks there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from shipworthy.core.turns import Turns
from shipworthy.net.client import Client
from shipworthy.net.options import HttpOptions
from shipworthy.net.rate import Rate

if TYPE_CHECKING:
    from shipworthy.net.endpoint import Endpoint

N = TypeVar("N", int, float)


class Upstream:
    """What all endpoints of one origin and one credential share: a provider counts them together, so we do.

    Of the limits that they ask for, the smallest holds. They are those of the endpoints that are open now.

    Attributes:
        name: origin and the credential's reference; never its value.
        not_before: monotonic time before which nobody asks, because an answer said so.
        requests, tokens: rates a minute, None for no limit.
    """

    def __init__(self, name: str) -> None:
        self.name, self.not_before = name, 0.0
        self.requests: Rate | None = None
        self.tokens: Rate | None = None
        self.concurrency: int | None = None
        self._members: WeakKeyDictionary[Endpoint, HttpOptions] = WeakKeyDictionary()
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()
        self._clients: dict[tuple[str, bool], Client] = {}

    @classmethod
    def of(cls, name: str) -> Upstream:
        """Return this process's one upstream of a name."""
        return _open.setdefault(name, cls(name))

    def join(self, endpoint: Endpoint, options: HttpOptions) -> None:
        """Count an endpoint in, and its limits."""
        self._members[endpoint] = options
        self._settle()

    async def leave(self, endpoint: Endpoint) -> None:
        """Count an endpoint out; the last one closes the connections."""
        self._members.pop(endpoint, None)
        self._settle()
        if not self._members:
            clients, self._clients = self._clients, {}
            for client in clients.values():
                await client.close()

    def client(self, options: HttpOptions) -> Client:
        """Return the connections that fit these options."""
        key = options.ca_file, options.proxies
        if key not in self._clients:
            self._clients[key] = Client(ca_file=options.ca_file, proxies=options.proxies)
        return self._clients[key]

    def turns(self) -> Turns:
        """Return who may be in at one time, in the running event loop."""
        loop = asyncio.get_running_loop()
        turns = self._turns.get(loop)
        if turns is None:
            turns = self._turns[loop] = Turns(self.concurrency)
        return turns

    async def wait(self, tokens: int) -> None:
        """Wait until one request of so many tokens may be sent."""
        while (pause := self.not_before - time.monotonic()) > 0:  # noqa: ASYNC110 - another refusal may move it on
            await asyncio.sleep(pause)
        if self.requests:
            await self.requests.take()
        if self.tokens and tokens:
            await self.tokens.take(tokens)

    def hold(self, seconds: float) -> None:
        """Have everybody wait: the others would only be refused too."""
        self.not_before = max(self.not_before, time.monotonic() + seconds)

    def spent(self, expected: int, really: int | None) -> None:
        """Correct what a request was expected to cost in tokens; None where its answer did not say."""
        if self.tokens and really is not None:
            self.tokens.correct(expected - really)

    def _settle(self) -> None:
        asked = list(self._members.values())
        self.concurrency = _smallest(o.concurrency for o in asked)
        self.requests = _changed(self.requests, _smallest(o.requests_per_minute for o in asked))
        self.tokens = _changed(self.tokens, _smallest(o.tokens_per_minute for o in asked))
        for turns in self._turns.values():
            turns.change(self.concurrency)


_open: WeakValueDictionary[str, Upstream] = WeakValueDictionary()


def _smallest(asked: Iterable[N | None]) -> N | None:
    return min((limit for limit in asked if limit is not None), default=None)


def _changed(rate: Rate | None, per_minute: float | None) -> Rate | None:
    if per_minute is None or (rate is not None and rate.per_minute == per_minute):
        return rate if per_minute is not None else None
    return Rate(per_minute)
