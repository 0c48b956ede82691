"""Who else processes the data."""

from __future__ import annotations

from typing import Annotated

from shipworthy.workspace.fields import Entity, Id, Ref, Text, Title
from shipworthy.workspace.kind import kind
from shipworthy.workspace.unlinked import unlinked

_check = unlinked(
    "subprocessor",
    by="system",
    field="run_by",
    message="the sub-processor {} runs no component",
    hint="name it under 'run_by' of the component that it runs",
)


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
