"""Webhook: the alarm as JSON, signed where there is a key.

The header ``x-shipworthy-signature`` is ``t=<Unix time>,v1=<hex>``: HMAC-SHA-256 under the key of the time, a full stop
and the body. Hold the time against the clock as well, or an old message can be sent again.
"""

from __future__ import annotations

import hmac
import time

import msgspec

from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, http

SIGNATURE = "x-shipworthy-signature"


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message."""
    closed = event.closed._asdict() if event.closed is not None else None
    body = msgspec.json.encode(
        {"event": f"alarm.{event.action}", "system": event.system, "alarm": event.alarm, "closed": closed}
    )
    if not to.key:
        return http(to.url, body)
    now = str(int(time.time()))
    signed = hmac.new(to.key.encode(), f"{now}.".encode() + body, "sha256").hexdigest()
    return http(to.url, body, {SIGNATURE: f"t={now},v1={signed}"})
