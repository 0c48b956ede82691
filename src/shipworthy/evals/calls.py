"""The way to the target: reply cache, budget, concurrency limit, deadline. Everything a run asks goes through here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from math import isfinite
from time import perf_counter

import msgspec

from shipworthy.core.digests import canonical
from shipworthy.core.errors import LimitReached, TargetError, TargetTimeout, UsageError
from shipworthy.core.protocols import Target
from shipworthy.core.records import Reply, Request, Usage
from shipworthy.evals.cache import ReplyCache, request_key
from shipworthy.evals.limits import Budget

CONCURRENCY = 16
TIMEOUT_S = 600.0
"""The engine's own patience with one call. A target's own, shorter one comes first; this one only stops a hang."""


class Tally:
    """What one attempt asked: calls, how many of them the cache answered, what the answers took.

    `queued` is how long it stood in our own queue: no part of the time that the system under test took.
    """

    __slots__ = ("cached", "calls", "input_tokens", "limit", "output_tokens", "queued", "spent")

    def __init__(self) -> None:
        self.calls = 0
        self.cached = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.spent = 0.0
        self.queued = 0.0
        self.limit: LimitReached | None = None

    def add(self, usage: Usage) -> None:
        """Count an answer."""
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.spent += usage.cost_usd

    @property
    def usage(self) -> Usage:
        """What the answers took, also those the cache gave: a record does not depend on what the cache held."""
        return Usage(self.input_tokens, self.output_tokens, self.spent)


class Calls:
    """Ask the target, once for each distinct request.

    Two equal requests at the same moment are one call: otherwise which of two sampled answers the cache keeps would
    be a matter of luck, and the first run could not be repeated.

    Args:
        target: the system under test.
        cache: replies kept so far; None asks every time.
        budget: what may be spent.
        concurrency: calls at one time, >= 1.
        timeout_s: patience with one call.
        secrets: resolved credentials. An endpoint that repeats one in its answer does not get it into a log or a cache.
    """

    def __init__(
        self,
        target: Target,
        *,
        cache: ReplyCache | None = None,
        budget: Budget | None = None,
        concurrency: int = CONCURRENCY,
        timeout_s: float | None = TIMEOUT_S,
        secrets: Sequence[str] = (),
    ) -> None:
        if concurrency < 1:
            raise UsageError(f"the concurrency is {concurrency}: it must be 1 or more")
        self.target, self.cache, self.budget = target, cache, budget or Budget()
        self.concurrency, self.timeout_s = concurrency, timeout_s
        # As they stand in JSON, longest first: one may hold another.
        self.secrets = tuple(secrets)
        self._secrets = [json.dumps(s, ensure_ascii=False)[1:-1].encode() for s in sorted(secrets, key=len)[::-1]]
        self._digest = canonical(dict(target.describe()))
        self._free = asyncio.Semaphore(concurrency)
        self._asked: dict[bytes, asyncio.Future[None]] = {}

    async def send(self, request: Request, tally: Tally, *, keep: bool = True) -> Reply:
        """Answer a request from the cache or the target.

        Args:
            tally: counts what was asked.
            keep: whether this text may be kept: false for suites with private content.

        Raises:
            TargetError: with its subclasses; any other exception of a target becomes one.
            LimitReached: the budget is used up; nothing was sent.
            UsageError: the target cannot work as configured (a missing credential or extra).
        """
        tally.calls += 1
        cache = self.cache if keep else None
        if cache is None:
            reply = await self._call(request, tally)
            tally.add(reply.usage)
            return reply
        try:
            key = request_key(self._digest, request)
        except UnicodeEncodeError:
            reply = await self._call(request, tally)
            tally.add(reply.usage)
            return reply
        while True:
            if (known := cache.get(key)) is not None:
                tally.cached += 1
                tally.add(known.usage)
                return known
            if (other := self._asked.get(key)) is None:
                break
            queued = perf_counter()
            await asyncio.shield(other)  # Whoever asks now tells the cache; if that failed, it is our turn.
            tally.queued += perf_counter() - queued
        self._asked[key] = done = asyncio.get_running_loop().create_future()
        try:
            reply = await self._call(request, tally)
            cache.put(key, reply)
        finally:
            del self._asked[key]
            done.set_result(None)
        tally.add(reply.usage)
        return reply

    async def _call(self, request: Request, tally: Tally) -> Reply:
        queued = perf_counter()
        async with self._free:
            tally.queued += perf_counter() - queued
            try:
                self.budget.take()
            except LimitReached as reached:
                tally.limit = reached
                raise
            try:
                # asyncio.timeout is cheap where nothing waits, and a target that never answers must not hold a run.
                async with asyncio.timeout(self.timeout_s):
                    reply = await self.target.send(request)
            except (TargetError, UsageError):
                raise
            except LimitReached as reached:
                tally.limit = reached
                raise
            except TimeoutError as error:
                raise TargetTimeout(f"no answer in time ({error or f'{self.timeout_s:g} s'})") from error
            except (Exception, SystemExit) as error:
                # A system that calls exit() has failed to answer; it does not end the run with an exit code of its own.
                raise TargetError(f"{type(error).__name__}: {error}") from error
            except asyncio.CancelledError as error:
                if being_cancelled():
                    raise
                # Something inside the target was cancelled, not this run: the attempt must not vanish without a record.
                raise TargetError("the target cancelled its own work") from error
        reply = self._without_secrets(_sound(reply))
        self.budget.spend(reply.usage)
        return reply

    def _without_secrets(self, reply: Reply) -> Reply:
        if not self._secrets:
            return reply
        found = encoded = msgspec.json.encode(reply)
        for secret in self._secrets:
            encoded = encoded.replace(secret, b"[redacted:credential]")
        return reply if encoded == found else msgspec.json.decode(encoded, type=Reply)


def being_cancelled() -> bool:
    """Say whether somebody asked the running task to stop, as opposed to a cancellation that came up from within."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _sound(reply: object) -> Reply:
    """Return a reply that any store can hold and any scorer can read.

    Records are not checked when they are made. What a target put together wrongly would otherwise end the run, be
    scored as silence, or make a log that can never be read again.

    Raises:
        TargetError: it is no reply of the assistant.
    """
    if not isinstance(reply, Reply):
        raise TargetError(f"the target returned a {type(reply).__name__}, not a Reply")
    try:
        checked = msgspec.convert(msgspec.to_builtins(reply), Reply)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        raise TargetError(f"the target returned a Reply that is not one ({type(error).__name__}: {error})") from None
    if checked.message.role != "assistant":
        raise TargetError(f"the target returned a message of the {checked.message.role}, not of the assistant")
    usage = checked.usage
    if not (isfinite(usage.cost_usd) and min(usage.input_tokens, usage.output_tokens, usage.cost_usd) >= 0):
        raise TargetError("the target says that an answer took less than nothing, or no finite amount: see its usage")
    return checked
