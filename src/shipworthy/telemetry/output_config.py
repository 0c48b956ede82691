"""What of serve's file says where alarms go."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shipworthy.core.alarm import AlarmKind
from shipworthy.core.credentials import is_reference
from shipworthy.core.errors import UsageError
from shipworthy.gateway.fields import Name, Reference, Seconds
from shipworthy.net import address
from shipworthy.telemetry.outputs.registry import DATAGRAMS, output_kinds
from shipworthy.workspace.fields import NUMBER, Entity
from shipworthy.workspace.scalars import source_text


def _kind(value: str) -> str:
    if value not in output_kinds():
        raise ValueError(f"must be one of {', '.join(output_kinds())}")
    return value


class OutputSpec(Entity):
    """Where alarms go.

    Attributes:
        id: of the output.
        kind: one of the files in `telemetry.outputs`.
        url: where to; a reference, ``env:NAME`` or ``file:PATH``, where the address itself is a secret, as a chat's is.
            ``udp://host:port`` for dogstatsd, that or ``tcp://host:port`` for syslog.
        key: reference to what it authenticates by.
        index: for opensearch and hec.
        least: alarms of this severity and worse; unrated ones only where it is left out.
        kinds: alarms of these kinds; all if left out.
        closed: whether to tell that one was closed, too.
        ca_file: PEM file of the authority that signed its certificate.
        plain_http: a key, or an address that is a secret, may travel unencrypted to another machine.
        timeout_s: for one try.
        give_up_days: after which an alarm that could not be told is told no more, which is said.
    """

    id: Name
    kind: Annotated[str, BeforeValidator(source_text), AfterValidator(_kind)]
    url: Annotated[str, BeforeValidator(source_text), Field(max_length=2_000)] = ""
    key: Reference | None = None
    index: Annotated[str, BeforeValidator(source_text), Field(pattern=r"^[a-z0-9._-]*$", max_length=200)] = ""
    least: Literal["S1", "S2", "S3", "S4"] | None = None
    kinds: tuple[AlarmKind, ...] = ()
    closed: bool = True
    ca_file: str = ""
    plain_http: bool = False
    timeout_s: Seconds = 10.0
    give_up_days: Annotated[float, NUMBER, Field(gt=0, le=365)] = 7.0

    @model_validator(mode="after")
    def _leads_somewhere(self) -> OutputSpec:
        if self.kind in ("pagerduty", "hec") and self.key is None:
            raise ValueError(f"{self.kind} needs 'key', a reference")
        if not self.url and self.kind != "pagerduty":
            raise ValueError("needs 'url'")
        if self.kind in DATAGRAMS:
            scheme, _, place = self.url.partition("://")
            host, _, port = place.rpartition(":")
            known = ("udp", "tcp") if self.kind == "syslog" else ("udp",)
            if scheme not in known or not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
                raise ValueError("'url' must be udp://host:port" + (" or tcp://host:port" * (self.kind == "syslog")))
        elif self.url and not is_reference(self.url):
            try:
                address.check(self.url, secret=self.key is not None, plain_http=self.plain_http)
            except UsageError as error:
                raise ValueError(f"'url': {error}") from None
        return self
