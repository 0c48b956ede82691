"""What goes between us and the process of an isolated callable: JSON, each message behind its length."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
from msgspec import Struct

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Reply, Request, ToolCall, ToolResult, ToolSpec

LONGEST = 64_000_000
"""Bytes of one message."""
HEAD = 4


class Setup(Struct, frozen=True, tag="setup"):
    """The first message to the process: which callable, and what it may take of the machine."""

    call: str
    parent: int
    memory: int


class Greeting(Struct, frozen=True, tag="about"):
    """The first one from it: what the callable takes, and the file it is written in; or why it cannot be used."""

    whole: bool = False
    tools: bool = False
    file: str = ""
    refused: str = ""


class WireAsk(Struct, frozen=True, tag="ask"):
    """A call. `number` stands in every message that belongs to it."""

    number: int
    text: str | None = None
    request: Request | None = None
    tools: bool = False
    specs: tuple[ToolSpec, ...] = ()


class WireAnswer(Struct, frozen=True, tag="answer"):
    """What the callable returned; or the class and message of what it raised."""

    number: int
    reply: Reply | None = None
    failed: str = ""
    said: str = ""


class Call(Struct, frozen=True, tag="call"):
    """The callable calls a tool; `own` where the tool's code is its own."""

    number: int
    id: int
    call: ToolCall
    own: bool


class RunTool(Struct, frozen=True, tag="run"):
    """The call was let pass: run the tool's own code."""

    number: int
    id: int
    call: ToolCall


class ToolRan(Struct, frozen=True, tag="ran"):
    """What the tool's own code gave, a text or a result, or the class of what it raised."""

    number: int
    id: int
    text: str | None = None
    result: ToolResult | None = None
    failed: str = ""
    said: str = ""


class Result(Struct, frozen=True, tag="result"):
    """What a call of a tool gave; `stopped` where nothing more may be called."""

    number: int
    id: int
    result: ToolResult | None = None
    stopped: str = ""


Message = Setup | Greeting | WireAsk | WireAnswer | Call | RunTool | ToolRan | Result
_decoder = msgspec.json.Decoder(Message)
_encode = msgspec.json.Encoder().encode


def pack(message: Message) -> bytes:
    """Return a message as it goes over the wire.

    Raises:
        TargetError: it holds what no JSON can, or it is too long.
    """
    try:
        body = _encode(message)
    except UnicodeEncodeError:
        raise TargetError("half a surrogate pair cannot be passed to a process of its own") from None
    if len(body) > LONGEST:
        raise TargetError(f"a message of more than {LONGEST:,} bytes")
    return len(body).to_bytes(HEAD, "big") + body


def length(head: bytes | bytearray) -> int:
    """Return how many bytes follow.

    Raises:
        TargetError: too many.
    """
    size = int.from_bytes(head, "big")
    if size > LONGEST:
        raise TargetError(f"a message of more than {LONGEST:,} bytes")
    return size


def unpack(body: bytes | bytearray) -> Message:
    """Return a message.

    Raises:
        TargetError: it is none.
    """
    try:
        found: Message = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TargetError("a message that is none") from None
    return found


def read(wire: socket.socket) -> Any:
    """Wait for a message; None at the end."""
    head = _exactly(wire, HEAD)
    body = _exactly(wire, length(head)) if head is not None else None
    return unpack(body) if body is not None else None


def _exactly(wire: socket.socket, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        piece = wire.recv(min(size - len(found), 1 << 20))
        if not piece:
            return None
        found += piece
    return bytes(found)
