"""What is worth protecting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.workspace.fields import Entity, Id, Ref, Severity, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(one: Placed[Asset], draft: Draft, graph: Graph) -> None:
    name = one.entity.id
    if graph.sources(graph.node("asset", name)) or draft.broken("threat"):
        return
    hint = "name it under 'assets' of a threat"
    draft.warnings.append(one.problem(("id",), f"no threat is after the asset {name!r}", hint))


@kind("asset", section="assets", check=_check)
class Asset(Entity):
    """Something of value: people's data, money, a reputation, somebody's safety.

    Attributes:
        components: where it lies.
        data: the categories that it is made of.
        severity: of its loss.
    """

    id: Annotated[str, Id("AST")]
    title: Title
    components: tuple[Annotated[str, Ref("component")], ...] = ()
    data: tuple[Annotated[str, Ref("data")], ...] = ()
    severity: Severity | None = None
    text: Text = ""
