"""The entries of the audit chain about incidents and drills. Standard library only: the verifier reads them, too."""

INCIDENT = "incident.event"
"""The kind of entry that records one thing that happened in an incident."""
DRILLED = "lever.drilled"
"""The kind of entry that records that a lever was tried."""
EXERCISED = "tabletop.held"
"""The kind of entry that records a tabletop exercise."""

INCIDENT_EVENTS = (
    "opened", "began", "aware", "triaged", "contained", "resolved", "closed", "reopened", "rated", "reproduction",
    "snapshot", "pulled", "released", "expired", "tried", "clock", "case", "lead", "told", "draft", "step", "note",
)  # fmt: skip
"""What may happen in an incident; see `core.incident.IncidentEvent`."""

INCIDENT_MARKS = ("began", "aware", "triaged", "contained", "resolved")
"""Events that are times of the timeline, in the order in which they can happen."""
