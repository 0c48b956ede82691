"""The mcp package's own client and servers through the proxy, over stdio and over HTTP, in both directions."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

pytest.importorskip("mcp", reason="mcp is not here: the extra `mcp` brings it")

import mcp
from mcp.types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent

from shipworthy.agents.mcp_server import McpServer, pinned
from shipworthy.core.grants import Grants
from shipworthy.gateway.config import read_config
from shipworthy.gateway.mcp.pin import read_tools, write_pins
from shipworthy.gateway.server import address, listen, serving
from shipworthy.store.traffic import read

SERVER = Path(__file__).with_name("server.py")
MAIL = "ada@example.org"
SHOWN = "[redacted:email]"
GUARDS = {"rules": [{"id": "GD-pii", "use": "pii", "stages": ["retrieved", "tool_call", "input"]}]}


@pytest.fixture(scope="module")
def upstream():
    """A server over HTTP, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(SERVER), str(port)], stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/mcp"
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def files(tmp_path_factory, upstream):
    """The files of a gateway with both servers, and leave for its command."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "guards.yaml").write_text(yaml.safe_dump(GUARDS))
    command = [sys.executable, str(SERVER)]
    servers = {"child": {"command": command, "pins": "pins.json"}, "remote": {"url": upstream, "pins": "pins.json"}}
    written = {"listen": "127.0.0.1:0", "guards": "guards.yaml", "mcp": servers}
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(written))
    line = read_line(path)
    grants = Grants().and_command(folder.resolve(), line)
    grants.save(folder / "grants.json")
    config = read_config(path, grants)
    write_pins(config, "child", read_tools(config, "child"))
    return SimpleNamespace(path=path, grants=grants, folder=folder)


def read_line(path: Path) -> str:
    from shipworthy.gateway.mcp.spec import McpSpec

    return McpSpec.model_validate(yaml.safe_load(path.read_text())["mcp"]["child"]).line


async def used(target, folder: Path, **options):
    """Use everything that a server offers, and check what comes through."""
    came: list[str] = []

    async def sampling(context, params):
        came.append(params.messages[0].content.text)
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text=f"I am {MAIL}"), model="m")

    async def elicitation(context, params):
        came.append(params.message)
        return ElicitResult(action="accept", content={"name": MAIL})

    async def roots(context):
        return ListRootsResult(roots=[Root(uri="file:///home")])

    async def logging(params):
        came.append(params.data)

    async def progress(done, total, message):
        came.append(message)

    callbacks = {
        "sampling_callback": sampling,
        "elicitation_callback": elicitation,
        "list_roots_callback": roots,
        "logging_callback": logging,
    }
    async with mcp.Client(target, **callbacks, **options) as client:
        assert client.instructions == f"Ask {SHOWN} first."
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["read_mail", "link", "fail", "everything"]
        result = await client.call_tool("read_mail", {"id": f"7 {MAIL}"})
        assert result.content[0].text == f"Mail 7 {SHOWN}: write to {SHOWN}"
        assert result.structured_content == {"result": f"Mail 7 {SHOWN}: write to {SHOWN}"}
        assert str((await client.call_tool("link")).content[0].uri) == "mail://inbox"
        failed = await client.call_tool("fail")
        assert failed.is_error
        assert MAIL not in failed.content[0].text
        every = await client.call_tool("everything", progress_callback=progress)
        assert every.content[0].text == f"I am {SHOWN} | accept {SHOWN} | file:///home"
        assert sorted(came) == sorted(
            [f"half of {SHOWN}", f"log of {SHOWN}", f"Who is {SHOWN}?", f"Your name, {SHOWN}?"]
        )
        assert (await client.read_resource("mail://inbox")).contents[0].text == f"from {SHOWN}"
        assert (await client.read_resource("mail://by/bo")).contents[0].text == f"bo: {SHOWN}"
        assert len((await client.list_resource_templates()).resource_templates) == 1
        prompt = await client.get_prompt("reply", {"to": "bo"})
        assert prompt.messages[0].content.text == f"Reply to bo, copy to {SHOWN}"
        with pytest.raises(mcp.MCPError):
            await client.read_resource("mail://nowhere")
    return came


@asynccontextmanager
async def gateway(files):
    told: list[str] = []
    config = read_config(files.path, files.grants)
    bound = listen(config)
    async with serving(config, bound, told.append) as gateway:
        yield SimpleNamespace(gateway=gateway, base=address(bound), told=told)


@pytest.mark.parametrize("name", ["child", "remote"])
def test_over_http(files, name) -> None:
    async def main():
        async with gateway(files) as served:
            await used(f"{served.base}/mcp/{name}", files.folder)
            await asyncio.sleep(0)
            return list(read(served.gateway.log._directory))

    records = asyncio.run(main())
    assert MAIL not in repr(records)
    endings = {(r.served.model, r.served.ending) for r in records}
    assert ("tools/call", "answered") in endings
    assert ("sampling/createMessage", "answered") in endings


@pytest.mark.parametrize("name", ["child", "remote"])
def test_over_stdio(files, name) -> None:
    line = ["-m", "shipworthy", "gateway", "mcp", "--config", str(files.path), "--server", name]
    env = {**os.environ, "SHIPWORTHY_GRANTS": str(files.folder / "grants.json")}
    target = mcp.StdioServerParameters(command=sys.executable, args=line, env=env)
    asyncio.run(used(target, files.folder))


def test_the_pins_are_those_of_an_agents_server(files) -> None:
    config = read_config(files.path, files.grants)
    found = asyncio.run(pinned(McpServer(program=[sys.executable, str(SERVER)])))
    assert dict(config.mcp["child"].pins) == dict(found)
