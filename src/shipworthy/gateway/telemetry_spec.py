"""Where telemetry goes: a part of the gateway's file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from shipworthy.gateway.fields import Reference, Seconds
from shipworthy.workspace.fields import NUMBER, Entity
from shipworthy.workspace.scalars import source_text

HeaderName = Annotated[
    str, BeforeValidator(source_text), Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=100)
]


class TelemetrySpec(Entity):
    """An endpoint of OTLP over HTTP.

    Attributes:
        otlp: up to, not including, ``/v1/traces`` and ``/v1/metrics``.
        headers: name -> credential reference; sent to `otlp` and nowhere else.
        service: ``service.name`` of spans and metrics.
        sample: share of the traces that begin here that are sent, in [0, 1].
        propagate: hand the trace on to upstreams, in the header ``traceparent``.
        timeout_s: seconds for sending one batch; `interval_s` between two of metrics.
    """

    otlp: Annotated[str, Field(min_length=1, max_length=2_000)]
    headers: Annotated[dict[HeaderName, Reference], Field(max_length=20)] = Field(default_factory=dict)
    service: Annotated[str, BeforeValidator(source_text), Field(min_length=1, max_length=200)] = "shipworthy-gateway"
    sample: Annotated[float, NUMBER, Field(ge=0, le=1)] = 1.0
    propagate: bool = False
    timeout_s: Seconds = 10.0
    interval_s: Seconds = 30.0
    plain_http: bool = False
    ca_file: str = ""
