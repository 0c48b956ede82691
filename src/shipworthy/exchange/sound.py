"""What a target answered, checked: a reply that any store holds and any scorer reads, or an error of the target."""

from __future__ import annotations

from math import isfinite
from typing import Any, cast, get_args

import msgspec

from shipworthy.core.errors import TargetError
from shipworthy.core.foreign import kind_of, message_of
from shipworthy.core.messages import Channel as Kind
from shipworthy.core.messages import is_sound
from shipworthy.core.records import Delta, Finish, Reply, Text, ToolResult, Usage

LONGEST = 16_000_000
"""Characters of one reply. What no answer can be would fill log and cache, attempt by attempt."""
_KINDS = get_args(Kind)


def _length(reply: Reply) -> int:
    """Return about how many characters a reply would take in a log."""
    length = 0
    for message in reply.messages:
        length += 1
        for part in message.parts:
            length += len(part.text) if isinstance(part, Text | ToolResult) else len(repr(part))
    for document in reply.retrieved:
        length += len(document.text)
    return length


def longer(length: int, delta: Delta) -> int:
    """Return the length of a stream with one more piece; a piece counts for one character at least.

    Raises:
        TargetError: that is too long.
    """
    length += max(1, len(delta.text))
    if length > LONGEST:
        raise TargetError(f"the target answered with more than {LONGEST:,} characters")
    return length


def sound_delta(piece: object) -> Delta:
    """Return a piece of an answer, if it is one.

    Raises:
        TargetError: it is none.
    """
    if not isinstance(piece, Delta):
        raise TargetError(f"the target's stream gave a {kind_of(piece)}, not a Delta or a Reply")
    words = piece.text, piece.id, piece.name
    counted = isinstance(piece.index, int) and isinstance(piece.choice, int)
    if not (all(isinstance(word, str) for word in words) and piece.channel in _KINDS and counted):
        raise TargetError("the target's stream gave a Delta that is not one")
    return piece


def _plain(reply: Any) -> bool:
    """Say whether an answer in plain words is a `Reply` to its last field: nothing is to be converted then."""
    if type(reply) is not Reply or type(reply.retrieved) is not tuple or reply.retrieved:
        return False
    messages, usage, finish = cast(Any, reply.messages), cast(Any, reply.usage), cast(Any, reply.finish)
    return (
        type(messages) is tuple
        and all(map(is_sound, messages))
        and type(usage) is Usage
        and type(usage.input_tokens) is type(usage.output_tokens) is int
        and type(usage.cost_usd) is float
        and type(finish) is type(reply.model) is type(reply.fingerprint) is str
        and finish in _FINISHES
    )


_FINISHES = frozenset(get_args(Finish))


def sound(reply: object) -> Reply:
    """Return a reply that any store can hold and any scorer can read.

    Records are not checked when they are made. What a target put together wrongly would otherwise end the run, be
    scored as silence, or make a log that can never be read again.

    Raises:
        TargetError: it is no reply of the assistant.
    """
    if not isinstance(reply, Reply):
        raise TargetError(f"the target returned a {kind_of(reply)}, not a Reply")
    checked = reply
    if not _plain(reply):
        try:
            checked = msgspec.convert(msgspec.to_builtins(reply), Reply)
        except Exception as error:  # what is in it may be of any class, and raise anything when it is looked at
            raise TargetError(
                f"the target returned a Reply that is not one ({kind_of(error)}: {message_of(error)})"
            ) from None
    if _length(checked) > LONGEST:
        raise TargetError(f"the target answered with more than {LONGEST:,} characters")
    roles = [message.role for message in checked.messages]
    if "assistant" not in roles:
        raise TargetError("the target returned no message of the assistant")
    if wrong := next((role for role in roles if role not in ("assistant", "tool")), ""):
        raise TargetError(f"the target returned a message of the {wrong}, not of the assistant")
    if roles[0] == "tool":
        raise TargetError("the target returned what a tool answered before it called one")
    usage = checked.usage
    if not (isfinite(usage.cost_usd) and min(usage.input_tokens, usage.output_tokens, usage.cost_usd) >= 0):
        raise TargetError("the target says that an answer took less than nothing, or no finite amount: see its usage")
    return checked
