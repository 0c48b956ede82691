"""What the whole gateway did, for Prometheus."""

from __future__ import annotations

from aiohttp import web

from shipworthy.gateway.exposition import CONTENT_TYPE
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.gateway.routes import route


@route("GET", "/metrics")
async def metrics(gateway: Gateway, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a scrape with the counts of all workers; an operator's, where keys are asked for."""
    active = gateway.keeper.look()
    if not gateway.admit(request, active).operates:
        raise HttpRefusal(403, "permission_error", "metrics are for a key with the role 'operator'", code="role")
    page = gateway.meter.page(active, gateway.flying_now)
    headers = {**gateway.headers(active), "content-type": CONTENT_TYPE}
    return web.Response(body=page.encode(), headers=headers)
