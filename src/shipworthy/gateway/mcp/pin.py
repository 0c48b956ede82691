"""Read what an MCP server's tools say of themselves, for a person to read, and pin it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shipworthy.core.digests import digest
from shipworthy.core.errors import TargetError, UsageError, did_you_mean
from shipworthy.core.terminal import visible
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import BadRpc, RpcError, RpcId, RpcMessage, RpcRequest, RpcResult
from shipworthy.dialects.mcp import VERSIONS
from shipworthy.gateway.config import Config
from shipworthy.gateway.mcp.child import ChildWire
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.mcp.remote import RemoteWire
from shipworthy.gateway.mcp.tools import all_tools
from shipworthy.gateway.mcp.turn import McpRefusal
from shipworthy.gateway.mcp.wire import ServerWire, WireBroken
from shipworthy.store.files import write_atomic


class ToolToPin(NamedTuple):
    """A tool as its server tells it."""

    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.told["name"])

    @property
    def digest(self) -> str:
        """Of all of it that a model may read."""
        return digest(dict(self.told))

    @property
    def shown(self) -> str:
        """All of it, as a terminal may show it."""
        return f"{visible(json.dumps(self.told, indent=2, ensure_ascii=False))}\n{self.digest}\n"


def read_tools(config: Config, name: str) -> list[ToolToPin]:
    """Return a server's tools as it tells them now.

    Raises:
        UsageError: the file names no such server; TargetError: it cannot be asked.
    """
    if name not in config.mcp:
        hint = did_you_mean(name, list(config.mcp)) if config.mcp else "it names none"
        raise UsageError(f"{config.path} names no MCP server {name!r}: {hint}")
    server = ProxiedServer(name, config.mcp[name])
    try:
        return asyncio.run(_read(server))
    except (WireBroken, McpRefusal) as error:
        raise TargetError(f"the MCP server {name} cannot be asked: {error}") from None
    except TimeoutError:
        raise TargetError(f"the MCP server {name} did not answer in {server.spec.start_s:g} s") from None


def write_pins(config: Config, name: str, tools: Sequence[ToolToPin]) -> str:
    """Write the pins of a server's tools into its file, and say where.

    Raises:
        UsageError: the gateway's file names no file for them.
    """
    file = config.mcp[name].spec.pins
    if not file:
        raise UsageError(f"{config.path}: the MCP server {name} names no file in 'pins'")
    pins = {tool.name: tool.digest for tool in tools}
    if len(pins) != len(tools):
        raise UsageError("the server lists two tools of one name: they cannot be pinned")
    path = config.path.parent / file
    write_atomic(path, json.dumps(pins, indent=2, sort_keys=True).encode() + b"\n")
    return f"{len(pins)} tools are pinned in {path}"


async def _read(server: ProxiedServer) -> list[ToolToPin]:
    wire: ServerWire = ChildWire(server, show_errors=True) if server.spec.command else RemoteWire(server)
    asking = _Asking(wire)
    try:
        async with asyncio.timeout(server.spec.start_s):
            await wire.start(asking.hear)
            about = {"name": "shipworthy", "version": "1"}
            found = await asking.ask(
                "initialize", {"protocolVersion": VERSIONS[-1], "capabilities": {}, "clientInfo": about}
            )
            await wire.opened(str(found.get("protocolVersion", "")))
            await wire.send(rpc.notification("notifications/initialized", {}))
            return [ToolToPin(tool) for tool in await all_tools(lambda params: asking.ask("tools/list", params))]
    finally:
        await wire.close()


class _Asking:
    """Asks one thing after the other, and refuses whatever it is asked."""

    def __init__(self, wire: ServerWire) -> None:
        self._wire, self._number = wire, 0
        self._answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def ask(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self._number += 1
        self._answer = asyncio.get_running_loop().create_future()
        await self._wire.send(rpc.request(self._number, method, params))
        found: Mapping[str, Any] = await self._answer
        return found

    async def hear(self, message: RpcMessage | BadRpc | None, related: RpcId | None) -> None:
        if isinstance(message, RpcRequest):
            await self._wire.send(rpc.error(message.id, rpc.METHOD_NOT_FOUND, "nothing is served here"))
        if self._answer.done():
            return
        if message is None:
            self._answer.set_exception(WireBroken(self._wire.lost or "it ended"))
        elif isinstance(message, RpcResult) and message.id == self._number:
            self._answer.set_result(message.result)
        elif isinstance(message, RpcError | BadRpc) and message.id == self._number:
            self._answer.set_exception(WireBroken("it answered with an error"))
