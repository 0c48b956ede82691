"""Clients as a session sees them: one that does not read, and one that listens to nothing."""

from __future__ import annotations

import asyncio
import os

from shipworthy.dialects import json_rpc as rpc
from shipworthy.gateway.mcp.http import HttpClientWire
from shipworthy.gateway.mcp.stdio import StdioClientWire

SAID = rpc.notification("notifications/message", {"level": "info", "data": "x" * 50_000})


def test_a_client_that_does_not_read_its_pipe_is_given_up() -> None:
    async def main():
        reads, writes = os.pipe()
        os.set_blocking(writes, False)
        client = StdioClientWire(writes, 0.1)
        sent = 0
        while await client.send(SAID):
            sent += 1
        assert 0 < sent < 100
        assert client.gone.is_set()
        os.close(reads)
        os.close(writes)

    asyncio.run(main())


def test_one_that_reads_slowly_gets_whole_messages_in_order() -> None:
    async def main():
        reads, writes = os.pipe()
        os.set_blocking(writes, False)
        client = StdioClientWire(writes, 5)
        numbers = [rpc.result(n, {"text": "é" * 40_000}) for n in range(4)]
        sending = asyncio.gather(*(client.send(message) for message in numbers))
        whole = b"".join(rpc.write(message) + b"\n" for message in numbers)
        got = b""
        while len(got) < len(whole):
            got += await asyncio.to_thread(os.read, reads, 7_001)
        assert all(await sending)
        assert got == whole
        os.close(reads)
        os.close(writes)

    asyncio.run(main())


def test_what_nobody_listens_to_waits_up_to_a_bound_and_requests_do_not() -> None:
    async def main():
        client = HttpClientWire()
        assert not await client.send(rpc.request(1, "roots/list", {}), None)
        assert [await client.send(SAID, None) for _ in range(101)] == [True] * 100 + [False]

    asyncio.run(main())
