"""What a gateway served: one record a request, of the same events as an attempt of an evaluation."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shipworthy.core.events import Event, Timing
from shipworthy.core.text import Content, Name

Ending = Literal[
    "answered",
    "blocked",
    "refused",
    "upstream_error",
    "upstream_timeout",
    "filtered",
    "gone",
    "stopped",
    "late",
    "failed",
]
"""How a request ended.

``blocked``: a guard kept back the question or the answer, or the tool policy all calls of one. ``refused``: it was no
request that is served. ``upstream_error``, ``upstream_timeout``, ``filtered``: as `TargetError` and its subclasses.
``gone``: the client left. ``stopped``: the kill switch. ``late``: over the gateway's own limit of time. ``failed``: a
fault of the gateway.
"""


class Served(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One request, as it is appended to the traffic log before its answer ends.

    Attributes:
        id: ``GR-`` and 32 hex digits, drawn at random; the answer carries it.
        route: the path that was asked for, one of ours.
        client: whose key it came with; empty where none is asked for.
        upstream: who was asked last, and answered if anybody did; empty where nobody was.
        model: as the client named it, or what a lever put in its place.
        guards: digest of the pipeline that was in force; `policy` of the tool policy, empty where there was none;
            `levers` those that were pulled for this request.
        base: digest of the pipeline without the levers; empty where none was pulled.
        decision: id of the release decision that the gateway's file names, on the pipeline without levers; empty: none.
        prompt, index: digests that the client declared, on its word; ``unproven`` where it declared none; empty on
            routes that take none.
        streamed: whether the answer went out in pieces.
        status: HTTP status of the answer; 0 where the client left before it had one.
        events: what happened, in order.
        error: what went wrong; no text of the conversation.
    """

    id: Name
    route: Name
    ending: Ending
    client: Name = ""
    upstream: Name = ""
    model: Content = ""
    guards: Name = ""
    policy: Name = ""
    base: Name = ""
    levers: tuple[Name, ...] = ()
    decision: Name = ""
    prompt: Name = ""
    index: Name = ""
    streamed: bool = False
    status: int = 0
    events: tuple[Event, ...] = ()
    error: Content = ""
    timing: Timing = Timing()
