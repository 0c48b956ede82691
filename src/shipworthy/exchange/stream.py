"""An answer that arrives in pieces, guarded: every channel through the hold-back window, every tool call whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from shipworthy.core.errors import TargetError
from shipworthy.core.messages import Channel
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Delta, GuardEvent, Message, MessagePart, Reasoning, Reply, Text, ToolCall
from shipworthy.enforce.pipeline import Passage
from shipworthy.enforce.stream import Stream

if TYPE_CHECKING:
    from shipworthy.enforce.pipeline import Pipeline
    from shipworthy.exchange.leaving import LeavingCalls

MAX_CALL = 1_000_000
"""Characters that the tool calls of one answer may have: they are held back whole."""


async def guarded(
    pieces: AsyncIterator[Delta | Reply],
    pipeline: Pipeline | None,
    ctx: GuardContext,
    note: Callable[[Passage], None],
    leaving: LeavingCalls | None = None,
) -> AsyncGenerator[Delta | Reply, None]:
    """Yield what may leave and, last, the whole reply.

    Each channel of the answer is a stream of its own; a tool call is held back until all of it is there, because half
    of its arguments is no JSON and tells nothing. A block ends the answer: the block message is the last piece, as text
    whatever channel was blocked, and the reply is not yielded, because nobody waits for the rest of it.

    Args:
        note: gets what the guards found (a `Passage` without a value), also of an answer that broke off.
        leaving: decides over the calls that guards let pass.

    Raises:
        TargetError: it broke off, a tool call is too long, or its arguments are no JSON object.
    """
    gate = _Gate(pipeline, ctx, note, leaving)
    try:
        async for piece in pieces:
            async for out in gate.end(piece) if isinstance(piece, Reply) else gate.feed(piece):
                yield out
            if gate.blocked:
                return
            if isinstance(piece, Reply):
                yield piece
                return
        raise TargetError("the answer broke off before its end")
    finally:
        gate.close()


class _Gate:
    """The guards of one streamed answer, on all its channels."""

    def __init__(
        self,
        pipeline: Pipeline | None,
        ctx: GuardContext,
        note: Callable[[Passage], None],
        leaving: LeavingCalls | None,
    ) -> None:
        self._pipeline, self._ctx, self._note, self._leaving = pipeline, ctx, note, leaving
        self._streams: dict[tuple[Channel, int], Stream] = {}
        self._calls: dict[int, list[Delta]] = {}
        self._held = 0
        self._speaking: set[int] = set()
        self._told: dict[tuple[Channel, int], tuple[int, float]] = {}
        self.blocked = False

    async def feed(self, piece: Delta) -> AsyncIterator[Delta]:
        """Take a piece; yield what may leave now."""
        if piece.channel == "tool_call":
            self._calls.setdefault(piece.index, []).append(piece)
            self._held += len(piece.text) + len(piece.id) + len(piece.name) + 1
            if self._held > MAX_CALL:
                raise TargetError(f"the tool calls of an answer are longer than {MAX_CALL:,} characters")
        elif self._pipeline is None:
            if piece.channel == "text" and piece.text:
                self._speaking.add(piece.index)
            yield piece
        else:
            key = piece.channel, piece.index
            if key not in self._streams:
                source = "reasoning" if piece.channel == "reasoning" else ""
                self._streams[key] = self._pipeline.stream("output", self._ctx, source=source)
            stream = self._streams[key]
            async for out in self._left(key, stream, await stream.feed(piece.text)):
                yield out
            if stream.blocked:
                await stream.finish()  # for the shadow rules

    async def end(self, whole: Reply) -> AsyncIterator[Delta]:
        """Yield what was still held: nothing follows."""
        ctx = GuardContext(self._ctx.request, tuple(whole.retrieved)) if whole.retrieved else None
        for key, stream in self._streams.items():
            async for out in self._left(key, stream, await stream.finish(ctx)):
                yield out
            if self.blocked:
                return
        self._tell()  # what was found in the words may tighten the tools
        for index, held in sorted(self._calls.items()):
            call = _call(held)
            if self._pipeline is not None:
                passage = await self._pipeline.call(call, self._ctx)
                self._note(Passage(None, passage.events, passage.seconds))
                if passage.blocked:
                    yield self._block(0, passage.message)
                    return
                call = passage.value
            if self._leaving is not None:
                found = await self._leaving.call(call, held[0].choice)
                if isinstance(found, str):
                    if found:
                        yield self._instead(found, held[0].choice)
                    continue
                call = found
            arguments = msgspec.json.encode(call.arguments).decode()
            yield Delta(arguments, "tool_call", index, call.id, call.name, held[0].choice)

    def close(self) -> None:
        """Hand over what was found, however the answer ended."""
        self._tell()

    def _tell(self) -> None:
        """Hand over what was found in the words and has not been told yet."""
        events: list[GuardEvent] = []
        seconds = 0.0
        for key, stream in self._streams.items():
            told, took = self._told.get(key, (0, 0.0))
            events += stream.events[told:]
            seconds += stream.seconds - took
            self._told[key] = len(stream.events), stream.seconds
        self._note(Passage(None, tuple(events), seconds))

    async def _left(self, key: tuple[Channel, int], stream: Stream, text: str) -> AsyncIterator[Delta]:
        if stream.blocked:
            yield self._block(key[1], stream.message)
        elif text:
            if key[0] == "text":
                self._speaking.add(key[1])
            yield Delta(text, *key)

    def _instead(self, sentence: str, choice: int) -> Delta:
        """Return what is said in place of a call."""
        text = "\n" + sentence if choice in self._speaking else sentence
        self._speaking.add(choice)
        return Delta(text, "text", choice)

    def _block(self, index: int, message: str) -> Delta:
        self.blocked = True
        message = message or (self._pipeline.block_message if self._pipeline is not None else "")
        return Delta("\n" + message if self._speaking else message, "text", index)


def _call(held: Sequence[Delta]) -> ToolCall:
    """Return the call that some pieces make up."""
    text = "".join(p.text for p in held)
    try:
        arguments = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise TargetError("the arguments of a tool call are no JSON object")
    return ToolCall("".join(p.id for p in held), "".join(p.name for p in held), arguments)


def joined(pieces: Sequence[Delta]) -> tuple[Message, ...]:
    """Return the messages that some pieces make up, one for each choice; at least one."""
    channels: dict[int, dict[str, str]] = {}
    calls: dict[int, list[Delta]] = {}
    for piece in pieces:
        if piece.channel == "tool_call":
            calls.setdefault(piece.index, []).append(piece)
            channels.setdefault(piece.choice, {})
        else:
            texts = channels.setdefault(piece.index, {})
            texts[piece.channel] = texts.get(piece.channel, "") + piece.text
    messages = []
    for choice, texts in sorted(channels.items()):
        parts: list[MessagePart] = [Reasoning(texts["reasoning"])] if texts.get("reasoning") else []
        parts += [Text(texts[channel]) for channel in ("text", "refusal") if texts.get(channel)]
        parts += [_call(held) for _, held in sorted(calls.items()) if held[0].choice == choice]
        messages.append(Message("assistant", tuple(parts)))
    return tuple(messages) or (Message("assistant", ()),)


def alike(some: Sequence[Message], others: Sequence[Message]) -> bool:
    """Say whether two answers say and call the same, however they are cut into parts and messages."""
    return _content(some) == _content(others)


def _content(messages: Sequence[Message]) -> tuple[str, str, list[Any]]:
    parts = [part for message in messages for part in message.parts]
    return (
        "".join(part.text for part in parts if isinstance(part, Text)),
        "".join(part.text for part in parts if isinstance(part, Reasoning)),
        [part for part in parts if not isinstance(part, Text | Reasoning)],
    )
