"""What a release of a system takes, by how much is at stake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from shipworthy.workspace.fields import Count, Entity, Ref, Severity, Text
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(tier: Placed[Tier], draft: Draft, graph: Graph) -> None:
    said, people = tier.entity, set[str]()
    for index, name in enumerate(said.approvers):
        role = graph.find("role", name)
        if role is None:
            return  # which is reported
        people |= set(role.entity.holders)
        if role.entity.may.approve is None:
            hint = f"say 'may: {{approve: S2}}' of {name}, or take it out"
            draft.problems.append(tier.problem(("approvers", index), f"{name} may not approve anything", hint))
    if said.approvals > len(people):
        message = f"asks for {said.approvals} approvals, and its approvers' roles are held by {len(people)}"
        hint = "list the people under 'holders' of the roles; one person counts once"
        draft.warnings.append(tier.problem(("approvals",), message, hint))


@kind("tier", section="tiers", check=_check)
class Tier(Entity):
    """The gate of one risk tier, beside the criteria: who must approve, how old evidence may be, what may be accepted.

    Attributes:
        id: the tier of `system` that it is for.
        approvals: how many different people must approve.
        approvers: roles that count.
        evidence_days: how old a run may be that a release rests on; left out, any.
        accepts: the worst severity of a risk that may be accepted for a time at all; left out, none.
    """

    id: Literal["low", "medium", "high"]
    approvals: Count = 1
    approvers: tuple[Annotated[str, Ref("role")], ...]
    evidence_days: Count | None = None
    accepts: Severity | None = None
    text: Text = ""
