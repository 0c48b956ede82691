"""A server over HTTP: what it may answer, and what becomes of what it may not."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from aiohttp import web

from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import BadRpc, RpcNotification, RpcResult
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.mcp.remote import RemoteWire
from shipworthy.gateway.mcp.spec import McpRead, McpSpec
from shipworthy.gateway.mcp.wire import WireBroken


def wired(tmp_path, answer, work, **spec):
    """Have a wire ask a server that answers each HTTP request with what `answer` gives."""

    async def main():
        asked: list[tuple[str, dict, bytes]] = []

        async def handle(request):
            body = await request.read()
            asked.append((request.method, dict(request.headers), body))
            return await answer(request, json.loads(body) if body else None)

        runner = web.ServerRunner(web.Server(handle, handler_cancellation=True), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
        wire = RemoteWire(ProxiedServer("it", McpRead(McpSpec(url=url, **spec), tmp_path)))
        heard: asyncio.Queue = asyncio.Queue()

        async def hear(message, related):
            await heard.put((message, related))

        await wire.start(hear)
        try:
            async with asyncio.timeout(20):
                await work(wire, heard, asked)
        finally:
            await wire.close()
            await runner.cleanup()
        return asked

    return asyncio.run(main())


def given(value) -> web.Response:
    return web.json_response(value, headers={"mcp-session-id": "s1"})


async def stream(request, *pieces: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
        await asyncio.sleep(0.01)
    await response.write_eof()
    return response


def test_a_session_is_kept_and_ended(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("IT_KEY", "the key of it")

    async def answer(request, body):
        if request.method != "POST":
            return web.Response(status=405)
        return given(rpc.result(body["id"], {})) if "id" in body else web.Response(status=202)

    async def work(wire, heard, asked):
        await wire.send(rpc.request(1, "initialize", {}))
        assert await heard.get() == (RpcResult(1, {}), 1)
        await wire.opened("2025-11-25")
        await wire.send(rpc.notification("notifications/initialized", {}))
        while len(asked) < 3:
            await asyncio.sleep(0.01)

    asked = wired(tmp_path, answer, work, key="env:IT_KEY")
    methods = [method for method, _, _ in asked]
    assert sorted(methods[1:3]) == ["GET", "POST"]
    assert methods[-1] == "DELETE"
    assert all(headers["Mcp-Session-Id" if "Mcp-Session-Id" in headers else "mcp-session-id"] == "s1" for _, headers, _ in asked[1:])  # noqa: E501  # fmt: skip
    assert all({k.lower(): v for k, v in h.items()}["authorization"] == "Bearer the key of it" for _, h, _ in asked)


def test_a_stream_may_be_cut_anywhere(tmp_path) -> None:
    said = rpc.notification("notifications/message", {"level": "info", "data": "hé"})
    whole = b"".join(b"event: message\r\ndata: " + rpc.write(m) + b"\r\n\r\n" for m in (said, rpc.result(1, {})))
    whole = b": ping\n\n" + whole

    async def answer(request, body):
        return await stream(request, *(whole[at : at + 7] for at in range(0, len(whole), 7)))

    async def work(wire, heard, asked):
        await wire.send(rpc.request(1, "tools/call", {}))
        assert await heard.get() == (RpcNotification("notifications/message", said["params"]), 1)
        assert await heard.get() == (RpcResult(1, {}), 1)

    wired(tmp_path, answer, work)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, {"content-type": "text/plain"}, b"secret"),
        (302, {"location": "http://127.0.0.1:1/"}, b""),
        (200, {"content-type": "text/html"}, b"<html>"),
        (200, {"content-type": "application/json"}, b"{"),
        (200, {"content-type": "application/json"}, b'{"jsonrpc":"2.0","id":9,"result":{}}'),
        (200, {"content-type": "application/json"}, b" " * 20_000),
        (200, {"content-type": "text/event-stream"}, b"data: x\n\n"),
        (200, {"content-type": "text/event-stream"}, b"data: " + b"x" * 20_000),
    ],
)
def test_what_is_no_answer_fails_the_request(tmp_path, status, headers, body) -> None:
    async def answer(request, _):
        return web.Response(status=status, headers=headers, body=body)

    async def work(wire, heard, asked):
        await wire.send(rpc.request(1, "tools/call", {}))
        found = []
        while not (found and isinstance(found[-1], BadRpc) and found[-1].id == 1):
            found.append((await heard.get())[0])
        assert "secret" not in found[-1].said
        assert len(asked) == 1

    wired(tmp_path, answer, work, max_bytes=10_000)


def test_a_cancelled_request_lets_its_connection_go(tmp_path) -> None:
    left = asyncio.Event()

    async def answer(request, body):
        if "id" not in body:
            return web.Response(status=202)
        try:
            await asyncio.sleep(600)
        finally:
            left.set()

    async def work(wire, heard, asked):
        await wire.send(rpc.request(7, "tools/call", {}))
        while not asked:
            await asyncio.sleep(0.01)
        await wire.send(rpc.notification("notifications/cancelled", {"requestId": 7}))
        await left.wait()
        assert heard.empty()

    wired(tmp_path, answer, work)


def test_a_session_that_the_server_forgot_is_over(tmp_path) -> None:
    async def answer(request, body):
        first = body is not None and body.get("method") == "initialize"
        return given(rpc.result(body["id"], {})) if first else web.Response(status=404)

    async def work(wire, heard, asked):
        await wire.send(rpc.request(1, "initialize", {}))
        await heard.get()
        await wire.send(rpc.request(2, "ping", {}))
        assert await heard.get() == (None, None)
        with pytest.raises(WireBroken, match="does not know the session"):
            await wire.send(rpc.request(3, "ping", {}))

    wired(tmp_path, answer, work)


def test_nobody_there_and_a_refused_notification(tmp_path) -> None:
    async def answer(request, body):
        return web.Response(status=400)

    async def work(wire, heard, asked):
        with pytest.raises(WireBroken, match="status 400"):
            await wire.send(rpc.notification("notifications/initialized", {}))

    wired(tmp_path, answer, work)

    async def main():
        wire = RemoteWire(ProxiedServer("it", McpRead(McpSpec(url="http://127.0.0.1:1/mcp"), tmp_path)))
        heard: asyncio.Queue = asyncio.Queue()

        async def hear(message, related):
            await heard.put(message)

        await wire.start(hear)
        await wire.send(rpc.request(1, "initialize", {}))
        assert "cannot be reached" in (await asyncio.wait_for(heard.get(), 10)).said
        with suppress(Exception):
            await wire.close()

    asyncio.run(main())
