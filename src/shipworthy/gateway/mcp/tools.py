"""The tools of one session, held against their pins: before the first call, and whenever they may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shipworthy.core.digests import digest
from shipworthy.dialects.mcp import CLIENT_ASKS
from shipworthy.dialects.mcp_pins import MOST_PAGES, drift, pinned_part
from shipworthy.dialects.mcp_shapes import BadShape
from shipworthy.gateway.mcp.turn import UPSTREAM, McpRefusal

ListPage = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Asks the server for one page of its tools."""


class DriftedTools(Exception):
    """The server's tools are not the pinned ones. The message names which, in the server's own words."""


class PinnedTools:
    """The tools of one server in one session.

    Args:
        pins: name -> digest; None shuts every tool out.
        page: asks for a page of the list.
    """

    def __init__(self, pins: Mapping[str, str] | None, page: ListPage) -> None:
        self._pins, self._page = pins, page
        self._turn = asyncio.Lock()
        self._current = False

    def changed(self) -> None:
        """Take in that the list may be another one."""
        self._current = False

    def has(self, name: str) -> bool:
        """Say whether a tool was pinned."""
        return self._pins is not None and name in self._pins

    async def check(self) -> None:
        """Hold the server's list against the pins, unless that was done since it may have changed.

        Raises:
            DriftedTools: it differs; McpRefusal: there are no pins, or the list cannot be read.
        """
        async with self._turn:
            if not self._current:
                await self._list()

    async def listed(self) -> list[dict[str, Any]]:
        """Return the server's tools as they are now, all of them; errors as for `check`."""
        async with self._turn:
            return await self._list()

    async def _list(self) -> list[dict[str, Any]]:
        if self._pins is None:
            raise McpRefusal(UPSTREAM, "the tools of this server were never pinned: an operator must read and pin them")
        self._current = True  # set before asking: a change that is told meanwhile counts
        try:
            tools = await all_tools(self._page)
        except BaseException:
            self._current = False
            raise
        names = [tool["name"] for tool in tools]
        if wrong := drift(self._pins, {tool["name"]: digest(tool) for tool in tools}, names):
            self._current = False
            raise DriftedTools(wrong)
        return tools


async def all_tools(page: ListPage) -> list[dict[str, Any]]:
    """Return all tools of a server, each as it is pinned.

    Raises:
        McpRefusal: they cannot be read.
    """
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        raw = await page({"cursor": cursor} if cursor is not None else {})
        try:
            read = CLIENT_ASKS["tools/list"].result.made(raw, lambda holds, was: was, "the list of tools")
        except BadShape:
            said = "the server's list of tools has a field that is not known here, or is of the wrong kind"
            raise McpRefusal(UPSTREAM, said, "upstream_error") from None
        found += [pinned_part(tool) for tool in read["tools"]]
        cursor = read.get("nextCursor")
        if cursor is None:
            return found
    raise McpRefusal(UPSTREAM, f"the server lists its tools on more than {MOST_PAGES} pages", "upstream_error")
