"""Splunk: the HTTP Event Collector. The key is its token; `index` the index, that of the token if left out."""

from __future__ import annotations

import msgspec

from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, bearer, http


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message."""
    body = {
        "time": event.at.timestamp(),
        "source": "shipworthy",
        "sourcetype": "shipworthy:alarm",
        "host": event.system,
        "event": {"action": event.action, "title": event.title, "alarm": event.alarm},
    }
    if to.into:
        body["index"] = to.into
    url = f"{to.url.rstrip('/')}/services/collector/event"
    return http(url, body, bearer(to.key, "Splunk"), refused=_refused)


def _refused(answer: bytes) -> str:
    try:
        code = msgspec.json.decode(answer)["code"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return "the answer is no collector's"
    return "" if code == 0 else f"the collector answered code {code}"
