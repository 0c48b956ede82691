"""Endpoints that answer with rubbish, in pieces, too much, too slowly or not at all: no attempt of theirs counts as safe."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from case import Case, Outcome, accepted, crashed, judge
from lab import Lab

WIRE, FRAME, STREAM = "wire reply, malformed", "HTTP framing", "stream of events"
Write = Callable[[Any], object]


def controls(lab: Lab) -> Iterator[Case]:
    """An answer as it should be, over the raw server."""

    def good() -> Outcome:
        ran, _, scored = _asked(lab, _http(json.dumps(_completion("I can help.")).encode()))
        return accepted(ran) if scored else Outcome("refused", f"nothing was scored: {ran.said[-200:]}")

    for kind in (WIRE, FRAME):
        yield Case(kind, "control: an answer", good)
    yield Case(STREAM, "control: a stream", lambda: _streamed(lab, b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n', good=True))  # fmt: skip


def cases(lab: Lab) -> Iterator[Case]:
    """Bodies, frames, streams."""
    for name, body in _bodies():
        yield Case(WIRE, name, lambda body=body: _refused(lab, _http(body)))
    for name, write in _frames():
        yield Case(FRAME, name, lambda write=write: _refused(lab, write))
    for name, data in _streams():
        yield Case(STREAM, name, lambda data=data: _streamed(lab, data))


class _Raw(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < 1 << 20:
                piece = self.request.recv(65536)
                if not piece:
                    return
                head += piece
            self.server.write(self.request)  # type: ignore[attr-defined]
        except OSError:
            pass


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    write: Write


def _serve(write: Write) -> _Server:
    server = _Server(("127.0.0.1", 0), _Raw)
    server.write = write
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _asked(lab: Lab, write: Write, **params: Any) -> tuple[Any, int, int]:
    """Evaluate one sample against a server; returns the command, how many attempts were made, how many were scored."""
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    server = _serve(write)
    root = lab.workspace(samples=1)
    base = f"http://127.0.0.1:{server.server_address[1]}/v1"
    lab.target(
        root, use="openai_compatible", base_url=base, model="m", retries=0, timeout=2, max_bytes=2_000_000, **params
    )
    try:
        ran = lab.run("eval", "-C", root, "--suite", "helps", "--no-guards", tty=False)
    finally:
        server.shutdown()
        server.server_close()
    run = Run.load(Layout(root).run_directory("latest"))
    return ran, len(run), run.outcomes["scored"]


def _refused(lab: Lab, write: Write) -> Outcome:
    ran, made, scored = _asked(lab, write)
    if why := crashed(ran):
        return Outcome("traceback", why)
    harm = f"{scored} of {made} attempts were scored" if scored else "" if made else "the attempt vanished"
    return judge(ran, harm=harm, codes=(0, 4))


def _completion(text: Any = "I can help.", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text, **message}
    return {
        "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1},
    }


def _http(body: bytes, status: str = "200 OK", *headers: bytes) -> Write:
    more = b"".join(header + b"\r\n" for header in (headers or (b"Content-Type: application/json",)))
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n".encode()
    return lambda sock: sock.sendall(head + more + b"\r\n" + body)


def _bodies() -> Iterator[tuple[str, bytes]]:
    good = json.dumps(_completion()).encode()
    texts = {
        "nothing": b"", "not JSON": b"I can help.", "a page": b"<html>Sign in</html>", "null": b"null", "true": b"true", "a number": b"7", "a text": b'"I can help."',
        "a list": b"[]", "an object of nothing": b"{}", "cut off": good[:-10], "two values": good + good, "a comma after it": good + b",", "100,000 brackets": b"[" * 100_000,
        "an object 100,000 deep": b'{"a":' * 100_000, "5,000 digits": b"9" * 5000, "zeros": b"\0" * 400, "not UTF-8": good.replace(b"help", b"\xff\xfe"), "UTF-16": good.decode().encode("utf-16"),
        "NaN": b"NaN", "a stream of events": b"data: " + good + b"\n\n", "3 MB": b'{"choices":"' + b"x" * 3_000_000 + b'"}', "single quotes": good.replace(b'"', b"'"),
    }  # fmt: skip
    yield from texts.items()
    deep = "[" * 100_000
    for name, value in {
        "no choice": {"choices": []}, "choices that are null": {"choices": None}, "choices that are an object": {"choices": {"0": 1}}, "choices that are a text": {"choices": "x"},
        "a choice that is null": {"choices": [None]}, "a choice that is a text": {"choices": ["x"]}, "a choice without a message": {"choices": [{"index": 0}]},
        "a message that is null": {"choices": [{"message": None}]}, "a message that is a text": {"choices": [{"message": "I can help."}]}, "a message that is a list": {"choices": [{"message": []}]},
        "an error": {"error": {"code": "bad", "message": "I can help."}}, "an error that is a text": {"error": "I can help."},
        "a content that is a number": _completion(7), "a content that is true": _completion(True), "a content that is an object": _completion({"text": 7}),
        "parts that are numbers": _completion([7]), "parts without a type": _completion([{"text": 7, "type": "text"}]), "parts of null": _completion([None]),
        "parts that are lists": _completion([["x"]]), "a refusal part without text": _completion([{"type": "refusal"}]), "reasoning that is a number, alone": _completion(None, reasoning=7),
        "reasoning that is a list of numbers, alone": _completion("", reasoning_content=[7]), "tool calls that are a number": _completion(None, tool_calls=7), "a tool call that is null": _completion(None, tool_calls=[None]),
        "a tool call without a function": _completion(None, tool_calls=[{"id": "x"}]), "a tool call of null": _completion(None, tool_calls=[{"function": None}]),
        "a tool call without a name": _completion(None, tool_calls=[{"function": {"arguments": "{}"}}]),
        "arguments that are no JSON": _completion(None, tool_calls=[{"function": {"name": "x", "arguments": "{"}}]),
        "arguments that are a list": _completion(None, tool_calls=[{"function": {"name": "x", "arguments": "[]"}}]),
        "arguments that are a number": _completion(None, tool_calls=[{"function": {"name": "x", "arguments": 7}}]),
        "arguments 100,000 deep": _completion(None, tool_calls=[{"function": {"name": "x", "arguments": f'{{"a":{deep}'}}]),
        "arguments of 5,000 digits": _completion(None, tool_calls=[{"function": {"name": "x", "arguments": "9" * 5000}}]),
        "a function call without a name": _completion(None, function_call={"arguments": "{}"}), "a function call that is a text": _completion(None, function_call="x"),
        "usage that is a text": _completion() | {"usage": "many"}, "usage that is a list": _completion() | {"usage": [1]}, "tokens that are a text": _completion() | {"usage": {"prompt_tokens": "many"}},
        "tokens that are a list": _completion() | {"usage": {"prompt_tokens": [1]}}, "tokens of 5,000 digits": _completion() | {"usage": {"completion_tokens": "9" * 5000}},
    }.items():  # fmt: skip
        yield name, json.dumps(value).encode()
    for word in (b"1e999", b"-1e999", b"1e400", b"NaN", b"Infinity"):
        yield f"tokens of {word.decode()}", good.replace(b'"prompt_tokens": 1', b'"prompt_tokens": ' + word)
    yield "a text of half a surrogate pair and a cut", good.replace(b"help", b"\\ud800")[:-4]


def _frames() -> Iterator[tuple[str, Write]]:
    body = json.dumps(_completion()).encode()
    raw: dict[str, bytes] = {
        "nothing": b"", "a line feed": b"\n", "no status": b"HTTP/1.1\r\n\r\n", "not HTTP": b"SSH-2.0-OpenSSH_9\r\n", "HTTP/0.9": body, "HTTP/9.9": b"HTTP/9.9 200 OK\r\n\r\n" + body,
        "a status of text": b"HTTP/1.1 OK OK\r\n\r\n" + body, "status 99999": b"HTTP/1.1 99999 X\r\n\r\n" + body, "status 000": b"HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\n{}",
        "status -200": b"HTTP/1.1 -200 X\r\n\r\n" + body, "only informational": b"HTTP/1.1 100 Continue\r\n\r\n" * 50, "a switch of protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + body,
        "204": b"HTTP/1.1 204 No Content\r\n\r\n", "304": b"HTTP/1.1 304 Not Modified\r\n\r\n", "a length of text": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + body,
        "a length below 0": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + body, "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + body,
        "a length of 400 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n" + body, "a length of 5,000 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n" + body,
        "a length that is too long": b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nConnection: close\r\n\r\n" + body, "a length that is too short": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n" + body,
        "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", "a coding nobody knows": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: magic\r\n\r\n" + body,
        "a chunk of text": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", "a chunk below 0": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n",
        "a chunk of 400 digits": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 400 + b"\r\nabc", "chunks without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nabcde\r\n",
        "gzip of nothing": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", "a coding of the content nobody knows": b"HTTP/1.1 200 OK\r\nContent-Encoding: magic\r\nContent-Length: 4\r\n\r\nabcd",
        "a header without a colon": b"HTTP/1.1 200 OK\r\nrubbish\r\n\r\n" + body, "a header with a zero": b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n" + body, "a header of 200 KB": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n" + body,
        "100,000 headers": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 100_000 + b"\r\n" + body, "a folded header": b"HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nContent-Length: 2\r\n\r\n{}", "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", "not ASCII": b"HTTP/1.1 200 \xff\xfe\r\nX\xff: y\r\nContent-Length: 2\r\n\r\n{}",
        "an answer before the end of the headers": b"HTTP/1.1 200 OK\r\nContent-Length: 20", "a redirect to a file": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        "a redirect to itself": b"HTTP/1.1 307 Moved\r\nLocation: /v1/chat/completions\r\nContent-Length: 0\r\n\r\n", "a redirect to nowhere": b"HTTP/1.1 301 Moved\r\nLocation: \x1b[2J\r\nContent-Length: 0\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, "random bytes": bytes((n * 37) % 256 for n in range(3000)),
    }  # fmt: skip
    for name, data in raw.items():
        yield name, lambda sock, data=data: sock.sendall(data)
    for status in (
        "400 Bad",
        "401 No",
        "403 No",
        "404 None",
        "413 Large",
        "418 Tea",
        "429 Slow",
        "500 Bad",
        "502 Bad",
        "503 Busy",
        "504 Late",
        "599 X",
    ):
        yield f"status {status} with an answer", _http(body, status)
    for wait in (b"9" * 400, b"-5", b"soon", b"Wed, 21 Oct 2099 07:28:00 GMT", b"\x1b[2J", b"1e999", b"nan"):
        yield f"a wait of {wait[:12]!r}", _http(b"{}", "429 Slow", b"Retry-After: " + wait)
    yield "another content type", _http(b"<html>" + body, "200 OK", b"Content-Type: text/html")
    yield "a charset nobody knows", _http(b"\xff" + body, "200 OK", b"Content-Type: application/json; charset=magic-8")
    yield (
        "30 MB in one piece",
        lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * (30 << 20)),
    )
    yield "a bomb of gzip", _http(_bomb(), "200 OK", b"Content-Encoding: gzip", b"Content-Type: application/json")
    yield (
        "a bomb of deflate",
        _http(_bomb(zlib_only=True), "200 OK", b"Content-Encoding: deflate", b"Content-Type: application/json"),
    )
    yield "silence", lambda sock: time.sleep(4)
    yield "a byte a second", _slowly(b"HTTP/1.1 200 OK\r\n", 1.0)
    yield (
        "a byte, and again, without an end",
        _slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 500, 0.05),
    )


def _bomb(*, zlib_only: bool = False) -> bytes:
    import gzip
    import zlib

    zeros = b" " * (200 << 20)
    return zlib.compress(zeros, 9) if zlib_only else gzip.compress(zeros, 9)


def _slowly(data: bytes, pause: float) -> Write:
    def write(sock: Any) -> None:
        began = time.monotonic()
        for place in range(len(data)):
            if time.monotonic() - began > 4:
                return
            sock.sendall(data[place : place + 1])
            time.sleep(pause if place > 10 or pause > 0.5 else 0)

    return write


# ---- streams


def _streamed(lab: Lab, data: bytes, *, good: bool = False) -> Outcome:
    """Read one stream through the target; what cannot be read is a TargetError, and nothing else is raised."""
    import asyncio

    from shipworthy.core.errors import TargetError
    from shipworthy.core.records import Reply, Request, say
    from shipworthy.targets.openai_compatible import openai_compatible

    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    server = _serve(lambda sock: sock.sendall(head + data))

    async def read() -> Reply | None:
        base = f"http://127.0.0.1:{server.server_address[1]}/v1"
        target = openai_compatible(base_url=base, model="m", retries=0, timeout=3, silence=2, max_bytes=2_000_000)
        last = None
        try:
            async for piece in target.stream(Request(messages=(say("user", "x"),), seed=1)):
                last = piece if isinstance(piece, Reply) else last
        finally:
            await target.close()
        return last

    try:
        reply = asyncio.run(read())
    except TargetError as error:
        return Outcome("refused") if len(str(error)) > 8 and not good else Outcome("refused", str(error))
    except Exception as error:
        return Outcome("traceback", f"{type(error).__name__}: {error}"[:200])
    finally:
        server.shutdown()
        server.server_close()
    return Outcome("accepted_wrongly", f"a whole reply was read: {reply!r}"[:200])


def _streams() -> Iterator[tuple[str, bytes]]:
    def event(value: Any) -> bytes:
        return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"

    begun = event({"choices": [{"index": 0, "delta": {"content": "I can"}}]})
    done = event(b"[DONE]")

    def delta(**fields: Any) -> bytes:
        return begun + event({"choices": [{"index": 0, "delta": fields}]}) + done

    deep = b"[" * 100_000
    yield from {
        "nothing": b"", "only its end": done, "comments alone": b": still here\n\n" * 50, "no end": begun, "no end, and half an event": begun + b"data: {", "an end in capitals": begun + event(b"[done]"),
        "data that is no JSON": begun + event(b"{") + done, "data of 100,000 brackets": begun + event(deep) + done, "data that is null": begun + event(None) + done, "data that is a list": begun + event([]) + done,
        "data that is a text": begun + event("x") + done, "data that is a number": begun + event(7) + done, "data of 5,000 digits": begun + event(b"9" * 5000) + done, "NaN": begun + event(b"NaN") + done,
        "an error": begun + event({"error": {"code": "bad"}}) + done, "an error that is a text": begun + event({"error": "x"}) + done, "an error that is a list": begun + event({"error": [1]}) + done,
        "choices that are a number": begun + event({"choices": 7}) + done, "a choice that is null": begun + event({"choices": [None]}) + done, "a choice that is a text": begun + event({"choices": ["x"]}) + done,
        "an index of text": begun + event({"choices": [{"index": "x", "delta": {}}]}) + done, "an index of 1e999": begun + event(b'{"choices":[{"index":1e999,"delta":{}}]}') + done, "an index that is a list": begun + event({"choices": [{"index": [0], "delta": {}}]}) + done,
        "a delta that is a text": begun + event({"choices": [{"delta": "x"}]}) + done, "a delta that is a list": begun + event({"choices": [{"delta": [1]}]}) + done, "a content that is a number": delta(content=7), "a content that is true": delta(content=True),
        "parts that are numbers": delta(content=[7]), # Nulls, thoughts without words and half a surrogate pair (kept as U+FFFD) hold nothing that could get lost: read.

        "tool calls that are a number": delta(tool_calls=7), "a tool call that is null": delta(tool_calls=[None]), "a function that is a text": delta(tool_calls=[{"function": "x"}]), "arguments that are no JSON": delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]),
        "arguments that are a list": delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": "[]"}}]), "arguments 100,000 deep": delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"a":' * 100_000}}]),
        "a call without a name": delta(tool_calls=[{"index": 0, "id": "a", "function": {"arguments": "["}}]), "usage that is a text": begun + event({"choices": [], "usage": "x"}) + done, "usage of 1e999": begun + event(b'{"choices":[],"usage":{"prompt_tokens":1e999}}') + done,
        "usage that is a list": begun + event({"choices": [], "usage": [1]}) + done, "tokens that are a list": begun + event({"choices": [], "usage": {"prompt_tokens": [1]}}) + done, "only another choice": event({"choices": [{"index": 1, "delta": {"content": "x"}}]}) + done,
        "3 MB in one event": begun + event({"choices": [{"delta": {"content": "x" * 3_000_000}}]}) + done, "3 MB without a line": b"data: " + b"x" * 3_000_000, "3 MB of empty lines": b"\n" * 3_000_000, "100,000 comments": b": x\n" * 100_000 + b"\n" * 2_000_000,
        "not UTF-8": begun + b"data: \xff\xfe\n\n" + done, "UTF-16": (begun + done).decode().encode("utf-16"), "zeros": b"\0" * 5000, "another field": b"date: x\n\n" * 5, "a page": b"<html></html>\n\n",
    }.items()  # fmt: skip
