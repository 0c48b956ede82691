"""A real session of a real gateway, between a server and a client of which a test says every byte."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import yaml

from shipworthy.core.digests import digest
from shipworthy.core.grants import Grants
from shipworthy.core.records import Finding
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import RpcLines
from shipworthy.dialects.mcp_pins import pinned_part
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import STAGES, Rule
from shipworthy.gateway.config import read_config
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.mcp.child import hear_lines
from shipworthy.gateway.mcp.session import McpSession
from shipworthy.store.traffic import read

MARK = "märk@leak.example.org"
TOOL = {"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}
ABOUT = {"name": "test", "version": "1"}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"sampling": {}, "elicitation": {}, "roots": {"listChanged": True}},
    "clientInfo": ABOUT,
}
RESULTS: dict[str, Any] = {
    "initialize": {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {"listChanged": True}, "resources": {}, "prompts": {}, "logging": {}},
        "serverInfo": ABOUT,
    },
    "tools/list": {"tools": [TOOL]},
    "tools/call": {"content": [{"type": "text", "text": "done"}]},
    "resources/list": {"resources": []},
    "resources/templates/list": {"resourceTemplates": []},
    "resources/read": {"contents": []},
    "prompts/list": {"prompts": []},
    "prompts/get": {"messages": []},
    "completion/complete": {"completion": {"values": []}},
    "roots/list": {"roots": []},
    "sampling/createMessage": {"role": "assistant", "content": {"type": "text", "text": "yes"}, "model": "m"},
    "elicitation/create": {"action": "decline"},
}
PARAMS: dict[str, Any] = {
    "initialize": INITIALIZE,
    "tools/call": {"name": "look", "arguments": {}},
    "resources/read": {"uri": "a://b"},
    "resources/subscribe": {"uri": "a://b"},
    "resources/unsubscribe": {"uri": "a://b"},
    "prompts/get": {"name": "p"},
    "completion/complete": {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "b"}},
    "logging/setLevel": {"level": "info"},
    "sampling/createMessage": {"messages": [], "maxTokens": 5},
    "elicitation/create": {"message": "Name?", "requestedSchema": {"type": "object", "properties": {}}},
}


class MarkGuard:
    """Finds the mark, at every stage; or fails."""

    stages = frozenset(STAGES)
    reach = None

    def __init__(self, action: str) -> None:
        self._action = action

    def describe(self):
        return {"guard": "mark", "version": self._action}

    async def check(self, part, ctx):
        if self._action == "fail":
            raise RuntimeError("the analyser is down")
        at = part.text.find(MARK)
        found = []
        while at >= 0:
            found.append(Finding(at, at + len(MARK), "mark", self._action))
            at = part.text.find(MARK, at + 1)
        return found


class ScriptedServer:
    """A server that answers as it is told, its bytes cut as it is told."""

    def __init__(self) -> None:
        self.lost = ""
        self.results: dict[str, Any] = {}
        self.sent: list[bytes] = []
        self.answers: asyncio.Queue[Any] = asyncio.Queue()
        self.cut, self.ascii, self.silent = 1 << 20, False, set()
        self.closed = False
        self._lines, self._tasks = RpcLines(1 << 20), set()

    async def start(self, hear) -> None:
        self.hear = hear

    async def opened(self, version) -> None: ...

    async def close(self, *, at_once=False) -> None:
        self.closed = True

    async def send(self, message) -> None:
        self.sent.append(rpc.write(message))
        if "method" not in message:
            self.answers.put_nowait(message)
        elif "id" in message and message["method"] not in self.silent:
            task = asyncio.create_task(self._reply(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _reply(self, message) -> None:
        given = self.results.get(message["method"], RESULTS.get(message["method"], {}))
        if isinstance(given, dict) and "code" in given:
            await self.say(rpc.error(message["id"], given["code"], given["message"], given.get("data")))
        else:
            await self.say(rpc.result(message["id"], given))

    async def say(self, message: Any) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=self.ascii).encode()
        data += b"\n"
        for at in range(0, len(data), self.cut):
            await hear_lines(self._lines, data[at : at + self.cut], self.hear)


class ScriptedClient:
    """A client that answers what it is asked, and keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.results: dict[str, Any] = {}
        self.session: McpSession | None = None
        self.silent: set[str] = set()
        self._tasks = set()

    async def send(self, message, related) -> bool:
        self.sent.append(rpc.write(message))
        if "id" in message and message["method"] not in self.silent:
            given = self.results.get(message["method"], RESULTS.get(message["method"], {}))
            made = rpc.result(message["id"], given)
            if "code" in given:
                made = rpc.error(message["id"], given["code"], given["message"], given.get("data"))
            task = asyncio.create_task(self.session.said(rpc.read(rpc.write(made))))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True


