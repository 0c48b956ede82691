"""Each adapter in front of an upstream, asked as its product's client asks it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import httpx2
import yaml

from shipworthy.conformance.came import Came
from shipworthy.conformance.routes import CLIENT_ROUTES
from shipworthy.gateway.embedded.aiohttp import GuardedSession
from shipworthy.gateway.embedded.asgi import GuardMiddleware
from shipworthy.gateway.embedded.guarded import Guarded
from shipworthy.gateway.embedded.httpx import GuardedAsyncTransport, GuardedTransport

PII = {"id": "GD-pii", "use": "pii_output"}


def write(folder: Path, rules=(PII,), **more) -> Path:
    """Write a gateway's file and its guards."""
    (folder / "guards.yaml").write_text(yaml.safe_dump({"block_message": "No.", "rules": list(rules)}))
    (folder / "gateway.yaml").write_text(yaml.safe_dump({"guards": "guards.yaml", **more}))
    return folder / "gateway.yaml"


def bare_app(upstream: str):
    """Return an app that passes everything on to an upstream, and its bytes back."""

    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = [(n, v) for n, v in scope["headers"] if n != b"host"]
        async with (
            httpx2.AsyncClient(verify=False) as client,
            client.stream(scope["method"], upstream + scope["path"], content=body, headers=headers) as answer,
        ):
            await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.headers.raw})
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


async def came_of(client, url, body, **headers) -> Came:
    """Return all that comes of a request."""
    try:
        response = await client.post(url, json=body, headers=headers)
    except Exception as error:
        return Came(0, {}, b"", type(error).__name__)
    return Came(response.status_code, dict(response.headers), response.content)


@asynccontextmanager
async def httpx_async(guarded: Guarded, base: str):
    transport = GuardedAsyncTransport(guarded, httpx2.AsyncHTTPTransport())
    async with httpx2.AsyncClient(transport=transport, timeout=20) as client:
        yield lambda path, body, **headers: came_of(client, base + path, body, **headers)


@asynccontextmanager
async def httpx_sync(guarded: Guarded, base: str):
    def ask(path, body, **headers):
        response = client.post(base + path, json=body, headers=headers)
        return Came(response.status_code, dict(response.headers), response.content)

    client = httpx2.Client(transport=GuardedTransport(guarded, httpx2.HTTPTransport()), timeout=20)
    try:
        yield lambda path, body, **headers: asyncio.to_thread(ask, path, body, **headers)
    finally:
        await asyncio.to_thread(client.close)


@asynccontextmanager
async def aiohttp_session(guarded: Guarded, base: str):
    async def ask(path, body, **headers):
        async with own.post(base + path, json=body, headers=headers) as answer:
            return Came(answer.status, answer.headers, await answer.read())

    async with aiohttp.ClientSession() as session, GuardedSession(guarded, session) as own:
        yield ask


@asynccontextmanager
async def asgi_app(guarded: Guarded, base: str):
    app = GuardMiddleware(bare_app(base), guarded)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://product") as client:
        yield lambda path, body, **headers: came_of(client, path, body, **headers)
    await guarded.close()


WAYS = {"httpx": httpx_async, "httpx_sync": httpx_sync, "aiohttp": aiohttp_session, "asgi": asgi_app}


def request_of(cell):
    """Return path and body of a cell's request."""
    route = CLIENT_ROUTES[cell.route]
    return route.path, route.body(cell)
