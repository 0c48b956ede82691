"""What may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shipworthy.workspace.fields import NUMBER, Entity, Id, Ref, Severity, TaxonomyRef, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(risk: Placed[Risk], draft: Draft, graph: Graph) -> None:
    name = risk.entity.id
    node = graph.node("risk", name)
    if graph.sources(node, "mitigates") or draft.broken("requirement"):
        return
    if any(n.key.kind == "waiver" for n in graph.sources(node, "risks")):
        return  # somebody accepted it, for a time
    hint = "no requirement names it under 'mitigates'"
    draft.warnings.append(risk.problem(("id",), f"the risk {name!r} is mitigated by nothing", hint))


@kind("risk", section="risks", check=_check)
class Risk(Entity):
    """A risk on journeys: how bad (S1 worst to S4), how likely (1 to 5), who owns it.

    Both are inherent: before anything is done against it. What is left is never written; `shipworthy risks` computes it
    from evidence.
    """

    id: Annotated[str, Id("RK")]
    title: Title
    severity: Severity
    likelihood: Annotated[int, NUMBER, Field(ge=1, le=5)] = 3
    owner: Text = ""
    journeys: tuple[Annotated[str, Ref("journey")], ...] = ()
    components: tuple[Annotated[str, Ref("component")], ...] = ()
    refs: tuple[TaxonomyRef, ...] = ()
    text: Text = ""
