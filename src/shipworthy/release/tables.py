"""Decision tables: what an agent may do with a tool after a decision, held against what the policy lets it do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple, get_args

from shipworthy.core.records import Decision
from shipworthy.store.incidents import drilled_days
from shipworthy.store.layout import Layout
from shipworthy.workspace.dated import last_drilled
from shipworthy.workspace.kinds.decision_table import DecisionTable, Permission, TableRow
from shipworthy.workspace.load import Workspace

_ORDER = get_args(Permission)


class TableAnswer(NamedTuple):
    """What a table says of one tool.

    Attributes:
        says: of the table, by the row `row` (1-based; 0 where none holds), and what was missing for the rows before.
        policy: what policy.yaml lets the agent do: ``execute`` where nothing asks or refuses, so also without one.
        place: ``file:line`` of the table.
    """

    table: str
    version: str
    tool: str
    says: Permission
    row: int
    missing: str
    policy: Permission
    place: str

    @property
    def exceeds(self) -> bool:
        """Whether the policy lets the agent do more than the table."""
        return _ORDER.index(self.policy) > _ORDER.index(self.says)

    @property
    def words(self) -> str:
        """What is so, in a sentence."""
        by = f"row {self.row}" if self.row else "no row holds"
        more = f"; {self.missing}" if self.missing else ""
        return (
            f"{self.table} version {self.version} says {self.says} ({by}{more}), and policy.yaml lets it {self.policy}"
        )


def answers(workspace: Workspace, decision: Decision, today: date) -> list[TableAnswer]:
    """Return what every decision table of a workspace says of each of its tools.

    Args:
        decision: of the gate; a criterion holds if it passed there.
        today: levers must have been drilled within their days, by their files or by the drills in the control state.
    """
    found = []
    drilled = drilled_days(Layout(workspace.root), workspace.system.id)
    for node in workspace.graph.of_kind("decision_table").values():
        table: DecisionTable = node.entity
        says, row, missing = _evaluate(workspace, table, decision, today, drilled)
        found += [
            TableAnswer(
                node.id, table.version, tool, says, row, missing, _policy(workspace, tool), f"{node.file}:{node.line}"
            )
            for tool in table.tools
        ]
    return found


def _evaluate(
    workspace: Workspace, table: DecisionTable, decision: Decision, today: date, drilled: Mapping[str, date]
) -> tuple[Permission, int, str]:
    missing: list[str] = []
    for number, row in enumerate(table.rows, 1):
        lacks = list(_lacks(workspace, row, decision, today, drilled))
        if not lacks:
            return row.then, number, "; ".join(missing)
        missing.append(f"row {number}: {', '.join(lacks)}")
    return table.otherwise, 0, "; ".join(missing)


def _lacks(
    workspace: Workspace, row: TableRow, decision: Decision, today: date, drilled: Mapping[str, date]
) -> Iterator[str]:
    verdicts = {one.id: one.verdict for one in decision.criteria}
    for name in row.criteria:
        if verdicts.get(name) != "ship":
            yield f"{name} is {verdicts.get(name, 'not decided')}"
    for name in row.controls:
        if workspace.graph.node("control", name).entity.status != "in-place":
            yield f"{name} is planned only"
    for name in row.levers:
        lever = workspace.graph.node("lever", name).entity
        last = last_drilled(lever, drilled)
        if last is None or not 0 <= (today - last).days <= lever.every_days:
            yield f"{name} was not drilled within {lever.every_days} days"
    if row.tiers and workspace.system.tier not in row.tiers:
        yield f"the tier is {workspace.system.tier}"


def _policy(workspace: Workspace, tool: str) -> Permission:
    if workspace.policy is None:
        return "execute"
    rule = workspace.policy.tools.get(tool)
    return "never" if rule is None else "ask" if rule.ask else "execute"
