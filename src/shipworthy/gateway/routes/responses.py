"""OpenAI responses, whole and streamed, over whatever upstream."""

from __future__ import annotations

from aiohttp import web

from shipworthy.gateway.dialects import Responses
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.routes import route
from shipworthy.gateway.turn import RequestTurn


@route("POST", "/v1/responses")
async def answer(gateway: Gateway, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a conversation."""
    return await RequestTurn(gateway, request, Responses(), gateway.keeper.look()).answer()
