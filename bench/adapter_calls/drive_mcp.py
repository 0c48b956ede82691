"""Drive the client of a real MCP server in this process: every message goes over its protocol. There is no model."""

from __future__ import annotations

import asyncio
from typing import Any

import mcp
from mcp.server import Server
from mcp.types import CallToolResult, ListToolsResult, TextContent
from mcp.types import Tool as McpTool
from replay import Replayed, ToolBroke

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.mcp import PolicyClient


def server(session: Replayed) -> Server[Any]:
    """Return a server that has the tools of a session."""

    async def list_tools(context: Any, params: Any) -> ListToolsResult:
        tools = [McpTool(name=s.name, description=s.description, input_schema=s.parameters) for s in session.specs]
        return ListToolsResult(tools=tools)

    async def call_tool(context: Any, params: Any) -> CallToolResult:
        await asyncio.sleep(0)
        try:
            text, broke = session.run(params.name, params.arguments or {}), False
        except ToolBroke as error:
            text, broke = str(error), True
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=broke)

    return Server("recorded", on_list_tools=list_tools, on_call_tool=call_tool)


async def drive(session: Replayed, conversation: Conversation | None) -> None:
    """Make the calls of a session."""
    async with mcp.Client(server(session)) as client:
        tools = client if conversation is None else PolicyClient(client, conversation)
        await tools.list_tools()
        for says, steps in session.turns:
            if conversation is not None:
                conversation.hear([says])
            for step in steps:
                await asyncio.gather(*(tools.call_tool(call["tool"], dict(call["args"])) for call in step))
