"""Samples a plan needs: for every criterion, how many clusters give 80, 90 and 99 % power, and what can never pass."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from shipworthy.core.attack_name import select
from shipworthy.core.errors import Problem
from shipworthy.evals.plan import Plan, SuitePlan, make_plan
from shipworthy.evals.results import Run
from shipworthy.release.wording import count, percent
from shipworthy.stats import achieved_power, noninferiority_test, required_clusters, threshold_test
from shipworthy.workspace.kinds.requirement import Criterion
from shipworthy.workspace.load import Workspace

POWERS = (0.8, 0.9, 0.99)


class Scenario(Struct, frozen=True):
    """One assumed truth, and what it takes to pass under it.

    Attributes:
        name: what is assumed, in words; `rate` in [0, 1].
        power: chance to pass with the clusters of the plan, in [0, 1].
        needed: clusters for each of `POWERS`; None where no number will do.
    """

    name: str
    rate: float
    power: float
    needed: tuple[int | None, ...]


class CriterionPower(Struct, frozen=True):
    """What a plan can show about one criterion.

    Attributes:
        clusters: independent samples in the plan; `attempts` scored for each (all attacks together).
        design_effect: planned, >= 1.
        reachable: whether the best possible outcome would pass with the clusters of the plan.
    """

    id: str
    suite: str
    metric: str
    must: str
    clusters: int
    attempts: float
    design_effect: float
    reachable: bool
    scenarios: tuple[Scenario, ...]


def power_table(workspace: Workspace, plan: Plan, previous: Run | None = None) -> list[CriterionPower]:
    """Return, for every criterion of the gate, what a plan can show.

    Assumed are a quarter and a half of the threshold (of the allowed misses, for lower bounds); for margins, no
    change at a base rate of 5 and of 20 %; and in both cases the rate of a previous run, where there is one. With a
    suite outside the plan, `clusters` is 0.
    """
    return [_power(workspace, plan, criterion, previous) for _, criterion in workspace.criteria()]


def _power(workspace: Workspace, plan: Plan, criterion: Criterion, previous: Run | None) -> CriterionPower:
    must, suite = criterion.parsed, workspace.suite(criterion.suite)
    part = next((p for p in plan.suites if p.id == criterion.suite), None)
    clusters, attempts = _size(part, criterion.attack) if part else (0, 1.0)
    each = max(1, round(attempts))
    icc = suite.icc
    if must.test == "threshold":
        test = "at_most" if must.side == "upper" else "at_least"
    else:
        test = "rise" if must.side == "upper" else "fall"
    metric = criterion.metric or suite.metric
    scenarios = []
    for name, rate in _assumed(criterion, metric, previous):
        options = {"test": test, "attempts": each, "icc": icc, "confidence": must.confidence}
        decidable = 0 < must.limit < 1
        needed = tuple(
            required_clusters(must.limit, rate, power=power, **options) if decidable else 1  # type: ignore[arg-type]
            for power in POWERS
        )
        power = 0.0
        if clusters:
            power = achieved_power(clusters, must.limit, rate, **options) if decidable else 1.0  # type: ignore[arg-type]
        scenarios.append(Scenario(name, rate, power, needed))
    return CriterionPower(
        id=criterion.id,
        suite=criterion.suite,
        metric=metric,
        must=criterion.must,
        clusters=clusters,
        attempts=attempts,
        design_effect=1 + (attempts - 1) * icc,
        reachable=clusters >= criterion.min_clusters and _best_passes(criterion, clusters),
        scenarios=tuple(scenarios),
    )


def _size(part: SuitePlan, attack: str | None) -> tuple[int, float]:
    """Clusters of a suite's part, and attempts in each that a criterion looks at."""
    kept = sum(attack is None or a.matches(attack) for a in part.attacks)
    if not kept or not part.clusters:
        return 0, 1.0
    return part.clusters, max(1.0, len(part.samples) * kept * part.attempts / part.clusters)


def _assumed(criterion: Criterion, metric: str, previous: Run | None) -> Iterator[tuple[str, float]]:
    must = criterion.parsed
    if must.test == "noninferiority":
        yield "no change at 5 %", 0.05
        yield "no change at 20 %", 0.2
    else:
        for name, part in (("a quarter", 0.25), ("half", 0.5)):
            if must.side == "upper":
                yield f"{name} of the limit", must.limit * part
            else:
                yield f"{name} of the allowed misses", 1 - (1 - must.limit) * part
    if previous is None or criterion.suite not in {use.id for use in previous.manifest.suites}:
        return
    counted = previous.counts(criterion.suite, metric, _known_attack(previous, criterion))
    if trials := sum(counted.trials):
        change = "no change at" if must.test == "noninferiority" else "the rate of"
        yield f"{change} {previous.id}", sum(counted.hits) / trials


def _known_attack(run: Run, criterion: Criterion) -> str | None:
    used = run.suite(criterion.suite).attacks
    return criterion.attack if select(criterion.attack, used) else None


def _best_passes(criterion: Criterion, clusters: int) -> bool:
    """Whether the best outcome there could be would pass: no hit, only hits, or no change at all."""
    if not clusters:
        return False
    must, ones = criterion.parsed, [1] * clusters
    if must.test == "noninferiority":
        best = noninferiority_test(ones, ones, ones, ones, must.limit, confidence=must.confidence).verdict
    elif must.side == "upper":
        best = threshold_test([0] * clusters, ones, must.limit, confidence=must.confidence).verdict
    else:
        best = threshold_test(ones, ones, must.limit, must="at_least", confidence=must.confidence).verdict
    return best == "pass"


def unreachable_criteria(workspace: Workspace) -> list[Problem]:
    """Return a problem for every criterion of the gate that the workspace's samples cannot meet, whatever happens.

    Judged on the plan `full`: a smaller plan may leave a criterion undecided, and `shipworthy plan` says so.
    """
    if not any(True for _ in workspace.criteria()):
        return []
    plan = make_plan(workspace)
    problems = []
    for _, criterion in workspace.criteria():
        part = next((p for p in plan.suites if p.id == criterion.suite), None)
        clusters, _ = _size(part, criterion.attack) if part else (0, 1.0)
        if clusters >= criterion.min_clusters and _best_passes(criterion, clusters):
            continue
        node = workspace.graph.node("criterion", criterion.id)
        must = criterion.parsed
        least = max(criterion.min_clusters, _least(criterion))
        message = (
            f"criterion {criterion.id} can never pass: even the best outcome on the "
            f"{count(clusters, 'independent sample')} of the suite {criterion.suite} does not show {criterion.must!r}"
        )
        hint = f"it takes at least {count(least, 'sample')}: add samples, or allow more than {percent(must.limit)}"
        if must.side == "lower" and must.test == "threshold":
            hint = (
                f"it takes at least {count(least, 'sample')}: add samples, or ask for less than {percent(must.limit)}"
            )
        problems.append(Problem(node.file, node.line, message, hint))
    return problems


def _least(criterion: Criterion) -> int:
    """Fewest clusters with which the best outcome passes."""
    low, high = 0, 1
    while not _best_passes(criterion, high):
        low, high = high, 2 * high
        if high > 10_000_000:
            return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _best_passes(criterion, middle) else (middle, high)
    return high
