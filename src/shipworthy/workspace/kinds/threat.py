"""Who may do what to the system, and what then may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.core.errors import did_you_mean
from shipworthy.workspace.catalogue import THREATS, Vector, catalogue
from shipworthy.workspace.fields import Entity, Id, Ref, TaxonomyRef, Text, Title, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(threat: Placed[Threat], draft: Draft, graph: Graph) -> None:
    if not threat.entity.risks:
        hint = "name what may go wrong under 'risks'"
        draft.warnings.append(threat.problem(("id",), f"the threat {threat.entity.id!r} leads to no risk", hint))
    for index, name in enumerate(threat.entity.catalogue):
        if name not in catalogue():
            hint = did_you_mean(name, list(catalogue()))
            message = f"the catalogue {THREATS} has no threat {name!r}"
            draft.problems.append(threat.problem(("catalogue", index), message, hint))


@kind("threat", section="threats", check=_check)
class Threat(Entity):
    """A way to harm the system or its users.

    Attributes:
        vector: how it is done.
        attackers: who would do it: ids, or who they are and what they are able to do.
        entry_points: where it comes in: ids, or in words, such as a page that is indexed.
        assets: what it is after: ids, or in words, such as another person's data.
        components: of the system, that it goes through.
        risks: what may go wrong then.
        catalogue: the threats of `shipworthy threat list` that it covers.
    """

    id: Annotated[str, Id("THR")]
    title: Title
    vector: Vector | None = None
    attackers: tuple[Annotated[Title, Ref("attacker", "ATK-")], ...] = ()
    entry_points: tuple[Annotated[Title, Ref("entry", "EP-")], ...] = ()
    assets: tuple[Annotated[Title, Ref("asset", "AST-")], ...] = ()
    components: tuple[Annotated[str, Ref("component")], ...] = ()
    risks: tuple[Annotated[str, Ref("risk")], ...] = ()
    catalogue: tuple[Word, ...] = ()
    refs: tuple[TaxonomyRef, ...] = ()
    text: Text = ""
