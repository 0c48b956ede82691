"""How bad a hit on a sample is."""

from __future__ import annotations

from typing import Literal

Severity = Literal["S1", "S2", "S3", "S4"]
"""S1 is the worst: one hit on a bad event is a no-ship, whatever the rates say."""
