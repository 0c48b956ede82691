"""What stops harm that is under way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from shipworthy.workspace.fields import Count, Day, Entity, Id, Ref, Text, Title, Word
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
        gateway: the gateway's file, relative to the workspace, where the lever `pull` of it is what is pulled.
        run, undo: command and arguments that pull it and let go of it; without a shell, and only with
            ``--allow-code``. A lever with neither a gateway nor a command is pulled by hand.
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
    gateway: Word | None = None
    pull: Word | None = None
    run: tuple[Word, ...] = ()
    undo: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Lever:
        if (self.gateway is None) != (self.pull is None):
            raise ValueError("names a gateway's file and what to pull in it, or neither: 'gateway' and 'pull'")
        if self.gateway is not None and self.run:
            raise ValueError("is pulled in a gateway or by a command, not both")
        if self.undo and not self.run:
            raise ValueError("has an 'undo' and no 'run'")
        return self
