"""A gateway made of one function of the upstream's answer, and the kit that examines it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from shipworthy.conformance.ask import AskLimits
from shipworthy.conformance.kit import GatewayUnderTest, Kit
from shipworthy.conformance.plan import Matrix

MARK = b"@leak.example.org"


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@asynccontextmanager
async def acting(upstream: str, act):
    """Serve a gateway that asks the upstream and hands its answer to `act(request, body, answer)`, as bytes."""
    async with aiohttp.ClientSession() as session:

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.read()
            if not request.path.endswith("/chat/completions"):
                return web.json_response({"error": {"message": "no such path"}}, status=404)

            async def upstream_says(sent: bytes = body) -> web.Response:
                headers = {"content-type": "application/json"}
                async with session.post(upstream + "/chat/completions", data=sent, headers=headers) as answer:
                    said = await answer.read()
                    kept = {k: v for k, v in answer.headers.items() if k.lower() in ("content-type", "x-said")}
                    return web.Response(status=answer.status, headers=kept, body=said)

            return await act(request, body, upstream_says)

        runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest.fixture
def serving():
    """Return what serves a gateway that is made of one function."""
    return acting


@pytest.fixture
def examined():
    """Return what examines a gateway made of one function: the quick matrix of chat, for e-mail addresses."""

    def run(act, *, most: int = 500_000, **chosen):
        chosen = {"routes": ("chat",), "entities": ("email",), "quick": True, "mode": "enforce", "seed": "5"} | chosen
        matrix = Matrix(**chosen)

        async def main():
            port = free_port()
            async with acting(f"http://127.0.0.1:{port}/v1", act) as base:
                gateway = GatewayUnderTest(base, port=port, concurrency=12, limits=AskLimits(60.0, most))
                return await Kit(matrix, gateway, lambda done, of: None).examine()

        return asyncio.run(main())

    return run
