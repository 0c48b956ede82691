"""The system whose release is decided."""

from __future__ import annotations

from typing import Literal

from shipworthy.workspace.fields import ComponentId, Entity, SystemId, Text, Title


class Component(Entity):
    """A part of the system that data or control flows through."""

    id: ComponentId
    title: Title
    kind: Literal["model", "prompt", "retriever", "index", "tool", "store", "interface", "other"] = "other"


class AiAct(Entity):
    """How the system stands under Regulation (EU) 2024/1689, as its owner sees it."""

    role: Literal["provider", "deployer", "importer", "distributor"]
    risk_class: Literal["prohibited", "high", "limited", "minimal"]


class System(Entity):
    """What is released: name, owner, purpose, parts."""

    id: SystemId
    title: Title
    owner: Title
    tier: Literal["low", "medium", "high"] = "medium"
    purpose: Text = ""
    components: tuple[Component, ...] = ()
    ai_act: AiAct | None = None
