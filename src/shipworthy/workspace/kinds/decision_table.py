"""When an agent may execute a tool: what must hold for it, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from shipworthy.core.errors import did_you_mean
from shipworthy.workspace.fields import Entity, Id, Ref, Text, Title, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph

Permission = Literal["never", "ask", "execute"]
"""What an agent may do with a tool: nothing; call it where a person says yes each time; call it. In this order."""


def _check(table: Placed[DecisionTable], draft: Draft, graph: Graph) -> None:
    policy = draft.single("policy")
    for index, name in enumerate(table.entity.tools):
        if policy is not None and name not in policy.entity.tools:
            hint = did_you_mean(name, list(policy.entity.tools))
            message = f"policy.yaml has no rule for {name!r}: it is refused whatever the table says"
            draft.warnings.append(table.problem(("tools", index), message, hint))


class TableRow(Entity):
    """What must hold, all of it, for a permission.

    Attributes:
        criteria: that the decision passed.
        controls: that are in place; `levers` that were drilled within their days.
        tiers: of the system; any if left out.
        then: the permission.
    """

    criteria: tuple[Annotated[str, Ref("criterion")], ...] = ()
    controls: tuple[Annotated[str, Ref("control")], ...] = ()
    levers: tuple[Annotated[str, Ref("lever")], ...] = ()
    tiers: tuple[Literal["low", "medium", "high"], ...] = ()
    then: Permission
    why: Text = ""


@kind("decision_table", section="decision_tables", check=_check)
class DecisionTable(Entity):
    """When an agent may execute some tools: the first row that holds says it.

    Attributes:
        version: raised by whoever changes it, so that a decision can be spoken of.
        tools: names of rules in policy.yaml.
        otherwise: where no row holds.
    """

    id: Annotated[str, Id("DT")]
    version: Word
    title: Title
    tools: tuple[Word, ...]
    rows: tuple[TableRow, ...]
    otherwise: Permission = "never"
    owner: Text = ""
