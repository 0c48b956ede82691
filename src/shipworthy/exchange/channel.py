"""The way to one model: reply cache, budget, places at its endpoint, deadline. Nothing else calls a target's `send`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from hashlib import sha256
from time import perf_counter
from typing import Any, NamedTuple, Protocol, cast

import msgspec
from msgspec.structs import replace

from shipworthy.core.carries import takes_tools
from shipworthy.core.deadline import Patience
from shipworthy.core.digests import canonical
from shipworthy.core.errors import LimitReached, TargetError, TargetTimeout, UsageError
from shipworthy.core.events import Called, Event, Failed, Party, Returned
from shipworthy.core.foreign import forks, kind_of, leave_if_forked, message_of, must_pass
from shipworthy.core.price import KEY, Price, priced
from shipworthy.core.protocols import Streaming, Target, Tools
from shipworthy.core.records import Delta, Reply, Request
from shipworthy.core.turns import Turns
from shipworthy.exchange.budget import Budget
from shipworthy.exchange.cache import Kept, ReplyCache
from shipworthy.exchange.forms import Forms
from shipworthy.exchange.hidden import Hidden
from shipworthy.exchange.sound import longer, sound, sound_delta

CONCURRENCY = 16
TIMEOUT_S = 600.0
"""The engine's own patience with one call. A target's own, shorter one comes first; this one only stops a hang."""


_FOREVER = nullcontext()


class Recorded(Tools, Protocol):
    """Tools that remember what was called through them."""

    events: list[Event]
    mediated: bool
    """Whether a guard, a policy or a person changed what the target would otherwise have done or seen."""


class Answered(NamedTuple):
    """A reply, and what is known of how it came.

    Attributes:
        events: of the tools that were called on the way.
        seconds: wall time of the call; 0 where the cache answered.
        queued: how long it stood in our own queue: no part of the time that the model took.
        identity: of the request, 32 bytes; empty where it has none.
        given: when a reply of the cache was first given, Unix time; 0 for any other.
    """

    reply: Reply
    events: tuple[Event, ...]
    cached: bool
    seconds: float
    queued: float
    identity: bytes
    given: float = 0.0


class Places:
    """How many calls one endpoint takes at one time, whoever makes them."""

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._free: Turns | None = None

    def share(self, concurrency: int) -> None:
        """Lower the number of places to what one more caller asks for. Only before the first call."""
        self.concurrency = min(self.concurrency, concurrency)

    @property
    def free(self) -> Turns:
        """The places, made when they are first needed: by then everybody has said what they ask for."""
        if self._free is None:
            self._free = Turns(self.concurrency)
        return self._free


class Channel:
    """Ask one model, once for each distinct request.

    Two equal requests at the same moment are one call: otherwise which of two sampled answers the cache keeps would
    be a matter of luck, and the first run could not be repeated.

    Args:
        target: the model.
        cache: replies kept so far; None asks every time. A target that keeps sessions is never answered from it.
        budget: what may be spent.
        places: calls at one time at its endpoint.
        timeout_s: patience with one call.
        secrets: resolved credentials. An endpoint that repeats one in its answer does not get it into a log or a cache.

    Attributes:
        first: the first request that was really sent, to show a failure to others; None before.
    """

    def __init__(
        self,
        target: Target,
        *,
        cache: ReplyCache | None = None,
        budget: Budget | None = None,
        places: Places | None = None,
        timeout_s: float | None = TIMEOUT_S,
        secrets: Sequence[str] = (),
    ) -> None:
        self.target, self.budget, self.timeout_s = target, budget or Budget(), timeout_s
        self._patience = Patience(timeout_s)
        self.cache = None if getattr(target, "sessions", False) else cache
        self.places = places or Places(CONCURRENCY)
        self.takes_tools = takes_tools(target)
        self.price: Price | None = getattr(target, KEY, None)
        self._secrets: tuple[str, ...] = ()
        self.hide(secrets)
        self._digest = canonical(dict(target.describe()))
        self._asked: dict[bytes, asyncio.Future[None]] = {}
        self.first: Request | None = None
        self._forks = forks()

    def hide(self, secrets: Sequence[str]) -> None:
        """Take these credentials too out of every answer."""
        known = {*self._secrets, *secrets}
        if known != set(self._secrets) or not known:
            self._secrets = tuple(sorted(known))
            self._forms = Forms(self._secrets)

    async def ask(
        self,
        request: Request,
        role: Party = "target",
        *,
        keep: bool = True,
        tools: Recorded | None = None,
        mediators: bytes = b"",
        accept: Callable[[Sequence[Event]], Awaitable[bool]] | None = None,
    ) -> Answered:
        """Answer a request from the cache or the model.

        A kept reply whose target called tools holds only where today's guards and policy would do to each call what
        was done then: `accept` says so. Where they would not, the reply is kept apart, under `mediators` too.

        Args:
            role: in which the model is asked; spent and counted under it.
            keep: whether this text may be kept: false for suites with private content.
            tools: what a target that takes tools calls them through.
            mediators: digest of what stands between the target and its tools.
            accept: says whether a kept reply's tool events would come out the same.

        Raises:
            TargetError: with its subclasses; any other exception of a target becomes one.
            LimitReached: the budget is used up; nothing was sent.
            UsageError: the target cannot work as configured (a missing credential or extra).
        """
        cache = self.cache if keep else None
        if cache is None:
            reply, seconds, queued = await self._call(request, role, tools)
            named = identity_of(request) if keep else b""
            return Answered(self._priced(reply), _events(tools), False, seconds, queued, named)
        identity = identity_of(request)
        if not identity:
            reply, seconds, queued = await self._call(request, role, tools)
            return Answered(self._priced(reply), _events(tools), False, seconds, queued, b"")
        key = sha256(self._digest + identity).digest()
        apart = sha256(key + mediators).digest() if self.takes_tools and mediators else key
        queued = 0.0
        while True:
            if (known := await _known(cache, key, apart, accept)) is not None:
                kept, given = known
                return Answered(self._priced(kept.reply), kept.events, True, 0.0, queued, identity, given)
            if (other := self._asked.get(apart)) is None:
                break
            began = perf_counter()
            await asyncio.shield(other)  # Whoever asks now tells the cache; if that failed, it is our turn.
            queued += perf_counter() - began
        self._asked[apart] = done = asyncio.get_running_loop().create_future()
        try:
            reply, seconds, waited = await self._call(request, role, tools)
            events = _events(tools)
            if tools is not None and (tools.mediated or (apart != key and cache.get(key) is not None)):
                cache.put(apart, Kept(reply, events))
            else:
                # What nothing interfered with holds for everybody, whatever guards they have; so what today's guards
                # and policy said of it is left out, and said anew by those of whoever is answered from here.
                cache.put(key, Kept(reply, tuple(event for event in events if _bare(event))))
        finally:
            del self._asked[apart]
            done.set_result(None)
        return Answered(self._priced(reply), events, False, seconds, queued + waited, identity)

    async def stream(self, request: Request, role: Party = "target") -> AsyncGenerator[Delta | Reply, None]:
        """Answer piece by piece, past the cache; the whole reply comes last. Errors as for `ask`."""
        if not hasattr(self.target, "stream"):
            raise UsageError(f"the target {self.target.describe().get('target', '')!r} does not stream its answers")
        async with self.places.free:
            self.budget.take(role)
            self.first = self.first or request
            hidden = Hidden(self._forms)
            pieces: Any = None
            length = 0
            left = self.timeout_s
            try:
                while True:
                    began = perf_counter()
                    try:
                        # Around each step, not around them all: between two of them whoever listens may take its time,
                        # and a deadline that ends there would cancel the listener.
                        async with asyncio.timeout(left) if left is not None else _FOREVER:
                            if pieces is None:
                                pieces = aiter(cast(Streaming, self.target).stream(request))
                            piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                    except BaseException as error:
                        if must_pass(error):
                            raise
                        failed = self._failed(error)
                        raise failed from failed.__cause__
                    if left is not None:
                        left = max(0.0, left - (perf_counter() - began))
                    if isinstance(piece, Reply):
                        reply = self._paid(self._without_secrets(sound(piece)), role)
                        for rest in hidden.rest():
                            yield rest
                        yield self._priced(reply)
                        return
                    length = longer(length, given := sound_delta(piece))
                    for delta in hidden.feed(given):
                        yield delta
            finally:
                if (close := getattr(pieces, "aclose", None)) is not None:
                    with suppress(Exception):  # How a target tidies up changes nothing of what it answered.
                        await close()

    async def _call(self, request: Request, role: Party, tools: Recorded | None) -> tuple[Reply, float, float]:
        """Return the reply, the seconds the call took, and the seconds it waited for its place."""
        queued = perf_counter()
        places = self.places.free
        if not places.enter():
            await places.wait()
        try:
            began = perf_counter()
            self.budget.take(role)
            if self.first is None:
                self.first = request
            send: Callable[..., Awaitable[Any]] = self.target.send
            try:
                # A target that never answers must not hold a run.
                with self._patience.watch():
                    reply = await (send(request, tools=tools) if self.takes_tools else send(request))
            except BaseException as error:
                if must_pass(error):
                    raise
                failed = self._failed(error)
                raise failed from failed.__cause__
            finally:
                leave_if_forked(self._forks)
                if tools is not None:
                    self.hide_in(tools.events)
            seconds = perf_counter() - began
        finally:
            places.leave()
        return self._paid(self._without_secrets(sound(reply)), role), seconds, began - queued

    def _paid(self, reply: Reply, role: Party) -> Reply:
        """Count what a reply took, and return it."""
        usage, known = priced(reply.usage, self.price)
        self.budget.spend(role, usage, priced=known)
        return reply

    def _priced(self, reply: Reply) -> Reply:
        """Return a reply with what it cost, where that is known.

        The cache keeps what the provider said: a kept reply costs what today's price list says, like a new one.
        """
        usage, _ = priced(reply.usage, self.price)
        return reply if usage is reply.usage else replace(reply, usage=usage)

    def hide_in(self, events: list[Event]) -> None:
        """Take credentials out of what is recorded of the calls of tools; the tools themselves were given all of it."""
        if not self._forms.any:
            return
        for place, event in enumerate(events):
            written = msgspec.to_builtins(event)
            if (cleaned := self._cleaned(written)) is not written:
                events[place] = msgspec.convert(cleaned, Event)

    def _without_secrets(self, reply: Reply) -> Reply:
        if not self._forms.any:
            return reply
        try:
            msgspec.json.encode(reply)
        except UnicodeEncodeError:  # half a surrogate pair: no JSON can hold it
            raise TargetError("the target answered with half a surrogate pair") from None
        written = msgspec.to_builtins(reply)
        cleaned = self._cleaned(written)
        return reply if cleaned is written else msgspec.convert(cleaned, Reply)

    def _cleaned(self, value: Any) -> Any:
        """Return a JSON value without credentials, keys included; the value itself where it holds none."""
        if isinstance(value, str):
            return self._forms.clean(value) if value else value
        if isinstance(value, dict):
            found = {self._cleaned(key): self._cleaned(inner) for key, inner in value.items()}
            same = all(a is b and found[a] is value[b] for a, b in zip(found, value, strict=False))
            return value if same and len(found) == len(value) else found
        if isinstance(value, list | tuple):
            items = [self._cleaned(inner) for inner in value]
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        return value

    def _failed(self, error: BaseException) -> Exception:
        """Return what an error of the target is raised as: without credentials, which an endpoint may repeat there."""
        made = _as_target_error(error, self.timeout_s)
        said = str(made)
        if not self._forms.any or (cleaned := self._forms.clean(said)) == said:
            if made is not error:
                made.__cause__ = error
            return made
        kind = type(made) if isinstance(made, TargetError | LimitReached) else UsageError
        return kind(cleaned)  # without its cause, whose message holds them


class Channels:
    """Every model of a run, each built once for its description, with one set of places for each endpoint.

    Args:
        cache, budget, timeout_s: as for `Channel`; shared by all.
    """

    def __init__(
        self, *, cache: ReplyCache | None = None, budget: Budget | None = None, timeout_s: float | None = TIMEOUT_S
    ) -> None:
        self.cache, self.budget, self.timeout_s = cache, budget or Budget(), timeout_s
        self._channels: dict[bytes, Channel] = {}
        self._places: dict[str, Places] = {}

    def open(self, target: Target, *, secrets: Sequence[str] = (), concurrency: int | None = None) -> Channel:
        """Return the channel to a model: the one that is there already, where one describes itself the same.

        Args:
            secrets: as for `Channel`.
            concurrency: calls at one time; what the target says, or `CONCURRENCY`, if left out. Models on one endpoint
                share the smallest number that any of them asks for.

        Raises:
            UsageError: the concurrency is below 1.
        """
        wished = getattr(target, "concurrency", None)
        if concurrency is not None:
            wanted = concurrency
        else:
            wanted = wished if isinstance(wished, int) and wished >= 1 else CONCURRENCY
        if wanted < 1:
            raise UsageError(f"the concurrency is {wanted}: it must be 1 or more")
        key = sha256(canonical(dict(target.describe()))).digest()
        endpoint = str(getattr(target, "endpoint", "") or key.hex())
        places = self._places.setdefault(endpoint, Places(wanted))
        places.share(wanted)
        if key not in self._channels:
            self._channels[key] = Channel(
                target,
                cache=self.cache,
                budget=self.budget,
                places=places,
                timeout_s=self.timeout_s,
            )
        self._channels[key].hide(secrets)
        return self._channels[key]


def identity_of(request: Request) -> bytes:
    """Return a request's identity; nothing where it has none."""
    try:
        return request.identity
    except UnicodeEncodeError:
        return b""


