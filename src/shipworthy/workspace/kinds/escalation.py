"""Who leads an incident of a severity, who is told, and how fast each step is to be: the escalation matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import model_validator

from shipworthy.workspace.fields import Count, Entity, Id, Ref, Severity, Text
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(one: Placed[Escalation], draft: Draft, graph: Graph) -> None:
    said = one.entity
    for node in graph.of_kind("escalation").values():
        if node.id < said.id and node.entity.severity == said.severity:
            message = f"{said.id} is for {said.severity}, and so is {node.id} ({node.file.name}:{node.line})"
            draft.problems.append(one.problem(("severity",), message, "one of them for each severity"))
    role = graph.find("role", said.commander)
    if role is not None and not role.entity.holders:
        hint = f"list the people under 'holders' of {said.commander}"
        draft.warnings.append(one.problem(("commander",), f"nobody holds {said.commander}, who is to lead", hint))


@kind("escalation", section="escalations", check=_check)
class Escalation(Entity):
    """What an incident of one severity asks of whom. One for each severity.

    Attributes:
        commander: the role that leads it and decides.
        tell: roles that are told once it is rated.
        triage_minutes, contain_minutes: from when somebody knew of it.
        update_minutes: at most between two words to those who were told, until it is contained.
    """

    id: Annotated[str, Id("ES")]
    severity: Severity
    commander: Annotated[str, Ref("role")]
    tell: tuple[Annotated[str, Ref("role")], ...] = ()
    triage_minutes: Count
    contain_minutes: Count
    update_minutes: Count | None = None
    text: Text = ""

    @model_validator(mode="after")
    def _order(self) -> Escalation:
        if self.contain_minutes < self.triage_minutes:
            raise ValueError("is to be contained before it is triaged")
        return self
