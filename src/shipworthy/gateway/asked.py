"""Who asks: the key of a request, and whether it came by an address of this machine alone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from aiohttp import web

from shipworthy.gateway.listening import loopback


def asked_by_loopback(request: web.BaseRequest) -> bool:
    """Say whether a request names an address by which only this machine can be reached."""
    try:
        return loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or "")
    except ValueError:
        return False


def key_of(request: web.BaseRequest) -> str:
    """Return the key of a request, as OpenAI's clients send it or as Anthropic's do; empty where there is none."""
    written = request.headers.get("authorization", "")
    if found := re.fullmatch(r"Bearer +(\S+)", written, re.IGNORECASE):
        return found[1]
    return request.headers.get("x-api-key", "").strip()
