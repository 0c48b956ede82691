"""What a person does with the system."""

from __future__ import annotations

from shipworthy.workspace.fields import Entity, JourneyId, Text, Title


class Journey(Entity):
    """A user's journey. `critical` ones must be covered by a suite for each of their risks."""

    id: JourneyId
    title: Title
    critical: bool = False
    text: Text = ""
