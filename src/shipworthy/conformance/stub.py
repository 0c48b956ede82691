"""An upstream that speaks chat completions and puts a mark where a cell says."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from shipworthy.conformance.came import looked_through
from shipworthy.conformance.cells import MatrixCell

_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
_CELL = re.compile(r"cell-(\d+)")
_MOST_HEAD, _MOST_BODY = 1 << 18, 1 << 26
_UNKNOWN = {"error": {"message": "no cell of the matrix asks for this", "type": "invalid_request_error"}}


class AskedUpstream(NamedTuple):
    """A request that reached the upstream: path, headers, the bytes of its body, and that as JSON, None for none."""

    path: str
    head: str
    raw: bytes
    body: Any

    def looked(self) -> Iterator[tuple[str, str]]:
        """Yield all of it as texts with names."""
        yield from looked_through([self.body])
        yield from (("header", self.head), ("raw bytes", self.raw.decode("utf-8", "replace")))


class Stub:
    """The upstream of some cells, found by the name of the model, or by the one in the question.

    Attributes:
        path: the end of the one that it speaks.
        asked: bodies of the requests so far.
        reached: requests so far, by the number of their cell; 0 for those of none.
    """

    path = "/chat/completions"

    def __init__(self, cells: Iterable[MatrixCell]) -> None:
        self._cells = {cell.number: cell for cell in cells}
        self.asked: list[dict[str, Any]] = []
        self.reached: dict[int, list[AskedUpstream]] = defaultdict(list)
        self._open: set[asyncio.Task[None]] = set()

    def add(self, cell: MatrixCell) -> None:
        """Answer for one more cell."""
        self._cells[cell.number] = cell

    def whole(self, cell: MatrixCell) -> dict[str, Any]:
        """Return a cell's answer in one piece."""
        return whole(cell)

    def stream(self, cell: MatrixCell) -> Iterator[bytes]:
        """Yield a cell's answer event by event."""
        return stream(cell)

    def other_path(self, number: int) -> str:
        """Return the path at which a cell's request reached the upstream, if it is one that it does not speak."""
        name = f"cell-{number}".encode()
        return next((asked.path for asked in self.reached[0] if name in asked.raw and asked.path.isprintable()), "")

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str, None]:
        """Serve; yields the address up to ``/chat/completions``.

        Args:
            port: 0 takes a free one.

        Raises:
            OSError: it cannot be listened on.
        """
        server = await asyncio.start_server(self._connected, host, port, limit=_MOST_HEAD)
        try:
            yield f"http://{host}:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connection(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError)
        try:
            with suppress(*gone):
                while True:
                    await self._request(reader, writer)
        finally:  # also when the stub is closed: who kept the connection must not wait on it
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        asked = _read(head, await _body(reader, head.lower()))
        if isinstance(asked.body, dict):
            self.asked.append(asked.body)
        cell = self._cell(asked)
        self.reached[cell.number if cell else 0].append(asked)
        if cell is None:
            await _refuse(writer, asked.path)
        else:
            await self._answer(cell, writer)

    def _cell(self, asked: AskedUpstream) -> MatrixCell | None:
        if not isinstance(asked.body, dict) or not asked.path.endswith(self.path):
            return None
        model = _CELL.search(str(asked.body.get("model", "")))
        found = model or _CELL.search(asked.raw.decode("utf-8", "replace"))
        return self._cells.get(int(found[1])) if found else None

    async def _answer(self, cell: MatrixCell, writer: asyncio.StreamWriter) -> None:
        kind = "text/event-stream" if cell.streams and cell.place != "error" else "application/json"
        head = ["HTTP/1.1 200 OK" if cell.place != "error" else "HTTP/1.1 400 Bad Request", f"content-type: {kind}"]
        if cell.place == "headers":
            head += [f"x-said: {cell.put()}", f"set-cookie: said={cell.put()}", f"x-request-id: {cell.put()}"]
        if cell.place == "error":
            mark = cell.put()
            pieces = [_json({"error": {"message": cell.said(), "type": mark, "code": mark, "param": mark}})]
        elif cell.streams:
            pieces = list(self.stream(cell))
        else:
            pieces = [_json(self.whole(cell))]
        writer.write("\r\n".join([*head, "transfer-encoding: chunked", "", ""]).encode())
        if cell.cut == "bytes":
            pieces = [piece[i : i + 1] for piece in pieces for i in range(len(piece))]
        for number, piece in enumerate(pieces):
            if writer.is_closing():
                return
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if number % 64 == 0:
                await writer.drain()
                await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _read(head: str, raw: bytes) -> AskedUpstream:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    line = head.partition("\r\n")[0].split(" ")
    return AskedUpstream(line[1].partition("?")[0][:80] if len(line) > 1 else "", head, raw, body)


async def _body(reader: asyncio.StreamReader, head: str) -> bytes:
    lines = head.split("\r\n")
    if any(line.startswith("transfer-encoding:") and "chunked" in line for line in lines):
        made = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            made += await reader.readexactly(size)
            await reader.readexactly(2)
            if len(made) > _MOST_BODY:
                raise ValueError("a body beyond measure")
        await reader.readuntil(b"\r\n")
        return made
    length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
    if length > _MOST_BODY:
        raise ValueError("a body beyond measure")
    return await reader.readexactly(length)


async def _refuse(writer: asyncio.StreamWriter, path: str) -> None:
    found = path.endswith("/models")
    body = _json(
        {"object": "list", "data": [{"id": "cell-0", "object": "model", "owned_by": "stub"}]} if found else _UNKNOWN
    )
    status = b"200 OK" if found else b"404 Not Found"
    writer.write(b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body)))
    writer.write(body)
    await writer.drain()


