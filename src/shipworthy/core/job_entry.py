"""The entries of the audit chain about jobs of the schedule: one was started, one ended. Standard library only."""

from __future__ import annotations

STARTED = "job.started"
ENDED = "job.ended"
