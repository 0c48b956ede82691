"""Who may do what to the system, and what then may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.workspace.fields import Entity, Id, Ref, TaxonomyRef, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(threat: Placed[Threat], draft: Draft, graph: Graph) -> None:
    if not threat.entity.risks:
        hint = "name what may go wrong under 'risks'"
        draft.warnings.append(threat.problem(("id",), f"the threat {threat.entity.id!r} leads to no risk", hint))


@kind("threat", section="threats", check=_check)
class Threat(Entity):
    """A way to harm the system or its users.

    Attributes:
        attackers: who would do it, and what they are able to do.
        entry_points: where it comes in, such as a page that is indexed.
        assets: what it is after, such as another person's data.
        components: of the system, that it goes through.
        risks: what may go wrong then.
    """

    id: Annotated[str, Id("THR")]
    title: Title
    attackers: tuple[Title, ...] = ()
    entry_points: tuple[Title, ...] = ()
    assets: tuple[Title, ...] = ()
    components: tuple[Annotated[str, Ref("component")], ...] = ()
    risks: tuple[Annotated[str, Ref("risk")], ...] = ()
    refs: tuple[TaxonomyRef, ...] = ()
    text: Text = ""
