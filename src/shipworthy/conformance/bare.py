"""A proxy without guards, on the gateway's own stack: what must be found leaking, and what costs are held against."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

_KEPT = ("content-type", "x-said", "x-request-id", "set-cookie")


@asynccontextmanager
async def bare(upstream: str) -> AsyncGenerator[str, None]:
    """Pass every request on to an upstream's chat completions, and its bytes back; yields scheme, host and port.

    Args:
        upstream: its address up to ``/chat/completions``.
    """
    async with aiohttp.ClientSession() as session:

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.read()
            headers = {"content-type": "application/json"}
            async with session.post(upstream + "/chat/completions", data=body, headers=headers) as answer:
                kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
                if "content-length" in answer.headers:
                    return web.Response(status=answer.status, headers=kept, body=await answer.read())
                response = web.StreamResponse(status=answer.status, headers=kept)
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
                await response.write_eof()
                return response

        runner = web.ServerRunner(web.Server(handle, access_log=None))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
