"""A loopback server of raw bytes: it can be slow, rude and broken, as real endpoints are."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
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
