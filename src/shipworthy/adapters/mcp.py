"""A tool policy in front of an MCP server: stands where the client stood, and calls what the policy lets pass.

    async with mcp.Client(server) as client:
        tools = PolicyClient(client, conversation)
        result = await tools.call_tool("send_mail", {"to": ["ada@example.org"], "body": "Hello"})

A refused call comes back as a tool's error, not as one of the protocol. Whoever uses it says what the user said
(`Conversation.hear`): a session of MCP knows nothing of it. What the server says of its tools is not looked at here;
`McpServer` in `shipworthy.agents` pins that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.mcp_results import worth
from shipworthy.core.errors import CallRefused
from shipworthy.core.extras import require

require("mcp", extra="mcp")

from mcp.types import CallToolResult, TextContent  # noqa: E402


class PolicyClient:
    """A client's session under the policy of one conversation.

    Args:
        client: an `mcp.Client` or `mcp.ClientSession`, connected.
        conversation: one for all servers of the same agent.
        prefix: put before each tool's name in the policy, where two servers have tools of one name.
    """

    def __init__(self, client: Any, conversation: Conversation, *, prefix: str = "") -> None:
        self._client, self._conversation, self._prefix = client, conversation, prefix

    async def list_tools(self, **options: Any) -> Any:
        """Return the server's tools, as the client does."""
        return await self._client.list_tools(**options)

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        read_timeout_seconds: float | None = None,
        progress_callback: Any = None,
        meta: Any = None,
    ) -> Any:
        """Make a call that the policy lets pass.

        Returns:
            What the tool gave; a result with ``is_error`` where the call was refused.
        """
        conversation = self._conversation
        try:
            call = conversation.call(self._prefix + name, arguments)
            allowed = await conversation.allowed_async(call)
            with conversation.running(allowed):
                given = await self._client.call_tool(
                    name,
                    allowed.arguments,
                    read_timeout_seconds=read_timeout_seconds,
                    progress_callback=progress_callback,
                    meta=meta,
                )
            with conversation.guarded(call.id):
                wire = given.model_dump(mode="json", by_alias=True, exclude_none=True)
                value, also = worth(conversation.session.policy, call.name, wire)
            conversation.returned(allowed, value, *also, is_error=bool(given.is_error))
            return given
        except CallRefused as refused:
            return CallToolResult(content=[TextContent(type="text", text=str(refused))], is_error=True)

    async def read_resource(self, uri: str, **options: Any) -> Any:
        """Read a resource, if the policy lets the tool ``resources/read`` with this ``uri`` pass.

        Raises:
            CallRefused: it does not.
        """
        return await self._other(
            "resources/read", {"uri": str(uri)}, lambda a: self._client.read_resource(**a, **options)
        )

    async def get_prompt(self, name: str, arguments: dict[str, str] | None = None, **options: Any) -> Any:
        """Get a prompt, if the policy lets the tool ``prompts/get`` with this ``name`` and ``arguments`` pass.

        Raises:
            CallRefused: it does not.
        """
        wanted = {"name": name, "arguments": arguments or {}}
        return await self._other("prompts/get", wanted, lambda a: self._client.get_prompt(**a, **options))

    async def _other(self, tool: str, arguments: dict[str, Any], run: Callable[[dict[str, Any]], Any]) -> Any:
        conversation = self._conversation
        allowed = await conversation.allowed_async(conversation.call(self._prefix + tool, arguments))
        with conversation.running(allowed):
            given = await run(allowed.arguments)
        conversation.returned(allowed, given)
        return given
