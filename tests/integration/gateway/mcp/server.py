"""A server of the mcp package that does everything a server may: over stdio, or over HTTP on the port it is given."""

from __future__ import annotations

import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import CallToolResult, ResourceLink, SamplingMessage, TextContent
from pydantic import BaseModel

MAIL = "ada@example.org"
server = MCPServer("mail", instructions=f"Ask {MAIL} first.")


class Name(BaseModel):
    name: str


@server.tool()
def read_mail(id: str) -> str:
    """Read one mail."""
    return f"Mail {id}: write to {MAIL}"


@server.tool()
def link() -> CallToolResult:
    """Point to a mail."""
    return CallToolResult(content=[ResourceLink(type="resource_link", uri="mail://inbox", name="inbox")])


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError(f"{MAIL} is not there")


@server.tool()
async def everything(ctx: Context) -> str:
    """Ask the client for all that a client may be asked for."""
    await ctx.report_progress(1, 2, f"half of {MAIL}")
    await ctx.info(f"log of {MAIL}")
    said = SamplingMessage(role="user", content=TextContent(type="text", text=f"Who is {MAIL}?"))
    sampled = await ctx.session.create_message(messages=[said], max_tokens=10)
    asked = await ctx.elicit(f"Your name, {MAIL}?", Name)
    roots = await ctx.session.list_roots()
    return f"{sampled.content.text} | {asked.action} {asked.data.name} | {roots.roots[0].uri}"


@server.resource("mail://inbox")
def inbox() -> str:
    """The inbox."""
    return f"from {MAIL}"


@server.resource("mail://by/{sender}")
def by(sender: str) -> str:
    """All mail of somebody."""
    return f"{sender}: {MAIL}"


@server.prompt()
def reply(to: str) -> str:
    """Reply to somebody."""
    return f"Reply to {to}, copy to {MAIL}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")
