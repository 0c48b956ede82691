"""Who might harm the system or its users, on purpose or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.workspace.fields import Entity, Id, Text, Title
from shipworthy.workspace.kind import kind
from shipworthy.workspace.parties import Capability

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(one: Placed[ThreatActor], draft: Draft, graph: Graph) -> None:
    name = one.entity.id
    if graph.sources(graph.node("attacker", name)) or draft.broken("threat"):
        return
    hint = "name it under 'attackers' of a threat, or run `shipworthy threat suggest`"
    draft.warnings.append(one.problem(("id",), f"no threat names the attacker {name!r}", hint))


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
