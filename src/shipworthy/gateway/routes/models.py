"""The models that a client may ask for by name."""

from __future__ import annotations

import msgspec
from aiohttp import web

from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.routes import route


@route("GET", "/v1/models")
async def answer(gateway: Gateway, request: web.BaseRequest) -> web.StreamResponse:
    """List the models that the gateway's file names in full; a pattern is no name."""
    active = gateway.keeper.look()
    client = gateway.admit(request, active)
    named = {
        model: name
        for name, spec in active.config.spec.upstreams.items()
        for model in spec.models
        if not set("*?[") & set(model) and client.may_ask(model)
    }
    rows = [{"id": model, "object": "model", "created": 0, "owned_by": named[model]} for model in sorted(named)]
    body = msgspec.json.encode({"object": "list", "data": rows})
    return web.Response(body=body, content_type="application/json", headers=gateway.headers(active))
