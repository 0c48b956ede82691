"""A bare proxy as it is written in an afternoon: Starlette on uvicorn, httpx behind it; nothing is looked at or kept.

starlette_proxy.py UPSTREAM   prints its address, and serves until killed, in one worker
"""

from __future__ import annotations

import socket
import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


def main(upstream: str) -> None:
    """Pass every request on to the upstream's chat completions, and its bytes back as they arrive."""
    client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None, max_keepalive_connections=100))

    async def completions(request: Request) -> Response:
        asked = client.build_request(
            "POST",
            f"{upstream}/v1/chat/completions",
            content=await request.body(),
            headers={"content-type": "application/json"},
        )
        answer = await client.send(asked, stream=True)
        kept = {"content-type": answer.headers["content-type"]}
        if "content-length" in answer.headers:
            whole = await answer.aread()
            await answer.aclose()
            return Response(whole, answer.status_code, kept)
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept, background=BackgroundTask(answer.aclose))

    app = Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])])
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[bound])


if __name__ == "__main__":
    main(*sys.argv[1:])
