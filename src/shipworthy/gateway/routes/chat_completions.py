"""OpenAI chat completions, whole and streamed."""

from __future__ import annotations

from aiohttp import web

from shipworthy.gateway.dialects import OPENAI
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.routes import route
from shipworthy.gateway.turn import RequestTurn


@route("POST", "/v1/chat/completions")
async def answer(gateway: Gateway, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a conversation."""
    return await RequestTurn(gateway, request, OPENAI, gateway.keeper.look()).answer()
