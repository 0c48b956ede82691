"""Guards around a model and a retriever that are not ours: what goes in, what is found, what comes out.

They run in one loop of their own, as for `Watch`: guards that hold a connection need the same one, whether a framework
is called with an event loop or without.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar

from shipworthy.adapters.watch import guard_loop
from shipworthy.core.errors import GuardError
from shipworthy.core.events import GuardEvent
from shipworthy.core.foreign import kind_of
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Message, Request
from shipworthy.enforce.pipeline import WITHHELD, Passage, Pipeline
from shipworthy.enforce.stream import Stream

T = TypeVar("T")


class Incoming(NamedTuple):
    """What a model is asked, as guards left it.

    Attributes:
        messages: as they came, those that guards edited in their places.
        blocked: what is said in place of an answer; None where the model may be asked.
    """

    messages: tuple[Message, ...]
    blocked: str | None = None


class Around:
    """Guards around one model.

    Args:
        guards: the pipeline; or what returns the one that is in force, and raises where nothing may be asked, such as
            ``lambda: guarded.pipeline`` for the levers and the kill switch of a gateway's file.
        user: whose conversation it is.
        record: takes each event, which carries no text. One that raises stops the text. None keeps none.

    All that is waited for raises `GuardError` where guards, record or time fail: nothing passes then.
    """

    def __init__(
        self,
        guards: Pipeline | Callable[[], Pipeline],
        user: str = "",
        record: Callable[[GuardEvent], object] | None = None,
    ) -> None:
        self._guards = guards if callable(guards) else lambda: guards
        self._user, self._record = user, record

    @property
    def digest(self) -> str:
        """``sha256:…`` of the guards in force."""
        return self._guards().digest

    # ---- what is looked at; each is done in the guards' loop, by `wait` or `within` ---------------------------------

    async def incoming(self, messages: Sequence[Message]) -> Incoming:
        """Guard what a model is asked: words of users as input, results of tools as retrieved; the rest passes."""
        pipeline, made = self._guards(), []
        ctx = self._ctx(messages)
        for message in messages:
            if message.role not in ("user", "tool"):
                made.append(message)
                continue
            passage = self._noted(await pipeline.message(message, ctx))
            if passage.blocked:
                return Incoming(tuple(messages), passage.message or pipeline.block_message)
            made.append(passage.value)
        return Incoming(tuple(made))

    async def outgoing(self, reply: Message, asked: Sequence[Message]) -> Message | str:
        """Guard an answer with its calls; returns what is said in its place where a guard blocks.

        Args:
            asked: what the model was asked, as guards left it: what they took out is not the user's to be told again.
        """
        pipeline = self._guards()
        passage = self._noted(await pipeline.reply((reply,), self._ctx(asked)))
        if passage.blocked:
            return passage.message or pipeline.block_message
        message: Message = passage.value[0]
        return message

    async def retrieved(self, value: Any, source: str) -> Any:
        """Guard what was retrieved: a text, or JSON of texts, each by itself; what is blocked is withheld."""
        if isinstance(value, str):
            applied = await self._guards().apply("retrieved", value, self._ctx(()), source)
            self._note(applied.events)
            return WITHHELD if applied.blocked else applied.text
        if isinstance(value, dict):
            # Keys as well: they are as much others' words as values are.
            return {await self.retrieved(k, source): await self.retrieved(v, source) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [await self.retrieved(item, source) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return await self.retrieved(str(value), source)

    def stream(self, asked: Sequence[Message]) -> Stream:
        """Return a stream for the words of an answer that comes in pieces; `asked` as for `outgoing`."""
        return self._guards().stream("output", self._ctx(asked))

    async def fed(self, stream: Stream, piece: str | None) -> str:
        """Give a stream a piece, or None for its end; returns what may leave."""
        noted = len(stream.events)
        left = await stream.finish() if piece is None else await stream.feed(piece)
        self._note(stream.events[noted:])
        return left

    # ---- how it is waited for --------------------------------------------------------------------------------------

    def wait(self, doing: Coroutine[Any, Any, T]) -> T:
        """Do something in the guards' loop, and wait for it; not from within that loop."""
        future = asyncio.run_coroutine_threadsafe(doing, guard_loop(os.getpid()))
        try:
            return future.result(self._patience_s())
        except BaseException as error:
            future.cancel()
            raise _failed(error) from None

    async def within(self, doing: Coroutine[Any, Any, T]) -> T:
        """Do the same from an event loop, without holding it up."""
        future = asyncio.run_coroutine_threadsafe(doing, guard_loop(os.getpid()))
        try:
            async with asyncio.timeout(self._patience_s()):
                return await asyncio.wrap_future(future)
        except BaseException as error:
            future.cancel()
            raise _failed(error) from None

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _patience_s(self) -> float:
        # Each rule ends by its own time-out; this is for what computes on and cannot be interrupted.
        return 60.0 + sum(rule.timeout_s for rule in self._guards().rules)

    def _ctx(self, messages: Sequence[Message]) -> GuardContext:
        return GuardContext(Request(messages=tuple(messages), user=self._user))

    def _noted(self, passage: Passage) -> Passage:
        self._note(passage.events)
        return passage

    def _note(self, events: Sequence[GuardEvent]) -> None:
        if self._record is not None:
            for event in events:
                self._record(event)


def _failed(error: BaseException) -> BaseException:
    if isinstance(error, GuardError) or not isinstance(error, Exception):
        return error
    return GuardError(f"the guards did not look at a text ({kind_of(error)})")
