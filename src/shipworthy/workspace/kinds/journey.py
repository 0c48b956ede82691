"""What a person does with the system."""

from __future__ import annotations

from typing import Annotated

from shipworthy.workspace.fields import Entity, Id, Text, Title
from shipworthy.workspace.kind import kind


@kind("journey", section="journeys")
class Journey(Entity):
    """A user's journey. `critical` ones must be covered by a suite for each of their risks."""

    id: Annotated[str, Id("UJ")]
    title: Title
    critical: bool = False
    text: Text = ""