def _bare(event: Event) -> bool:
    """Say whether an event is of the tools alone, and no word of guards or policy."""
    return isinstance(event, Called | Returned) or (isinstance(event, Failed) and event.role == "tool")


def _events(tools: Recorded | None) -> tuple[Event, ...]:
    return tuple(tools.events) if tools is not None else ()


async def _known(
    cache: ReplyCache, key: bytes, apart: bytes, accept: Callable[[Sequence[Event]], Awaitable[bool]] | None
) -> tuple[Kept, float] | None:
    known = cache.find(key)
    if known is not None and (not known[0].events or accept is None or await accept(known[0].events)):
        return known
    return cache.find(apart) if apart != key else None


def _as_target_error(error: BaseException, patience: float | None) -> Exception:
    """Return what an exception of a target is raised as. A system that calls exit() has failed to answer."""
    if isinstance(error, TargetError | UsageError | LimitReached):
        return error
    if isinstance(error, TimeoutError):
        said = message_of(error) if error.args else ""
        why = said or ("its own deadline" if patience is None else f"{patience:g} s")
        return TargetTimeout(f"no answer in time ({why})")
    if isinstance(error, asyncio.CancelledError):
        # Something inside the target was cancelled, not this run: the attempt must not vanish without a record.
        return TargetError("the target cancelled its own work")
    kind, said = kind_of(error), message_of(error)
    return TargetError(kind if said == kind else f"{kind}: {said}")
