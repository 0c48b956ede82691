"""A question of the research agenda: which risks an answer would reduce, by how much, at what cost, by when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from shipworthy.workspace.fields import NUMBER, Day, Entity, Id, Rate, Ref, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


class Milestone(Entity):
    """Something that is there by a day, or was."""

    by: Day
    what: Title
    done: Day | None = None


def _check(one: Placed[Research], draft: Draft, graph: Graph) -> None:
    said = one.entity
    if said.status in ("running", "planned") and not said.milestones:
        hint = "give it 'milestones: [{by: 2026-12-31, what: ...}]'"
        draft.warnings.append(
            one.problem(("id",), f"{said.id} has no milestone, so nobody sees whether it moves", hint)
        )


@kind("research", section="agenda", check=_check)
class Research(Entity):
    """A question of the agenda.

    Attributes:
        risks: that an answer would reduce.
        reduces: by which share of what is left of each, as somebody expects, in [0, 1].
        cost_days: days of work that it takes.
        memo: id of the memo that it led to (`shipworthy record memo.accepted`).
    """

    id: Annotated[str, Id("RS")]
    title: Title
    question: Text = ""
    risks: Annotated[tuple[Annotated[str, Ref("risk")], ...], Field(min_length=1)]
    reduces: Rate
    cost_days: Annotated[float, NUMBER, Field(gt=0, le=100_000)]
    status: Literal["idea", "planned", "running", "done", "dropped"] = "idea"
    owner: Text = ""
    milestones: tuple[Milestone, ...] = ()
    memo: Text = ""
