"""What is worth protecting."""

from __future__ import annotations

from typing import Annotated

from shipworthy.workspace.fields import Entity, Id, Ref, Severity, Text, Title
from shipworthy.workspace.kind import kind
from shipworthy.workspace.unlinked import unlinked

_check = unlinked(
    "asset", by="threat", message="no threat is after the asset {}", hint="name it under 'assets' of a threat"
)


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
