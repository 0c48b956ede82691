"""A loopback server of raw bytes: it can be slow, rude and broken, as real endpoints are."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

Handler = Callable[[SimpleNamespace, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serve(handler: Handler, port: int = 0, tls: ssl.SSLContext | None = None):
    """Yield an object with `url` and `seen`, the requests so far (method, path, headers, body, json)."""
    served = SimpleNamespace(seen=[], url="", open=0, most_open=0, connections=0)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = first.split()
                request = SimpleNamespace(method=method, path=path, headers=headers, body=body, number=len(served.seen))
                request.json = json.loads(body) if body else None
                served.seen.append(request)
                served.open += 1
                served.most_open = max(served.most_open, served.open)
                try:
                    await handler(request, writer)
                    await writer.drain()
                finally:
                    served.open -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", port, ssl=tls)
    served.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()


def respond(writer: asyncio.StreamWriter, body: object, status: int = 200, **headers: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json", "content-length": str(len(data))}
    given |= {k.replace("_", "-"): v for k, v in headers.items()}
    lines = "".join(f"{k}: {v}\r\n" for k, v in given.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + data)


def completion(text: str = "hello", finish: str = "stop", **message: object) -> dict:
    said = {"role": "assistant", "content": text, **message}
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    return {"model": "m-1", "choices": [{"index": 0, "message": said, "finish_reason": finish}], "usage": usage}


@pytest.fixture
def loopback() -> SimpleNamespace:
    return SimpleNamespace(serve=serve, respond=respond, completion=completion)


class Chat:
    """A chat endpoint in a thread of its own, for commands that run their own loop.

    Attributes:
        place: host and port; `url` its address up to ``/chat/completions``.
        seen: headers of the requests so far.
        said, usage: what it answers, and what it says that took; None says nothing.
    """

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.said = "I cannot help with that."
        self.usage: dict[str, float] | None = {"prompt_tokens": 1000, "completion_tokens": 1000}
        chat = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                chat.seen.append(dict(self.headers))
                self.rfile.read(int(self.headers["Content-Length"]))
                answer = completion(chat.said)
                del answer["usage"]
                body = json.dumps(answer | ({"usage": chat.usage} if chat.usage is not None else {})).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.place}/v1"

    @property
    def calls(self) -> int:
        return len(self.seen)


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
