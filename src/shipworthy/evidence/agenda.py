"""The research agenda in the order of what it is worth: expected reduction of risk per day of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from shipworthy.evidence.residual import ResidualRisk
from shipworthy.workspace.graph import Graph

HORIZONS = (30, 60, 90)
"""Days; what is due later stands under its quarter."""


class AgendaLine(NamedTuple):
    """One question.

    Attributes:
        left: what is left of its risks today, at the bound; `low` and `high` that sum at the ends of the intervals.
        worth: `left` x expected share / days of work; `worth_low` and `worth_high` alike.
        unmeasured: risks of it whose rest is not measured, so it is the inherent one.
    """

    id: str
    title: str
    status: str
    owner: str
    risks: tuple[str, ...]
    left: float
    low: float
    high: float
    reduces: float
    cost_days: float
    worth: float
    worth_low: float
    worth_high: float
    unmeasured: tuple[str, ...]


class DueMilestone(NamedTuple):
    """A milestone that is not done: under which horizon (``overdue``, ``30 days``, ``2027-Q1``)."""

    horizon: str
    by: date
    research: str
    what: str


def agenda(graph: Graph, risks: Sequence[ResidualRisk]) -> list[AgendaLine]:
    """Return the questions that are open, the most worthwhile first, those that are done or dropped last.

    The order leans on what somebody expects (`reduces`, `cost_days`): it says what to talk about, not what to do.
    """
    known = {one.risk: one for one in risks}
    lines = []
    for node in graph.of_kind("research").values():
        said = node.entity
        mine = [known[name] for name in said.risks if name in known]
        left, low, high = (sum(getattr(one, end) for one in mine) for end in ("residual", "low", "high"))
        share = said.reduces / said.cost_days
        lines.append(AgendaLine(
            said.id, said.title, said.status, said.owner, said.risks, left, low, high, said.reduces, said.cost_days,
            left * share, low * share, high * share, tuple(one.risk for one in mine if not one.measured),
        ))  # fmt: skip
    ended = ("done", "dropped")
    return sorted(lines, key=lambda line: (line.status in ended, -line.worth, line.id))


def milestones(graph: Graph, today: date) -> list[DueMilestone]:
    """Return what is to come and what is late, soonest first."""
    found = [
        DueMilestone(horizon(one.by, today), one.by, node.id, one.what)
        for node in graph.of_kind("research").values()
        if node.entity.status not in ("done", "dropped")
        for one in node.entity.milestones
        if one.done is None
    ]
    return sorted(found, key=lambda one: (one.by, one.research))


def horizon(day: date, today: date) -> str:
    """Return under which heading a day stands.

    >>> horizon(date(2027, 4, 1), date(2026, 12, 1)), horizon(date(2026, 11, 30), date(2026, 12, 1))
    ('2027-Q2', 'overdue')
    """
    if day < today:
        return "overdue"
    within = next((days for days in HORIZONS if day <= today + timedelta(days=days)), None)
    return f"{within} days" if within else f"{day.year}-Q{(day.month + 2) // 3}"
