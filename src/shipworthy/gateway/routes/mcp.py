"""MCP over streamable HTTP: one path for each server of the gateway's file."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.listening import loopback
from shipworthy.gateway.mcp.http import McpRequest
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.gateway.routes import route


@route("POST, GET, DELETE", "/mcp/NAME")
async def answer(gateway: Gateway, request: web.BaseRequest) -> web.StreamResponse:
    """Serve a session."""
    _check_origin(request)
    return await McpRequest(gateway, request, request.path.rpartition("/")[2]).answer()


def _check_origin(request: web.BaseRequest) -> None:
    """Refuse pages of other machines: a browser says where they come from."""
    origin = request.headers.get("origin", "")
    if not origin:
        return
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        host = ""
    if not loopback(host):
        raise HttpRefusal(403, "permission_error", "pages of other machines may not ask here", code="origin")
