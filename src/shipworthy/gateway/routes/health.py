"""Whether the gateway serves, and behind which guards."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from aiohttp import web

from shipworthy.gateway.asked import key_of
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.routes import route


@route("GET", "/health")
async def answer(gateway: Gateway, request: web.BaseRequest) -> web.StreamResponse:
    """Tell everybody the state and the active digest; an operator the rest. 503 while nothing is served."""
    active = gateway.keeper.look()
    state = "failing" if gateway.log.failure else "stopped" if active.stopped else "ok"
    told: dict[str, Any] = {
        "status": state,
        "guards": active.digest,
        "reload": "refused" if gateway.keeper.refused else "current",
    }
    client = active.clients.find(key_of(request))
    if client is not None and client.operates:
        worker = {"id": os.getpid(), "of": active.config.spec.workers, "breakers": active.breakers()}
        told |= {
            **active.describe(),
            "refused": gateway.keeper.refused,
            "log": gateway.log.failure,
            "worker": worker,  # what only this one of them knows
        }
    status = 200 if state == "ok" else 503
    return web.Response(
        status=status, body=msgspec.json.encode(told), content_type="application/json", headers=gateway.headers(active)
    )
