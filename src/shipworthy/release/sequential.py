"""When a sequential run has measured enough: each criterion on a suite is decided by the bound that the gate will use.

The gate tests a suite that may be ended early with the bound ``anytime`` (`shipworthy.stats.betting.steady_bets`): it
holds at every look at once, so whoever stops at the first look that decides, or looks as often as he likes, wrongly
ships no more often than the criterion says. What that bound cannot decide on is measured whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shipworthy.core.metric import Metric
from shipworthy.evals.plan import make_plan
from shipworthy.evals.results import Run
from shipworthy.release.criteria import Evidence, assess
from shipworthy.release.power import declared
from shipworthy.workspace.kinds.requirement import Criterion
from shipworthy.workspace.load import Workspace


class EarlySuites(NamedTuple):
    """Which suites of a plan a sequential run may end early, and why it makes the others whole, in words, by suite."""

    early: tuple[str, ...]
    whole: dict[str, str]


def early_suites(workspace: Workspace, plan: str, suites: tuple[str, ...] | None = None) -> EarlySuites:
    """Return which suites a sequential run of a plan may end early: those that criteria name which it can decide.

    Args:
        suites: only these of the plan's suites.

    Raises:
        UsageError: an unknown plan or suite.
    """
    early, whole = [], {}
    criteria = [criterion for _, criterion in workspace.criteria()]
    for part in make_plan(workspace, plan, suites=suites).suites:
        about = [criterion for criterion in criteria if criterion.suite == part.id]
        metrics = {c.id: declared(part.suite, c.metric or part.suite.metric) for c in about}
        why = [f"{c.id}: {said}" for c in about if (said := unfit_for_looks(c, metrics[c.id]))]
        if not about:
            whole[part.id] = "no criterion of the gate is about it"
        elif why:
            whole[part.id] = why[0]
        else:
            early.append(part.id)
    return EarlySuites(tuple(early), whole)


def unfit_for_looks(criterion: Criterion, metric: Metric) -> str:
    """Return why a criterion cannot be decided on a run that may be ended early; empty where it can."""
    if criterion.parsed.test != "threshold":
        return "a change is compared on all samples of both runs"
    if criterion.audited_by:
        return "people label a draw of the finished run"
    return "a judge's errors correct the rate of a finished run" if metric.judge else ""


def decider(workspace: Workspace) -> Callable[[Run], set[str]]:
    """Return what says of a run at a look which suites need no more: every criterion on them is decided."""

    def decided(run: Run) -> set[str]:
        early = {use.id for use in run.manifest.suites if use.looks}
        evidence = Evidence((run,))
        return early - {
            criterion.suite
            for requirement, criterion in workspace.criteria()
            if criterion.suite in early
            and assess(workspace, requirement, criterion, evidence).verdict == "inconclusive"
        }

    return decided
