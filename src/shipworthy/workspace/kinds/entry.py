"""Where something comes in from outside."""

from __future__ import annotations

from typing import Annotated

from shipworthy.workspace.fields import Entity, Id, Ref, Text, Title
from shipworthy.workspace.kind import kind
from shipworthy.workspace.parties import Party


@kind("entry", section="entry_points")
class EntryPoint(Entity):
    """A way into the system.

    Attributes:
        component: the part that it leads to.
        open_to: who can use it.
    """

    id: Annotated[str, Id("EP")]
    title: Title
    component: Annotated[str, Ref("component")]
    open_to: tuple[Party, ...] = ()
    text: Text = ""
