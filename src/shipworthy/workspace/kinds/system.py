"""The system whose release is decided."""

from __future__ import annotations

from typing import Annotated, Literal

from shipworthy.workspace.fields import Day, Entity, Id, Ref, Sha256, Text, Title
from shipworthy.workspace.kind import kind
from shipworthy.workspace.parties import Party
from shipworthy.workspace.policies import Effect

ComponentKind = Literal[
    "model", "prompt", "retriever", "index", "tool", "skill", "mcp-server", "code-runner", "agent", "memory", "cache",
    "store", "dataset", "service", "interface", "other",
]  # fmt: skip
"""What a part is: a `retriever` searches, an `index` is searched; a `skill` is instructions that a model loads; an
`interface` is what people see."""


class PartRecord(Entity):
    """What was found out about a part of others, such as a vendor's model, before it was taken, and how long it holds.

    Attributes:
        version: as its maker names it; `license` as SPDX has it, or in words; `source` where it was had from.
        digest: ``sha256:…`` of its file or folder, as `shipworthy model scan` prints it; empty for a service.
        updates: how its maker changes it: never under this version, with notice, or without.
        trained_on, limits: what its maker says of its data and limits; empty where nothing is said.
        findings: what the assessment found, and what is done about it.
        by, on, until: who assessed it, the day, and the day after which it must be assessed again.
    """

    version: Text = ""
    license: Text = ""
    source: Text = ""
    digest: Sha256 = ""
    updates: Literal["never", "announced", "unannounced", "unknown"] = "unknown"
    trained_on: Text = ""
    limits: Text = ""
    findings: Text = ""
    by: Title
    on: Day
    until: Day


@kind("component", written="part")
class Component(Entity):
    """A part of the system that data or control flows through. What is left out is not known, and so taken as open.

    Attributes:
        writers: who can change what it holds, or what it says to the model.
        effect: of a tool, the farthest that a call reaches.
        holds: what data it keeps or passes on.
        run_by: the sub-processor that runs it; left out, the owner does.
        sends_to: parts that it gives data to.
        pinned: whether its version is fixed, so that another one cannot come in unseen.
        record: what was found out about it before it was taken.
    """

    id: Annotated[str, Id("CMP")]
    title: Title
    kind: ComponentKind = "other"
    writers: tuple[Party, ...] | None = None
    effect: Effect | None = None
    holds: tuple[Annotated[str, Ref("data")], ...] | None = None
    run_by: Annotated[str, Ref("subprocessor")] | None = None
    sends_to: tuple[Annotated[str, Ref("component")], ...] = ()
    pinned: bool | None = None
    record: PartRecord | None = None
    text: Text = ""


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