class Rig:
    """The session, and both ends of it."""

    def __init__(self, gateway: Gateway, told: list[str]) -> None:
        self.gateway, self.told = gateway, told
        self.fresh()

    def fresh(self, pins: Any = None) -> None:
        """Begin with a new session."""
        server = self.gateway.keeper.active.mcp["it"]
        found = {TOOL["name"]: digest(pinned_part(TOOL))} if pins is None else pins
        server.read = server.read._replace(pins=found)
        self.server, self.client = ScriptedServer(), ScriptedClient()
        self.session = McpSession(self.gateway, server, self.server, self.client, user="", route="test")
        self.client.session = self.session
        self.gateway.sessions._open = {self.session.id: (self.session, None)}
        self._numbers = 0

    async def open(self, **capabilities: Any) -> None:
        """Open the session. A guard that fails would let nobody in: it looks from then on."""
        with self.unguarded():
            await self._open(capabilities)

    @contextmanager
    def unguarded(self):
        """Have no guard look while the block runs."""
        active = self.gateway.keeper.active
        guarded, active.pipeline = active.pipeline, Pipeline([], "No.")
        yield
        active.pipeline = guarded

    async def _open(self, capabilities: Any) -> None:
        await self.ask("initialize", {**INITIALIZE, "capabilities": {**INITIALIZE["capabilities"], **capabilities}})
        await self.session.said(rpc.read(rpc.write(rpc.notification("notifications/initialized", {}))))

    async def ask(self, method: str, params: Any = None, id: Any = None) -> Any:
        """Ask as the client, and return the answer."""
        self._numbers += 1
        given = PARAMS.get(method, {}) if params is None else params
        message = rpc.request(id if id is not None else self._numbers, method, given)
        return await self.session.asked(rpc.read(rpc.write(message)))

    async def asks(self, method: str, params: Any = None) -> Any:
        """Ask as the server, and return the answer."""
        self._numbers += 1
        given = PARAMS.get(method, {}) if params is None else params
        await self.server.say(rpc.request(f"s{self._numbers}", method, given))
        return await asyncio.wait_for(self.server.answers.get(), 10)

    @property
    def records(self) -> list[Any]:
        return [line.served for line in read(self.gateway.log._directory)]


@asynccontextmanager
async def rigged(folder: Path, guard: str = "", *, top: Any = None, **spec: Any):
    """Open a gateway with one server, and one guard that does with a mark what `guard` says, or blocks it in shadow."""
    (folder / "guards.yaml").write_text(yaml.safe_dump({"block_message": "No.", "rules": []}))
    written = {"url": "http://127.0.0.1:9/mcp", **spec}
    (folder / "gateway.yaml").write_text(
        yaml.safe_dump({"guards": "guards.yaml", "mcp": {"it": written}, **(top or {})})
    )
    told: list[str] = []
    gateway = Gateway(read_config(folder / "gateway.yaml", Grants()), told.append)
    if guard:
        shadow = guard == "shadow"
        rules = [Rule("GD-mark", MarkGuard("block" if shadow else guard), shadow=shadow)]
        gateway.keeper.active.pipeline = Pipeline(rules, "No.")
    try:
        yield Rig(gateway, told)
    finally:
        await gateway.close()
