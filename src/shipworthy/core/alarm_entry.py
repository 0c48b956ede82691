"""Entries of the audit log about alarms, and about who looked at telemetry: their kinds. Standard library only."""

from __future__ import annotations

LOOKED = "alarm.looked"
"""The kind of entry that holds the counts of one look at every stream: what the state of each alarm is made of."""
RAISED = "alarm.raised"
CLOSED = "alarm.closed"
TOLD = "alarm.told"
"""The kind of entry that says that an output was told of an alarm."""
ALARM_KINDS = ("rate", "page", "silence", "evidence", "vendor", "campaign", "canary")

CONTENT_LOOKED = "telemetry.looked"
"""The kind of entry that says who looked at what, and why."""
SUBJECT_DELETED = "telemetry.subject_deleted"
"""The kind of entry that says that the key of a person was destroyed."""
SPANS_DRAWN = "telemetry.drawn"
"""The kind of entry that holds a draw's rule and the digest of what it gave."""
