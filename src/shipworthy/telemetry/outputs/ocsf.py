"""SIEM over HTTP: a Detection Finding (class 2004) of the Open Cybersecurity Schema Framework, version 1.3.0."""

from __future__ import annotations

import shipworthy
from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, bearer, http, milliseconds

VERSION = "1.3.0"
_CLASS = 2004
_SEVERITIES = {1: (5, "Critical"), 2: (4, "High"), 3: (3, "Medium"), 4: (2, "Low")}


def finding(event: AlarmEvent) -> dict[str, object]:
    """Return the finding."""
    alarm, closed = event.alarm, event.action == "closed"
    activity = 3 if closed else 1
    number, word = _SEVERITIES.get(alarm.severity, (0, "Unknown"))
    began = milliseconds(event._replace(closed=None).at)
    return {
        "metadata": {
            "version": VERSION,
            "product": {"name": "shipworthy", "vendor_name": "shipworthy", "version": shipworthy.__version__},
            "uid": f"{alarm.id}:{event.action}",
        },
        "class_uid": _CLASS,
        "class_name": "Detection Finding",
        "category_uid": 2,
        "category_name": "Findings",
        "type_uid": _CLASS * 100 + activity,
        "type_name": f"Detection Finding: {'Close' if closed else 'Create'}",
        "activity_id": activity,
        "activity_name": "Close" if closed else "Create",
        "severity_id": number,
        "severity": word,
        "status_id": 4 if closed else 1,
        "status": "Resolved" if closed else "New",
        "time": milliseconds(event.at),
        "message": event.title,
        "is_alert": alarm.pages,
        "finding_info": {
            "uid": alarm.id,
            "title": f"{alarm.stream}: {alarm.told}",
            "types": [alarm.kind],
            "created_time": began,
            "related_events": [{"uid": span} for span in alarm.spans[:20]],
        },
        "resources": [{"name": event.system, "type": "AI system", "uid": event.system}],
        "unmapped": event.numbers,
    }


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message."""
    return http(to.url, finding(event), bearer(to.key))
