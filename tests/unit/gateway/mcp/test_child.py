"""A server that is started as a child: what it gets, how it ends, and what becomes of it when it does not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import BadRpc, RpcResult
from shipworthy.gateway.mcp.child import ChildWire
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.mcp.spec import McpRead, McpSpec
from shipworthy.gateway.mcp.wire import WireBroken

TINY = str(Path(__file__).with_name("tiny.py"))


def wired(tmp_path, how, work, **spec):
    async def main():
        written = McpSpec.model_validate({"command": [sys.executable, "-SE", TINY, how], **spec})
        wire = ChildWire(ProxiedServer("it", McpRead(written, tmp_path)))
        heard: asyncio.Queue = asyncio.Queue()

        async def hear(message, related):
            await heard.put(message)

        await wire.start(hear)
        process = wire._process
        try:
            async with asyncio.timeout(20):
                await work(wire, heard)
        finally:
            await wire.close(at_once=True)
        assert process.returncode is not None

    asyncio.run(main())


async def asked(wire, heard, method="tools/call"):
    await wire.send(rpc.request(1, method, {}))
    return await heard.get()


def test_it_gets_what_the_file_says_and_little_else(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("TINY_KEY", " the key\n")

    async def work(wire, heard):
        found = json.loads((await asked(wire, heard)).result["content"][0]["text"])
        assert found["key"] == "the key"
        assert "OPENAI_API_KEY" not in found["env"]
        assert "TINY_KEY" not in found["env"]
        assert Path(found["cwd"]) == tmp_path

    wired(tmp_path, "", work, env={"KEY": "env:TINY_KEY"})


def test_its_bytes_may_be_cut_anywhere(tmp_path) -> None:
    async def work(wire, heard):
        assert isinstance(await asked(wire, heard), RpcResult)

    wired(tmp_path, "pieces", work)


def test_one_that_dies_is_heard_of(tmp_path) -> None:
    async def work(wire, heard):
        assert await asked(wire, heard) is None
        assert wire.lost == "the server ended, with status 3"
        with pytest.raises(WireBroken, match="status 3"):
            await wire.send(rpc.request(2, "ping", {}))

    wired(tmp_path, "die", work)


def test_a_message_that_is_too_long_is_left_out(tmp_path) -> None:
    async def work(wire, heard):
        assert isinstance(await asked(wire, heard), BadRpc)
        assert isinstance(await asked(wire, heard, "ping"), RpcResult)

    wired(tmp_path, "long", work, max_bytes=1_000)


def test_one_that_takes_nothing_is_given_up(tmp_path, monkeypatch) -> None:
    from shipworthy.gateway.mcp import child

    monkeypatch.setattr(child, "WRITE_S", 0.2)

    async def work(wire, heard):
        with pytest.raises(WireBroken, match="did not take"):
            await wire.send(rpc.request(1, "tools/call", {"text": "x" * 1_000_000}))

    wired(tmp_path, "deaf", work)


def test_what_it_started_ends_with_it(tmp_path) -> None:
    groups: list[int] = []

    async def work(wire, heard):
        assert isinstance(await asked(wire, heard, "ping"), RpcResult)
        groups.append(wire._process.pid)

    wired(tmp_path, "child", work)

    async def gone():
        async with asyncio.timeout(10):
            while _alive(groups[0]):
                await asyncio.sleep(0.02)

    asyncio.run(gone())


def _alive(group: int) -> bool:
    """Say whether a process of a group runs; one that nobody has waited for yet does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z" and int(stat.parent.name) != os.getpid():
                return True
    return False


def test_a_command_that_is_none_is_told(tmp_path) -> None:
    async def main():
        wire = ChildWire(ProxiedServer("it", McpRead(McpSpec(command=("no-such-program",)), tmp_path)))
        with pytest.raises(WireBroken, match="cannot be started: No such file"):
            await wire.start(None)
        await wire.close()

    asyncio.run(main())
