"""Who might harm the system or its users, on purpose or not."""

from __future__ import annotations

from typing import Annotated

from shipworthy.workspace.fields import Entity, Id, Text, Title
from shipworthy.workspace.kind import kind
from shipworthy.workspace.parties import Capability
from shipworthy.workspace.unlinked import unlinked

_check = unlinked(
    "attacker",
    by="threat",
    message="no threat names the attacker {}",
    hint="name it under 'attackers' of a threat, or run `shipworthy threat suggest`",
)


@kind("attacker", section="attackers", check=_check)
class ThreatActor(Entity):
    """Somebody who may do harm: what they are able to do, and what they want.

    Attributes:
        can: what they are able to do.
    """

    id: Annotated[str, Id("ATK")]
    title: Title
    can: tuple[Capability, ...] = ()
    goal: Title
    text: Text = ""