def whole(cell: MatrixCell) -> dict[str, Any]:
    """Return a cell's answer in one piece."""
    head: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub"}
    choices = []
    for choice in range(cell.choices):
        message, finish, more = _message(cell, choice)
        choices.append({"index": choice, "message": message, "finish_reason": finish, **more})
    return {**head, "choices": choices, "usage": _USAGE, **_odd(cell)}


def stream(cell: MatrixCell) -> Iterator[bytes]:
    """Yield a cell's answer event by event, its choices by turns."""
    turns = [list(_deltas(cell, choice)) for choice in range(cell.choices)]
    for step in range(max(map(len, turns))):
        for choice, deltas in enumerate(turns):
            if step < len(deltas):
                yield _event(cell, [{"index": choice, **deltas[step]}])
    if cell.place == "odd_fields":
        yield f": {cell.put()}\n\n".encode()
        yield f"event: {cell.put()}\nid: {cell.put()}\n".encode() + _event(cell, [])
    if cell.place == "late_error":
        yield b"data: " + _json({"error": {"message": cell.said(), "type": cell.put(), "code": 500}}) + b"\n\n"
        return
    yield _event(cell, [], usage=_USAGE)
    yield b"data: [DONE]\n\n"


def _deltas(cell: MatrixCell, choice: int) -> Iterator[dict[str, Any]]:
    """Yield the pieces of one choice: ``delta`` and ``finish_reason``."""
    message, finish, more = _message(cell, choice)
    yield {"delta": {"role": "assistant", **_odd(cell)}, "finish_reason": None}
    for name in ("reasoning_content", "content", "refusal"):
        for piece in _cut(cell, message.get(name)):
            yield {"delta": {name: piece}, "finish_reason": None, **more}
    calls = message.get("tool_calls") or []
    for number, call in enumerate(calls):
        begin = {**call, "index": number, "function": {"name": call["function"]["name"], "arguments": ""}}
        yield {"delta": {"tool_calls": [begin]}, "finish_reason": None}
    cuts = [list(_cut(cell, call["function"]["arguments"])) for call in calls]
    for step in range(max(map(len, cuts), default=0)):  # parallel calls by turns
        for number, pieces in enumerate(cuts):
            if step < len(pieces):
                part = {"index": number, "function": {"arguments": pieces[step]}}
                yield {"delta": {"tool_calls": [part]}, "finish_reason": None}
    if old := message.get("function_call"):
        yield {"delta": {"function_call": {"name": old["name"], "arguments": ""}}, "finish_reason": None}
        for piece in _cut(cell, old["arguments"]):
            yield {"delta": {"function_call": {"arguments": piece}}, "finish_reason": None}
    yield {"delta": {}, "finish_reason": finish, **more}


def _message(cell: MatrixCell, choice: int) -> tuple[dict[str, Any], str, dict[str, Any]]:  # noqa: PLR0912 - a table
    """Return a choice's message, its finish reason, and what else stands beside them."""
    text, mark = cell.said(choice), cell.put(choice)
    message: dict[str, Any] = {"role": "assistant", "content": f"Here you are: {cell.answer_words}."}
    match cell.place:
        case "content":
            message["content"] = text
        case "parts":
            message["content"] = [{"type": "text", "text": text}]
        case "reasoning":
            message["reasoning_content"] = text
        case "refusal":
            message |= {"content": None, "refusal": text}
        case "arguments":
            message["tool_calls"] = [_call("call_1", "send", {"text": text})]
        case "parallel_arguments":
            calls = [_call(f"call_{n}", "send", {"n": n, "text": text}) for n in range(3)]
            message |= {"content": None, "tool_calls": calls}
        case "tool_name":
            message["tool_calls"] = [_call("call_1", mark, {"text": "hi"})]
        case "tool_id":
            message["tool_calls"] = [_call(mark, "send", {"text": "hi"})]
        case "function_call":
            message |= {"content": None, "function_call": {"name": "send", "arguments": _text({"text": text})}}
        case "odd_fields":
            message |= _odd(cell)
        case "logprobs":
            entry = {"token": mark, "logprob": -0.1, "bytes": list(mark.encode()), "top_logprobs": []}
            return message, "stop", {"logprobs": {"content": [entry], "refusal": None}}
        case "finish_reason":
            return message, mark, {}
        case "late_error":  # long enough that some of it has left before
            message["content"] = "It is a fine day for a walk by the sea. " * 25 + cell.answer_words
            return message, "stop", {"error": {"message": text, "type": mark, "code": 500}} if not cell.streams else {}
    calls_made = message.get("tool_calls") or message.get("function_call")
    return message, "tool_calls" if calls_made else "stop", {}


def _odd(cell: MatrixCell) -> dict[str, Any]:
    if cell.place != "odd_fields":
        return {}
    mark = cell.put()
    return {
        "id": mark,
        "model": mark,
        "system_fingerprint": mark,
        "service_tier": mark,
        "provider": {"name": mark},
        "annotations": [{"type": "url_citation", "url_citation": {"url": f"https://x.example/{mark}", "title": mark}}],
        "x_unknown": [mark, {mark: mark}],
    }


def _cut(cell: MatrixCell, value: Any) -> Iterator[Any]:
    if not value:
        return
    if not isinstance(value, str):  # a list of parts
        for part in value:
            for piece in _cut(cell, part["text"]):
                yield [{**part, "text": piece}]
        return
    size = {"characters": 1, "bytes": 1, "thirds": 3, "whole": len(value)}[cell.cut]
    yield from (value[i : i + size] for i in range(0, len(value), size))


def _call(id_: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": _text(arguments)}}


def _event(cell: MatrixCell, choices: list[Any], **more: Any) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
    return b"data: " + _json({**head, **_odd(cell), "choices": choices, **more}) + b"\n\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()  # escapes: half of a pair is text of its own
