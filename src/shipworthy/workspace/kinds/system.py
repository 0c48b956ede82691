"""The system whose release is decided."""

from __future__ import annotations

from typing import Annotated, Literal

from shipworthy.workspace.fields import Entity, Id, Text, Title
from shipworthy.workspace.kind import kind


@kind("component", written="part")
class Component(Entity):
    """A part of the system that data or control flows through."""

    id: Annotated[str, Id("CMP")]
    title: Title
    kind: Literal["model", "prompt", "retriever", "index", "tool", "store", "interface", "other"] = "other"


class AiAct(Entity):
    """How the system stands under Regulation (EU) 2024/1689, as its owner sees it."""

    role: Literal["provider", "deployer", "importer", "distributor"]
    risk_class: Literal["prohibited", "high", "limited", "minimal"]


@kind("system", section="system", written="single")
class System(Entity):
    """What is released: name, owner, purpose, parts."""

    id: Annotated[str, Id("SYS")]
    title: Title
    owner: Title
    tier: Literal["low", "medium", "high"] = "medium"
    purpose: Text = ""
    components: tuple[Component, ...] = ()
    ai_act: AiAct | None = None
