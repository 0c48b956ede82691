"""Within which the parts of the system trust one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.workspace.fields import Entity, Id, Ref, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(one: Placed[Boundary], draft: Draft, graph: Graph) -> None:
    here = graph.node("boundary", one.entity.id)
    for index, name in enumerate(one.entity.components):
        part = graph.find("component", name)
        others = [] if part is None else [n.id for n in graph.sources(part, "components") if n.kind is here.kind]
        if others and others[0] != here.id:
            hint = "let the inner boundary list it, and say 'inside' of that boundary"
            message = f"{name} stands inside {others[0]} already, and in one boundary only"
            draft.problems.append(one.problem(("components", index), message, hint))
    seen, around = {here.id}, one.entity.inside
    while around is not None and (node := graph.find("boundary", around)) is not None:
        if around in seen:
            draft.problems.append(one.problem(("inside",), f"{here.id} stands inside itself"))
            break
        seen.add(around)
        around = node.entity.inside


@kind("boundary", section="trust_boundaries", check=_check)
class Boundary(Entity):
    """A line that data crosses from one party's hands into another's.

    Attributes:
        components: the parts within it, each in one boundary.
        inside: the boundary around it.
    """

    id: Annotated[str, Id("TB")]
    title: Title
    components: tuple[Annotated[str, Ref("component")], ...] = ()
    inside: Annotated[str, Ref("boundary")] | None = None
    text: Text = ""
