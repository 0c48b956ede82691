"""PagerDuty: Events API v2. One incident an alarm, resolved when the alarm is closed; the key is the routing key."""

from __future__ import annotations

from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, http, zulu

URL = "https://events.pagerduty.com/v2/enqueue"
_SEVERITIES = {1: "critical", 2: "error", 3: "warning"}


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message. PagerDuty answers 202."""
    body = {
        "routing_key": to.key,
        "event_action": "trigger" if event.action == "raised" else "resolve",
        "dedup_key": event.alarm.id,
        "payload": {
            "summary": event.title[:1024],
            "source": event.system,
            "severity": _SEVERITIES.get(event.alarm.severity, "info"),
            "timestamp": zulu(event.at),
            "component": event.alarm.feature or event.alarm.stream,
            "group": event.alarm.stream,
            "class": event.alarm.kind,
            "custom_details": event.numbers,
        },
    }
    return http(to.url or URL, body)
