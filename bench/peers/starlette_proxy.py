"""A bare proxy as it is written in an afternoon: Starlette on uvicorn; nothing is looked at or kept.

starlette_proxy.py UPSTREAM CLIENT   prints its address, and serves until killed, in one worker

CLIENT is what asks the upstream: ``httpx``, as most would write it, or ``aiohttp``, which takes a quarter of the CPU
time. uvicorn takes uvloop, which the environment has.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

HEADERS = {"content-type": "application/json"}


def main(upstream: str, client: str) -> None:
    """Pass every request on to the upstream's chat completions, and its bytes back as they arrive."""
    url = f"{upstream}/v1/chat/completions"
    opened: list[Any] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if client == "httpx":
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
            made: Any = httpx.AsyncClient(timeout=60, limits=limits)
        else:
            made = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        async with made:
            opened.append(made)
            yield

    async def by_httpx(request: Request) -> Response:
        asked = opened[0].build_request("POST", url, content=await request.body(), headers=HEADERS)
        answer = await opened[0].send(asked, stream=True)
        kept = {"content-type": answer.headers["content-type"]}
        if "content-length" in answer.headers:
            whole = await answer.aread()
            await answer.aclose()
            return Response(whole, answer.status_code, kept)
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept, background=BackgroundTask(answer.aclose))

    async def by_aiohttp(request: Request) -> Response:
        answer = await opened[0].post(url, data=await request.body(), headers=HEADERS)
        kept = {"content-type": answer.headers["content-type"]}
        if "content-length" in answer.headers:
            return Response(await answer.read(), answer.status, kept)
        return StreamingResponse(answer.content.iter_any(), answer.status, kept)

    completions = by_httpx if client == "httpx" else by_aiohttp
    app = Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])], lifespan=lifespan)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[bound])


if __name__ == "__main__":
    main(*sys.argv[1:])
