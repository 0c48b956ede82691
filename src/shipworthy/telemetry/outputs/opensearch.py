"""OpenSearch and Elasticsearch: the bulk interface. `index` is where it goes; what is there already stays."""

from __future__ import annotations

import msgspec

from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, bearer, http, zulu

INDEX = "shipworthy-alarms"
_CONFLICT = 409


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message. Its document's id is the alarm's and what happened, so that it is there once."""
    alarm = event.alarm
    action = {"create": {"_index": to.into or INDEX, "_id": f"{alarm.id}:{event.action}"}}
    document = msgspec.to_builtins(alarm) | {
        "@timestamp": zulu(event.at), "action": event.action, "system": event.system, "title": event.title
    }  # fmt: skip
    lines = msgspec.json.encode(action) + b"\n" + msgspec.json.encode(document) + b"\n"
    return http(
        f"{to.url.rstrip('/')}/_bulk", lines, bearer(to.key, "ApiKey"), kind="application/x-ndjson", refused=_refused
    )


def _refused(answer: bytes) -> str:
    """Return what was wrong with an item: a bulk request is answered 200 whatever became of its items."""
    try:
        told = msgspec.json.decode(answer)
        statuses = [one["create"]["status"] for one in told["items"]]
    except (msgspec.DecodeError, KeyError, TypeError):
        return "the answer is no bulk request's"
    bad = [status for status in statuses if status >= 300 and status != _CONFLICT]
    if not statuses:
        return "the answer names no item"
    return f"the item was refused with {bad[0]}" if bad else ""
