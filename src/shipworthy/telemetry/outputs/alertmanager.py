"""Alertmanager: its API v2, for who does not scrape the metrics. An alert ends when the alarm is closed."""

from __future__ import annotations

from datetime import timedelta

from shipworthy.telemetry.outputs.common import (
    AlarmEvent,
    OutputAddress,
    OutputMessage,
    bearer,
    http,
    severity_word,
    zulu,
)

_DAYS = 30
"""That an alert stands, unless it is closed before."""


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message."""
    alarm = event.alarm
    labels = {
        "alertname": "ShipworthyAlarm", "alarm": alarm.id, "kind": alarm.kind, "stream": alarm.stream,
        "severity": severity_word(alarm), "system": event.system, "feature": alarm.feature,
    }  # fmt: skip
    began = event._replace(closed=None).at
    alert = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": event.title, **{n.replace(" ", "_"): v for n, v in event.numbers.items()}},
        "startsAt": zulu(began),
        "endsAt": zulu(event.at if event.action == "closed" else began + timedelta(days=_DAYS)),
    }
    return http(f"{to.url.rstrip('/')}/api/v2/alerts", [alert], bearer(to.key))
