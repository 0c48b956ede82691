"""A bare proxy as it is written in an afternoon: Starlette on uvicorn; nothing is looked at or kept.

starlette_proxy.py UPSTREAM   prints its address, and serves until killed, in one worker

uvicorn takes uvloop, which the environment has. What asks the upstream is aiohttp: with httpx, which is the more usual
choice, the same proxy takes four times the CPU time.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


def main(upstream: str) -> None:
    """Pass every request on to the upstream's chat completions, and its bytes back as they arrive."""
    opened: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            opened.append(session)
            yield

    async def completions(request: Request) -> Response:
        answer = await opened[0].post(
            f"{upstream}/v1/chat/completions",
            data=await request.body(),
            headers={"content-type": "application/json"},
        )
        kept = {"content-type": answer.headers["content-type"]}
        if "content-length" in answer.headers:
            return Response(await answer.read(), answer.status, kept)
        return StreamingResponse(answer.content.iter_any(), answer.status, kept)

    app = Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])], lifespan=lifespan)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[bound])


if __name__ == "__main__":
    main(*sys.argv[1:])
