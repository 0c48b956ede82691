"""How much of what may go wrong, where it matters, is measured today: the journey x risk matrix with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.workspace.coverage import coverage
from shipworthy.workspace.graph import Graph

FRESH_DAYS = 30
SKEW = timedelta(hours=1)
"""By which clocks of two machines may differ."""


class CoveredCell(NamedTuple):
    """A risk on a journey.

    Attributes:
        critical: whether the journey is.
        suites: that measure it, by the files.
        covered: whether a criterion on one of them has evidence that stands, on enough samples, from the last 30 days.
        criteria: those that have; `gap` why there is none.
    """

    journey: str
    risk: str
    critical: bool
    suites: tuple[str, ...]
    covered: bool
    criteria: tuple[str, ...]
    gap: str


class Coverage(NamedTuple):
    """All cells, and the share of the critical ones that are covered: a census, which has no interval.

    Attributes:
        share: in [0, 1]; None where no journey is critical.
    """

    cells: list[CoveredCell]
    critical: int
    covered: int

    @property
    def share(self) -> float | None:
        """Covered critical cells / critical cells."""
        return self.covered / self.critical if self.critical else None


def covered(graph: Graph, standing: Mapping[str, CriterionStanding], now: datetime) -> Coverage:
    """Return the matrix with what stands in it at a time.

    What a run measured is as old as the oldest reply that it rests on: a kept reply is as old as when it was given.
    """
    cells = []
    for cell in coverage(graph):
        risk = graph.node("risk", cell.risk)
        criteria = [c for r in graph.sources(risk, "mitigates") for c in graph.parts(r) if c.key.kind == "criterion"]
        gaps = {c.id: _gap(standing[c.id], c.entity.min_clusters, now) for c in criteria}
        good = tuple(name for name, why in gaps.items() if not why)
        gap = "" if good else next((f"{n}: {why}" for n, why in gaps.items()), "no suite measures it")
        cells.append(CoveredCell(cell.journey, cell.risk, cell.critical, cell.suites, bool(good), good, gap))
    critical = [cell for cell in cells if cell.critical]
    return Coverage(cells, len(critical), sum(cell.covered for cell in critical))


def _gap(one: CriterionStanding, least: int, now: datetime) -> str:
    """Return why what stands for a criterion covers nothing; empty where it does."""
    if one.state != "stands" or one.result is None:
        return one.why
    if one.result.rate is None or not one.result.trials:
        return f"{one.run} scored nothing of it"
    if one.result.clusters < least:
        return f"{one.run} has {one.result.clusters:,} independent samples, and {least:,} are asked for"
    age = _age(one.measured, now)
    if age is None:
        return f"{one.run} does not say how old it is"
    if age < -SKEW:
        return f"{one.run} was made at {one.measured}, which is yet to come: a clock is wrong"
    return f"{one.run} is older than {FRESH_DAYS} days" if age > timedelta(days=FRESH_DAYS) else ""


def _age(moment: str, now: datetime) -> timedelta | None:
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return now - (then if then.tzinfo else then.replace(tzinfo=UTC))
