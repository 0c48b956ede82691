"""What may go wrong."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shipworthy.workspace.fields import ComponentId, Entity, JourneyId, RiskId, Severity, Text, Title


class Risk(Entity):
    """A risk on journeys: how bad (S1 worst to S4), how likely (1 to 5), who owns it."""

    id: RiskId
    title: Title
    severity: Severity
    likelihood: Annotated[int, Field(ge=1, le=5)] = 3
    owner: Text = ""
    journeys: tuple[JourneyId, ...] = ()
    components: tuple[ComponentId, ...] = ()
    refs: tuple[Text, ...] = ()
    text: Text = ""
