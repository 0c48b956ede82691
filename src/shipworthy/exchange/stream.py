"""An answer that arrives in pieces, guarded: every channel through the hold-back window, every tool call whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from shipworthy.core.errors import TargetError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Delta, Message, MessagePart, Reasoning, Reply, Text, ToolCall
from shipworthy.enforce.pipeline import Passage
from shipworthy.enforce.stream import Stream

if TYPE_CHECKING:
    from shipworthy.enforce.pipeline import Pipeline

MAX_CALL = 1_000_000
"""Characters of arguments that one tool call may have: a call is held back whole."""


async def guarded(
    pieces: AsyncIterator[Delta | Reply], pipeline: Pipeline | None, ctx: GuardContext
) -> AsyncIterator[Delta | Reply | Passage]:
    """Yield what may leave, what the guards found (a `Passage` without a value), and last the whole reply.

    Each channel of the answer is a stream of its own; a tool call is held back until all of it is there, because half
    of its arguments is no JSON and tells nothing. A block ends the answer: the block message is the last piece, and the
    reply is not yielded, because nobody waits for the rest of it.

    Raises:
        TargetError: a tool call is too long, or its arguments are no JSON object.
    """
    streams: dict[tuple[str, int], Stream] = {}
    calls: dict[int, list[Delta]] = {}
    async for piece in pieces:
        if isinstance(piece, Reply):
            async for end in _finish(streams, calls, pipeline, ctx):
                yield end
                if isinstance(end, Passage) and end.value is False:
                    return
            yield piece
            return
        if piece.channel == "tool_call":
            held = calls.setdefault(piece.index, [])
            held.append(piece)
            if sum(len(p.text) for p in held) > MAX_CALL:
                raise TargetError(f"the arguments of a tool call are longer than {MAX_CALL:,} characters")
            continue
        if pipeline is None:
            yield piece
            continue
        stream = streams.setdefault((piece.channel, piece.index), pipeline.stream("output", ctx))
        if text := await stream.feed(piece.text):
            yield Delta(text, piece.channel, piece.index)
        if stream.blocked:
            yield _found(streams.values())
            return
    raise TargetError("the answer broke off before its end")


async def _finish(
    streams: dict[tuple[str, int], Stream], calls: dict[int, list[Delta]], pipeline: Pipeline | None, ctx: GuardContext
) -> AsyncIterator[Delta | Passage]:
    """Release what is still held. A `Passage` whose value is False says that a guard ended the answer."""
    for (channel, index), stream in streams.items():
        if text := await stream.finish():
            yield Delta(text, channel, index)  # type: ignore[arg-type]
        if stream.blocked:
            found = _found(streams.values())
            yield Passage(False, found.events, found.seconds)
            return
    if streams:
        yield _found(streams.values())
    for index, held in sorted(calls.items()):
        call = _call(held)
        if pipeline is not None:
            passage = await pipeline.call(call, ctx)
            if passage.blocked:
                yield Delta(pipeline.block_message)
                yield Passage(False, passage.events, passage.seconds)
                return
            yield Passage(None, passage.events, passage.seconds)
            call = passage.value
        yield Delta(msgspec.json.encode(call.arguments).decode(), "tool_call", index, call.id, call.name)


def _found(streams: Iterable[Stream]) -> Passage:
    some = list(streams)
    return Passage(None, tuple(e for s in some for e in s.events), sum(s.seconds for s in some))


def _call(held: Sequence[Delta]) -> ToolCall:
    """Return the call that some pieces make up."""
    text = "".join(p.text for p in held)
    try:
        arguments = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        raise TargetError("the arguments of a tool call are no JSON object")
    return ToolCall("".join(p.id for p in held), "".join(p.name for p in held), arguments)


def joined(pieces: Sequence[Delta]) -> tuple[Message, ...]:
    """Return the messages that some pieces make up, one for each index of a text; at least one."""
    channels: dict[int, dict[str, str]] = {}
    calls: dict[int, list[Delta]] = {}
    for piece in pieces:
        if piece.channel == "tool_call":
            calls.setdefault(piece.index, []).append(piece)
        else:
            texts = channels.setdefault(piece.index, {})
            texts[piece.channel] = texts.get(piece.channel, "") + piece.text
    messages = []
    for _, texts in sorted(channels.items()):
        parts: list[MessagePart] = [Reasoning(texts["reasoning"])] if texts.get("reasoning") else []
        parts += [Text(texts[channel]) for channel in ("text", "refusal") if texts.get(channel)]
        messages.append(Message("assistant", tuple(parts)))
    made = [_call(held) for _, held in sorted(calls.items())]
    if not messages:
        return (Message("assistant", tuple(made)),)
    messages[0] = Message("assistant", (*messages[0].parts, *made))
    return tuple(messages)
