"""An MCP server as a source of tools: what it says of them is pinned, and one that says something else is shut out.

A description is read by the model like an instruction, and a server may change it at any time. So every tool is hashed
(name, title, description, schemas, annotations) and compared with what was pinned when somebody had read it: at the
start, and before every call. Anything else than what was pinned, a tool more or less included, ends the work with this
server: no call is made, and whoever uses it gets an error and no answer that could be scored.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shipworthy.agents.bounds import DEFAULT, Bounds, TooMuch, as_text
from shipworthy.agents.sandbox import Sandbox, SandboxBounds, command
from shipworthy.core.digests import digest
from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.extras import require
from shipworthy.core.records import ToolCall, ToolResult, ToolSpec
from shipworthy.dialects.mcp_pins import MOST_PAGES, drift, pinned_part


class ToolDrift(TargetError):
    """A server's tools are not the pinned ones; the message names which."""


class McpServer:
    """One server, over HTTP or as a process of ours that speaks on its standard streams.

    Args:
        url: of a server over HTTP; or `program`, the command line of one that is started here.
        pins: name -> ``sha256:…`` of every tool, as `pinned` reads them; None shuts every tool out.
        sandbox: what a started program is held by. None runs it with all that this process may, and `describe` says so.
        headers: sent with every request over HTTP, such as a key; no part of what is described.
        bounds: of each call.

    Attributes:
        specs: the tools, once it is open.
        lost: why no call is made any more; empty while all is well.
    """

    def __init__(
        self,
        *,
        url: str = "",
        program: Sequence[str] = (),
        pins: Mapping[str, str] | None = None,
        sandbox: Sandbox | None = None,
        headers: Mapping[str, str] | None = None,
        bounds: Bounds = DEFAULT,
    ) -> None:
        if bool(url) == bool(program):
            raise UsageError("an MCP server has a url or a program, and not both")
        self._url, self._program, self._sandbox = url, tuple(program), sandbox
        self._pins, self._headers, self._bounds = pins, dict(headers or {}), bounds
        self._asked: asyncio.Queue[tuple[Callable[[Any], Any], asyncio.Future[Any]] | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.specs: tuple[ToolSpec, ...] = ()
        self.lost = ""

    def describe(self) -> Mapping[str, Any]:
        """Name everything that changes what its tools are: where it is, the pins, the sandbox that is active."""
        held = "" if self._url else self._sandbox.layer if self._sandbox is not None else "none"
        return {
            "mcp": self._url or list(self._program),
            "pins": digest(dict(self._pins)) if self._pins is not None else "",
            "sandbox": held,
        }

    async def open(self) -> None:
        """Connect, and hold the tools against the pins.

        Raises:
            MissingExtra: the extra `mcp` is not installed.
            ToolDrift: the tools are not the pinned ones.
            TargetError: the server cannot be reached.
        """
        async with self._turn:  # whoever comes meanwhile must not go on without the tools
            if self._task is not None:
                if self.lost:
                    raise ToolDrift(self.lost)
                return
            mcp = require("mcp", extra="mcp")
            ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._task = asyncio.ensure_future(self._serve(mcp, ready))
            await ready
            self.specs = tuple(_spec(tool) for tool in await self._checked())

    async def tools(self) -> Mapping[str, str]:
        """Return name -> ``sha256:…`` of every tool as the server tells them now: what is pinned once it was read."""
        return {tool["name"]: digest(tool) for tool in await self._told()}

    async def run(self, call: ToolCall) -> ToolResult:
        """Carry out a call.

        Texts and ``structuredContent`` are both in the result, so guards see all that the model could be shown.

        Raises:
            ToolDrift: the tools changed; this and every later call is refused.
            TargetError: the server broke off.
        """
        async with self._turn:
            if self.lost:
                raise ToolDrift(self.lost)
            await self._checked()
            try:
                async with asyncio.timeout(self._bounds.seconds):
                    given = await self._do(lambda client: client.call_tool(call.name, dict(call.arguments)))
            except TimeoutError:
                raise self._lose(f"the tool {call.name} did not answer in {self._bounds.seconds:g} s") from None
        try:
            return ToolResult(call.id, call.name, _text(given, self._bounds), is_error=bool(given.is_error))
        except TooMuch as problem:
            return ToolResult(call.id, call.name, f"The tool's answer was not passed on: {problem}.", is_error=True)

    async def close(self) -> None:
        """Let go of the server; a started one ends."""
        task, self._task = self._task, None
        if task is not None:
            await self._asked.put(None)
            with suppress(Exception, asyncio.CancelledError):
                await asyncio.wait_for(task, 10)

    # ---- inside ----------------------------------------------------------------------------------------------------

    async def _serve(self, mcp: Any, ready: asyncio.Future[None]) -> None:
        """Hold the connection: the library wants it opened, used and closed in one task."""
        folder = TemporaryDirectory(prefix="shipworthy-mcp-")
        failed: BaseException | None = None
        try:
            with folder as place:
                async with mcp.Client(self._transport(mcp, place), cache=None, read_timeout_seconds=None) as client:
                    ready.set_result(None)
                    while (asked := await self._asked.get()) is not None:
                        work, future = asked
                        await _settle(work, client, future)
        except BaseException as error:
            failed = error
        finally:
            said = TargetError(f"the MCP server cannot be used: {_deepest(failed)}" if failed else "it was closed")
            if not ready.done():
                ready.set_exception(said)
            self.lost = self.lost or str(said)
            while not self._asked.empty():
                asked = self._asked.get_nowait()
                if asked is not None and not asked[1].done():
                    asked[1].set_exception(said)

    def _transport(self, mcp: Any, place: str) -> Any:
        if self._url:
            if not self._headers:
                return self._url
            http = require("mcp.client.streamable_http", extra="mcp")
            client = http.create_mcp_http_client(headers=self._headers)
            return http.streamable_http_client(self._url, http_client=client)
        line = list(self._program)
        if self._sandbox is not None:
            bounds = SandboxBounds(cpu_seconds=3600, memory_mb=4096)
            line = command(self._sandbox.layer, place, line, bounds, self._sandbox.readable)
        return mcp.StdioServerParameters(command=line[0], args=line[1:], cwd=place)

    async def _do(self, work: Callable[[Any], Any]) -> Any:
        if self._task is None or self._task.done():
            raise TargetError(self.lost or "the MCP server is not open")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await self._asked.put((work, future))
        await asyncio.wait({future, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            raise TargetError(self.lost or "the MCP server broke off")
        return future.result()

    async def _told(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._do(partial(_list, cursor))
            found += [pinned_part(t.model_dump(mode="json", by_alias=True, exclude_none=True)) for t in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return found
        raise self._lose(f"the server lists tools on more than {MOST_PAGES} pages")

    async def _checked(self) -> list[dict[str, Any]]:
        """Return the tools if they are the pinned ones.

        Raises:
            ToolDrift: they are not.
        """
        try:
            async with asyncio.timeout(self._bounds.seconds):
                told = await self._told()
        except TimeoutError:
            raise self._lose(f"the server did not list its tools in {self._bounds.seconds:g} s") from None
        names = [tool["name"] for tool in told]
        found = {tool["name"]: digest(tool) for tool in told}
        if wrong := drift(self._pins, found, names):
            raise self._lose(wrong)
        return told

    def _lose(self, why: str) -> ToolDrift:
        self.lost = why
        return ToolDrift(why)


async def pinned(server: McpServer) -> Mapping[str, str]:
    """Return what a server's tools are now, for somebody to read and pin; the server is closed afterwards."""
    try:
        try:
            await server.open()
        except ToolDrift:
            server.lost = ""
        return await server.tools()
    finally:
        await server.close()


async def _list(cursor: str | None, client: Any) -> Any:
    return await client.list_tools(cursor=cursor)


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    return ToolSpec(tool["name"], tool.get("description", ""), dict(tool.get("inputSchema", {})))


def _text(given: Any, bounds: Bounds) -> str:
    """Return all of a result: the texts, what is no text by its kind, and the structured content."""
    parts = [str(getattr(part, "text", None) or f"[{getattr(part, 'type', 'something')}]") for part in given.content]
    structured = given.structured_content
    if structured is not None:
        written = as_text(structured, bounds) if not isinstance(structured, str) else structured
        if not any(_same(part, structured) for part in parts):
            parts.append(written)
    return as_text("\n".join(parts), bounds)


def _same(text: str, value: Any) -> bool:
    try:
        return bool(json.loads(text) == value)
    except (ValueError, RecursionError):
        return False


async def _settle(work: Callable[[Any], Any], client: Any, future: asyncio.Future[Any]) -> None:
    try:
        result = await work(client)
    except Exception as error:
        if not future.done():
            future.set_exception(TargetError(f"the MCP server answered with an error: {_deepest(error)}"))
    else:
        if not future.done():
            future.set_result(result)


def _deepest(error: BaseException | None) -> str:
    """Return the first plain error of a group: the library wraps what happens in its tasks."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]


def python_module(name: str) -> list[str]:
    """Return the command line of a server that is a Python module, found where this process would find it."""
    found = [path for path in sys.path if path]
    code = f"import runpy, sys; sys.path[:] = {found!r}; runpy.run_module({name!r}, run_name='__main__')"
    return [sys.executable, "-c", code]


def module_folders() -> list[Path]:
    """Return the folders that such a server may read: those that this process imports from."""
    return [Path(path) for path in sys.path if path and Path(path).exists()]
