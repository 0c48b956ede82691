"""Who else processes the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.workspace.fields import Entity, Id, Ref, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(one: Placed[Subprocessor], draft: Draft, graph: Graph) -> None:
    name = one.entity.id
    if graph.sources(graph.node("subprocessor", name), "run_by") or draft.broken("system"):
        return
    hint = "name it under 'run_by' of the component that it runs"
    draft.warnings.append(one.problem(("id",), f"the sub-processor {name!r} runs no component", hint))


@kind("subprocessor", section="subprocessors", check=_check)
class Subprocessor(Entity):
    """A company that runs a part of the system.

    Attributes:
        place: where it processes, such as ``EU`` or a country.
        data: the categories that reach it.
        trains_on_it: whether it may train on what it is sent.
    """

    id: Annotated[str, Id("SUB")]
    title: Title
    place: Text = ""
    data: tuple[Annotated[str, Ref("data")], ...] = ()
    trains_on_it: bool | None = None
    text: Text = ""
