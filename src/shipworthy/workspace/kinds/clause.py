"""What a policy of the house asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.workspace.fields import Entity, Id, TaxonomyRef, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(one: Placed[Clause], draft: Draft, graph: Graph) -> None:
    name = one.entity.id
    if graph.sources(graph.node("clause", name), "clauses") or draft.broken("requirement"):
        return
    hint = "name it under 'clauses' of a requirement"
    draft.warnings.append(one.problem(("id",), f"no requirement carries out the clause {name!r}", hint))


@kind("clause", section="clauses", check=_check)
class Clause(Entity):
    """A clause of a policy: what an organisation, a contract or a law asks of the system."""

    id: Annotated[str, Id("POL")]
    title: Title
    source: Text = ""
    refs: tuple[TaxonomyRef, ...] = ()
    text: Text = ""
