"""What is accepted for a time although it does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import model_validator

from shipworthy.core.severity import worse, worst
from shipworthy.workspace.fields import Day, Entity, Id, Ref, Severity, Title, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph, Node

MOST_DAYS = 90
"""How long a waiver may run; after that somebody looks again."""


def _check(waiver: Placed[Waiver], draft: Draft, graph: Graph) -> None:
    said = waiver.entity
    for field, names in (("requirements", said.requirements), ("risks", said.risks)):
        for index, name in enumerate(names):
            node = graph.find(field[:-1], name)
            if node is not None and worse(found := severity_of(graph, node), than=said.ceiling):
                message = f"{name} is of severity {found}, above the waiver's ceiling {said.ceiling}"
                hint = "raise the ceiling, if whoever accepts it may accept that; or mend it"
                draft.problems.append(waiver.problem((field, index), message, hint))
    role = graph.find("role", said.accepted_by)
    if role is not None:
        _check_right(waiver, role, draft)
    system = draft.single("system")
    tier = None if system is None else graph.find("tier", system.entity.tier)
    if tier is not None and (tier.entity.accepts is None or worse(said.ceiling, than=tier.entity.accepts)):
        most = f"at most {tier.entity.accepts}" if tier.entity.accepts else "nothing"
        message = f"a system of the tier {tier.id} may have {most} accepted, and the ceiling is {said.ceiling}"
        draft.problems.append(waiver.problem(("ceiling",), message, f"see 'accepts' of the tier, line {tier.line}"))


def _check_right(waiver: Placed[Waiver], role: Node, draft: Draft) -> None:
    said, most = waiver.entity, role.entity.may.accept
    if most is None or worse(said.ceiling, than=most):
        right = f"may accept at most {most}" if most else "may accept no risk"
        message = f"{role.id} {right}, and the ceiling of {said.id} is {said.ceiling}"
        hint = f"somebody with the right must accept it; rights are under 'may' in {role.file.name}:{role.line}"
        draft.problems.append(waiver.problem(("accepted_by",), message, hint))
    if role.entity.holders and said.by not in role.entity.holders:
        message = f"{said.by!r} does not hold {role.id}"
        hint = f"it is held by {', '.join(role.entity.holders)}"
        draft.problems.append(waiver.problem(("by",), message, hint))


def severity_of(graph: Graph, node: Node) -> Severity:
    """Return the worst severity that hangs on a risk, or on a requirement: its risks' and its criteria's."""
    if node.key.kind == "risk":
        return node.entity.severity  # type: ignore[no-any-return]
    risks = [risk.entity.severity for risk in graph.targets(node, "mitigates")]
    return worst([*risks, *(criterion.severity for criterion in node.entity.criteria)])


@kind("waiver", section="waivers", check=_check)
class Waiver(Entity):
    """A requirement that need not hold, or a risk that is taken, until a day.

    Attributes:
        requirements, risks: what is accepted; at least one.
        compensating: what is done meanwhile; `controls` names it where it is a control.
        accepted_by: the role that accepts it; `by` the person.
        ceiling: the worst severity that it covers: what turns out to be worse is not accepted by it.
        begins, expires: the first day and the last; at most 90 days.
    """

    id: Annotated[str, Id("WV")]
    requirements: tuple[Annotated[str, Ref("requirement")], ...] = ()
    risks: tuple[Annotated[str, Ref("risk")], ...] = ()
    reason: Title
    compensating: Title
    controls: tuple[Annotated[str, Ref("control")], ...] = ()
    accepted_by: Annotated[str, Ref("role")]
    by: Word
    ceiling: Severity
    begins: Day
    expires: Day

    @model_validator(mode="after")
    def _length(self) -> Waiver:
        if not (self.requirements or self.risks):
            raise ValueError("accepts nothing: name requirements or risks")
        days = (self.expires - self.begins).days
        if days < 0:
            raise ValueError(f"expires on {self.expires}, before it begins on {self.begins}")
        if days > MOST_DAYS:
            raise ValueError(f"runs for {days} days, and may run for {MOST_DAYS}: it is looked at again after that")
        return self
