"""The route of MCP: sessions and whose they are, streams, limits, the kill switch, clients that leave."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from shipworthy.core.digests import digest
from shipworthy.core.grants import Grants
from shipworthy.gateway import levers
from shipworthy.gateway.config import read_config
from shipworthy.gateway.mcp.spec import McpSpec
from shipworthy.gateway.server import address, listen, serving
from shipworthy.store.traffic import read

TINY = str(Path(__file__).parents[3] / "unit" / "gateway" / "mcp" / "tiny.py")
TOOL = {"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


class Client:
    """Says each byte itself."""

    def __init__(self, http, base, gateway) -> None:
        self.http, self.base, self.gateway, self.number = http, base, gateway, 0

    async def send(self, method, params=None, *, session="", http="POST", id=True, **headers):
        self.number += 1
        body = {"jsonrpc": "2.0", "method": method, "params": params or {}} | ({"id": self.number} if id else {})
        sent = {"accept": "application/json, text/event-stream", **({"mcp-session-id": session} if session else {})}
        async with self.http.request(
            http, self.base, json=body if http == "POST" else None, headers=sent | headers
        ) as r:
            text = await r.text()
            return r.status, r.headers, _read(text)

    async def open(self, **headers) -> str:
        status, found, body = await self.send("initialize", INITIALIZE, **headers)
        assert status == 200, body
        await self.send("notifications/initialized", session=found["mcp-session-id"], id=False, **headers)
        return found["mcp-session-id"]

    @property
    def records(self):
        return [line.served for line in read(self.gateway.log._directory)]


def _read(text):
    if text.startswith("event:"):
        return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    return json.loads(text) if text else None


@asynccontextmanager
async def client(tmp_path, how="plain", *, top=None, **spec):
    command = [sys.executable, "-SE", TINY, how]
    (tmp_path / "guards.yaml").write_text(yaml.safe_dump({"rules": [{"id": "GD-pii", "use": "pii", "stages": ["retrieved", "tool_call"]}]}))  # noqa: E501  # fmt: skip
    (tmp_path / "pins.json").write_text(json.dumps({"look": digest(TOOL)}))
    server = {"command": command, "pins": "pins.json", **spec}
    written = {"listen": "127.0.0.1:0", "guards": "guards.yaml", "mcp": {"it": server}, **(top or {})}
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(written))
    grants = Grants().and_command(tmp_path.resolve(), McpSpec.model_validate(server).line)
    config = read_config(tmp_path / "gateway.yaml", grants)
    bound = listen(config)
    async with serving(config, bound, lambda line: None) as gateway, aiohttp.ClientSession() as http:
        yield Client(http, f"{address(bound)}/mcp/it", gateway)


def on(tmp_path, work, how="plain", **options):
    async def main():
        async with client(tmp_path, how, **options) as made, asyncio.timeout(25):
            await work(made)
            return made

    return asyncio.run(main())


def test_what_a_request_needs(tmp_path) -> None:
    async def work(c):
        session = await c.open()
        assert (await c.send("ping", session=session))[2]["result"] == {}
        for wanted, more in [
            (400, {}),
            (404, {"session": "0" * 64}),
            (400, {"session": session, "mcp-protocol-version": "2024-11-05"}),
            (406, {"session": session, "accept": "text/html"}),
            (415, {"session": session, "content-type": "text/plain"}),
            (403, {"session": session, "origin": "http://pages.example.org"}),
            (403, {"session": session, "host": "pages.example.org"}),
        ]:
            status, _, body = await c.send("ping", **more)
            assert (status, body["error"]["code"]) == (wanted, -32600), more
        status, _, body = await c.send("initialize", INITIALIZE, session=session)
        assert status == 400
        assert (await c.send("ping", session=session, http="PUT"))[0] == 405
        assert (await c.send("tools/list", session=session, origin="http://localhost:3000"))[0] == 200

    on(tmp_path, work)


def test_a_session_is_its_keys(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("A_KEY", "a" * 20)
    monkeypatch.setenv("B_KEY", "b" * 20)
    monkeypatch.setenv("C_KEY", "c" * 20)
    clients = {"a": {"key": "env:A_KEY"}, "b": {"key": "env:B_KEY"}, "c": {"key": "env:C_KEY", "mcp": ["other"]}}

    async def work(c):
        a, b = ({"authorization": f"Bearer {letter * 20}"} for letter in "ab")
        session = await c.open(**a)
        assert (await c.send("ping", session=session, **a))[0] == 200
        assert (await c.send("ping", session=session, **b))[0] == 404
        assert (await c.send("ping", session=session))[0] == 401
        assert (await c.send("initialize", INITIALIZE, authorization=f"Bearer {'c' * 20}"))[0] == 404

    made = on(tmp_path, work, top={"clients": clients})
    assert {r.client for r in made.records} == {"a"}


def test_a_session_is_ended_and_its_server_with_it(tmp_path) -> None:
    async def work(c):
        session = await c.open()
        (found,) = c.gateway.sessions._open.values()
        process = found[0].wire._process
        assert (await c.send("", session=session, http="DELETE"))[0] == 200
        assert (await c.send("ping", session=session))[0] == 404
        assert process.returncode is not None

    on(tmp_path, work)


def test_sessions_are_bounded_and_unused_ones_end(tmp_path) -> None:
    async def work(c):
        first = await c.open()
        assert (await c.send("initialize", INITIALIZE))[0] == 503
        while (await c.send("initialize", INITIALIZE))[0] != 200:
            await asyncio.sleep(0.1)
        assert (await c.send("ping", session=first))[0] == 404

    on(tmp_path, work, sessions=1, idle_s=0.5)


def test_what_a_server_says_unasked_comes_with_the_answer_or_to_who_listens(tmp_path) -> None:
    async def work(c):
        session = await c.open()
        call = {"name": "look", "arguments": {}}
        status, headers, (told, answer) = await c.send("tools/call", call, session=session)
        assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert (told["params"]["data"], answer["id"]) == ("hé", c.number)

    on(tmp_path, work, "unasked")


def test_one_listens_at_a_time(tmp_path) -> None:
    async def work(c):
        session = await c.open()
        headers = {"accept": "text/event-stream", "mcp-session-id": session}
        async with c.http.get(c.base, headers=headers) as listening:
            assert listening.status == 200
            assert (await c.send("", session=session, http="GET"))[0] == 409
            await c.send("", session=session, http="DELETE")
            assert await listening.read() == b""

    on(tmp_path, work)


def test_listeners_do_not_keep_the_gateway_from_ending(tmp_path) -> None:
    async def main():
        headers = {"accept": "text/event-stream"}
        async with aiohttp.ClientSession() as http, asyncio.timeout(15):
            async with client(tmp_path) as c:
                session = await c.open()
                listening = await http.get(c.base, headers=headers | {"mcp-session-id": session})
                assert listening.status == 200
            assert await listening.read() == b""

    asyncio.run(main())


def test_a_client_that_leaves_is_recorded(tmp_path) -> None:
    async def work(c):
        session = await c.open()
        asking = asyncio.create_task(c.send("tools/call", {"name": "look"}, session=session))
        while not c.gateway._flying:
            await asyncio.sleep(0.01)
        asking.cancel()
        while not any(r.model == "tools/call" for r in c.records):
            await asyncio.sleep(0.02)
        assert [r.ending for r in c.records if r.model == "tools/call"] == ["gone"]

    on(tmp_path, work, "hang")


def test_a_client_that_does_not_read_is_cut_off(tmp_path) -> None:
    async def work(c):
        session = await c.open()
        body = json.dumps({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "look"}})
        host, port = c.base.split("/")[2].split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1_000)
        writer.write(
            f"POST /mcp/it HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\nMcp-Session-Id: {session}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        while not any(r.model == "tools/call" for r in c.records):
            await asyncio.sleep(0.1)
        assert [r.ending for r in c.records if r.model == "tools/call"] == ["gone"]
        told = (await c.send("ping", session=session))[2]  # with the rest of what the server says
        assert (told[-1] if isinstance(told, list) else told)["result"] == {}
        writer.close()

    on(tmp_path, work, "pours", top={"limits": {"write_s": 0.3}})


def test_the_kill_switch_reaches_sessions(tmp_path) -> None:
    async def work(c):
        session = await c.open()
        asking = asyncio.create_task(c.send("tools/call", {"name": "look"}, session=session))
        while not c.gateway._flying:
            await asyncio.sleep(0.01)
        state = c.gateway.keeper.active.config.state
        levers.pull(state, "stop", "me", "")
        _, _, body = await asking
        assert "stopped" in body["error"]["message"]
        assert (await c.send("ping", session=session))[0] == 503
        levers.release(state, "stop", "me", "")
        assert (await c.send("ping", session=session))[0] == 404
        await c.open()

    on(tmp_path, work, "hang")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"jsonrpc":"2.0","id":1,"method":"ping","x":1}', b"x" * 5_000])
def test_a_body_that_is_no_message(tmp_path, body) -> None:
    async def work(c):
        session = await c.open()
        headers = {"accept": "*/*", "content-type": "application/json", "mcp-session-id": session}
        async with c.http.post(c.base, data=body, headers=headers) as answer:
            assert answer.status == (413 if len(body) > 4_000 else 400)
            assert (await answer.json())["error"]["code"] in (-32700, -32600)

    on(tmp_path, work, max_bytes=4_000)


def test_a_lever_for_a_ring_is_for_its_clients_sessions(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("A_KEY", "a" * 20)
    monkeypatch.setenv("B_KEY", "b" * 20)
    top = {
        "clients": {letter: {"key": f"env:{letter.upper()}_KEY"} for letter in "ab"},
        "rings": {"internal": ["b"]},
        "modes": {"GD-pii": "shadow"},
        "levers": {"strict": {"GD-pii": "enforce"}},
    }

    async def work(c):
        levers.pull(c.gateway.keeper.active.config.state, "strict", "ada", "", ring="internal")
        for letter in "ab":
            key = {"authorization": f"Bearer {letter * 20}"}
            session = await c.open(**key)
            assert (await c.send("tools/list", session=session, **key))[0] == 200

    made = on(tmp_path, work, top=top)
    found = {r.client: (r.levers, bool(r.base)) for r in made.records if r.model == "tools/list" or r.levers}
    assert found["b"] == (("strict",), True)
    assert {r.levers for r in made.records if r.client == "a"} == {()}
