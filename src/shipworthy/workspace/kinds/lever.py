"""What stops harm that is under way."""

from __future__ import annotations

from typing import Annotated, Literal

from shipworthy.workspace.fields import Count, Day, Entity, Id, Ref, Text, Title
from shipworthy.workspace.kind import kind


@kind("lever", section="levers")
class Lever(Entity):
    """Something that can be pulled in an incident: a flag, a rollback, a limit. One that was never pulled is a hope.

    Attributes:
        kind: what it is.
        ref: where it is, such as the name of a flag.
        max_minutes: from the order until it works.
        last_drilled: the day on which that was last tried; left out, never.
        every_days: how often it is to be tried.
    """

    id: Annotated[str, Id("LV")]
    title: Title
    kind: Literal["flag", "kill-switch", "rollback", "limit", "process"]
    ref: Text = ""
    max_minutes: Count
    contains: tuple[Annotated[str, Ref("risk")], ...] = ()
    components: tuple[Annotated[str, Ref("component")], ...] = ()
    last_drilled: Day | None = None
    every_days: Count = 90
    owner: Text = ""
