"""Samples a plan needs: for every criterion, how many clusters give 80, 90 and 99 % power, and what can never pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from shipworthy.core.amount import amount
from shipworthy.core.attack_name import select
from shipworthy.core.errors import PluginError, Problem
from shipworthy.core.records import Metric
from shipworthy.core.registry import create
from shipworthy.evals.plan import Plan, SuitePlan, make_plan
from shipworthy.evals.results import Run
from shipworthy.evals.tally import Counts
from shipworthy.release.wording import count, percent
from shipworthy.stats import (
    achieved_power,
    achieved_power_for_mean,
    mean_noninferiority_test,
    mean_test,
    noninferiority_test,
    required_clusters,
    required_clusters_for_mean,
    threshold_test,
)
from shipworthy.stats.sample_rates import Bound
from shipworthy.workspace.kinds.requirement import Criterion
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.suite import Suite

POWERS = (0.8, 0.9, 0.99)


class Scenario(Struct, frozen=True):
    """One assumed truth, and what it takes to pass under it.

    Attributes:
        name: what is assumed, in words; `rate` in [0, 1], or the mean of a value in its unit (of a margin: its change).
        deviation: of a value, the standard deviation assumed between samples (of a margin: between their changes).
        power: chance to pass with the clusters of the plan, in [0, 1].
        needed: clusters for each of `POWERS`; None where no number will do.
        proved: clusters for the first of `POWERS` where the gate asked for the bound ``proved``; as `needed` for a
            mean, whose bound is that one.
    """

    name: str
    rate: float
    power: float
    needed: tuple[int | None, ...]
    deviation: float | None = None
    proved: int | None = None


class CriterionPower(Struct, frozen=True):
    """What a plan can show about one criterion.

    Attributes:
        clusters: independent samples in the plan that an attack can change; `attempts` scored for each: all attacks
            together, or of one attack where the condition is on each (then the one with the fewest samples).
        bound: which bound the gate asks for.
        reachable: whether the best possible outcome would pass with the clusters of the plan.
        kind, unit: of the metric, as its scorer declares it.
        attacks: how many the condition must hold for by itself; 1 where they are pooled.
        audited: whether it will be decided on labels; the figures here are those of a scorer taken at its word.
    """

    id: str
    suite: str
    metric: str
    must: str
    clusters: int
    attempts: float
    bound: str
    reachable: bool
    scenarios: tuple[Scenario, ...]
    kind: Literal["event", "value"] = "event"
    unit: str = ""
    attacks: int = 1
    audited: bool = False


def power_table(workspace: Workspace, plan: Plan, previous: Run | None = None) -> list[CriterionPower]:
    """Return, for every criterion of the gate, what a plan can show.

    Assumed are a quarter and a half of the threshold (of the allowed misses, for lower bounds); for margins, no
    change at a base rate of 5 and of 20 %; and in both cases the rate of a previous run, where there is one. Of a
    value, means a half and a quarter of the way from the limit to the best value, at half of the largest spread there
    could be; for margins, no change with samples that move by a tenth and a quarter of the range. With a suite outside
    the plan, `clusters` is 0.

    A condition on each attack must hold for all of them at once: each has its own attempts, its bound is the
    simultaneous one, and the power is that all of them pass with every attack at the assumed rate (of a previous run:
    that of its worst attack) and on as many samples as the attack has that can change the fewest, as if they were
    independent. On the same samples they go together, which can only make it higher.
    """
    return [_power(workspace, plan, criterion, previous) for _, criterion in workspace.criteria()]


def _power(workspace: Workspace, plan: Plan, criterion: Criterion, previous: Run | None) -> CriterionPower:
    suite = workspace.suite(criterion.suite)
    part = next((p for p in plan.suites if p.id == criterion.suite), None)
    clusters, attempts, attacks = _size(part, criterion) if part else (0, 1.0, 1)
    metric = declared(suite, criterion.metric or suite.metric)
    if metric.kind == "value":
        scenarios = tuple(_mean_scenarios(criterion, metric, clusters, previous))
    else:
        if metric.reducer == "any":
            attempts = max(1.0, len(part.samples) / clusters) if part and clusters else 1.0
        shape = clusters, attempts, suite.icc, attacks
        scenarios = tuple(_rate_scenarios(criterion, metric.name, shape, previous, workspace.gate.bound))
    return CriterionPower(
        id=criterion.id,
        suite=criterion.suite,
        metric=metric.name,
        must=criterion.must,
        clusters=clusters,
        attempts=attempts,
        bound=workspace.gate.bound,
        reachable=clusters >= criterion.min_clusters
        and _best_passes(criterion, metric, clusters, workspace.gate.bound, attacks),
        scenarios=scenarios,
        kind=metric.kind,
        unit=metric.unit,
        attacks=attacks,
        audited=criterion.audited_by is not None,
    )


def declared(suite: Suite, name: str) -> Metric:
    """Return a metric as the suite's scorer declares it; an event whose hits are bad where none does.

    Raises:
        PluginError: a scorer cannot be built, or lists something else among its metrics.
    """
    return next((metric for metric in declared_metrics(suite) if metric.name == name), Metric(name))


def declared_metrics(suite: Suite) -> Iterator[Metric]:
    """Yield the metrics that the suite's scorers declare.

    Raises:
        PluginError: as for `declared`.
    """
    for use in suite.scorers:
        for metric in getattr(create("scorer", use.use, use.own_params), "metrics", ()):
            if not isinstance(metric, Metric):
                raise PluginError(f"the scorer {use.use!r} lists {metric!r} among its metrics, which is no Metric")
            yield metric


def _rate_scenarios(
    criterion: Criterion, metric: str, shape: tuple[int, float, float, int], previous: Run | None, bound: Bound
) -> Iterator[Scenario]:
    must, (clusters, attempts, icc, attacks) = criterion.parsed, shape
    options = _options(criterion, attempts, icc, attacks)
    decidable = 0 < must.limit < 1
    powers = [power ** (1 / attacks) for power in POWERS]
    for name, rate in _assumed(criterion, metric, previous):
        needed = tuple(
            required_clusters(must.limit, rate, power=power, bound=bound, **options) if decidable else 1  # type: ignore[arg-type]
            for power in powers
        )
        proved = needed[0]
        if decidable and bound != "proved":
            proved = required_clusters(must.limit, rate, power=powers[0], bound="proved", **options)  # type: ignore[arg-type]
        power = 0.0
        if clusters:
            power = achieved_power(clusters, must.limit, rate, bound=bound, **options) if decidable else 1.0  # type: ignore[arg-type]
            power **= attacks
        yield Scenario(name, rate, power, needed, proved=proved)


def _mean_scenarios(criterion: Criterion, metric: Metric, clusters: int, previous: Run | None) -> Iterator[Scenario]:
    must, width = criterion.parsed, metric.high - metric.low
    low, high = (metric.low, metric.high) if must.test == "threshold" else (-width, width)
    for name, mean, deviation in _assumed_means(criterion, metric, previous):
        spread = {"low": low, "high": high, "confidence": must.confidence}
        trivial = must.test == "threshold" and must.limit == (metric.high if must.side == "upper" else metric.low)
        good = trivial or (
            mean > must.limit if must.side == "lower" and must.test == "threshold" else mean < must.limit
        )
        power, needed = 0.0, tuple[int | None, ...]([None] * len(POWERS))
        if trivial:
            power, needed = float(clusters > 0), (1,) * len(POWERS)
        elif good:
            needed = tuple(required_clusters_for_mean(must.limit, mean, deviation, power=p, **spread) for p in POWERS)
            if clusters:
                power = achieved_power_for_mean(clusters, must.limit, mean, deviation, **spread)
        yield Scenario(f"{name}, spread {amount(deviation, metric.unit)}", mean, power, needed, deviation)


def _assumed_means(criterion: Criterion, metric: Metric, previous: Run | None) -> Iterator[tuple[str, float, float]]:
    must, width = criterion.parsed, metric.high - metric.low
    if must.test == "noninferiority":
        yield "no change", 0.0, width / 10
        yield "no change", 0.0, width / 4
    else:
        best = metric.low if must.side == "upper" else metric.high
        for name, part in (("half way", 0.5), ("a quarter of the way", 0.25)):
            mean = must.limit + (best - must.limit) * part
            yield f"{name} to the best", mean, ((mean - metric.low) * (metric.high - mean)) ** 0.5 / 2
    if previous is None or criterion.suite not in {use.id for use in previous.manifest.suites}:
        return
    if previous.suite(criterion.suite).describe(metric.name) != metric:
        return
    found = previous.mean(criterion.suite, metric.name, _known_attack(previous, criterion))
    if found is None:
        return
    if must.test == "threshold":
        yield f"the mean of {previous.id}", found.mean, found.deviation
    else:
        # Two independent runs of equal spread; pairing can only be better than that.
        yield f"no change at {previous.id}", 0.0, min(found.deviation * 2**0.5, width)


def _size(part: SuitePlan, criterion: Criterion) -> tuple[int, float, int]:
    """Clusters of a suite's part, attempts in each that one test looks at, and how many attacks are tested each."""
    able = part.applicable
    kept = [a.name for a in part.attacks if criterion.attack is None or a.matches(criterion.attack)]
    tried = [name for name in kept if able.samples([name])]
    if not tried or not part.clusters:
        return 0, 1.0, 1
    # The test of the attack that can change the fewest is the one that asks for most.
    one = min(([name] for name in tried), key=able.clusters) if criterion.parsed.each else tried
    clusters = able.clusters(one)
    return clusters, max(1.0, able.samples(one) * part.attempts / clusters), len(kept) if criterion.parsed.each else 1


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
    known = previous.suite(criterion.suite).describe(metric)
    if known is None or known.kind != "event":
        return
    if must.each:
        each = previous.by_attack(criterion.suite, metric, _known_attack(previous, criterion)).items()
        if rates := [(found, name) for name, counted in each if (found := _rate(counted)) is not None]:
            worst, name = max(rates)
            yield f"each at the rate of {name}, the worst of {previous.id}", worst
        return
    rate = _rate(previous.counts(criterion.suite, metric, _known_attack(previous, criterion)))
    if rate is not None:
        change = "no change at" if must.test == "noninferiority" else "the rate of"
        yield f"{change} {previous.id}", rate


def _rate(counted: Counts) -> float | None:
    """Mean over clusters of their share of hits; None where nothing was scored."""
    shares = [hits / n for hits, n in zip(counted.totals, counted.trials, strict=True) if n]
    return sum(shares) / len(shares) if shares else None


def _known_attack(run: Run, criterion: Criterion) -> str | None:
    used = run.suite(criterion.suite).attacks
    return criterion.attack if select(criterion.attack, used) else None


def _best_passes(criterion: Criterion, metric: Metric, clusters: int, bound: Bound, attacks: int) -> bool:
    """Whether the best outcome there could be would pass: no hit, only hits, only best values, or no change at all."""
    if not clusters:
        return False
    must, ones = criterion.parsed, [1] * clusters
    if metric.kind == "value":
        span = {"low": metric.low, "high": metric.high, "confidence": must.confidence}
        best = [metric.low if must.side == "upper" else metric.high] * clusters
        if must.test == "noninferiority":
            found = mean_noninferiority_test(best, ones, best, ones, must.limit, **span)  # type: ignore[arg-type]
            return found.verdict == "pass"
        way = "at_most" if must.side == "upper" else "at_least"
        return mean_test(best, ones, must.limit, must=way, **span).verdict == "pass"  # type: ignore[arg-type]
    if must.test == "noninferiority":
        verdict = noninferiority_test(
            ones, ones, ones, ones, must.limit, confidence=must.confidence, bound=bound
        ).verdict
    elif must.side == "upper":
        level = must.level(attacks)
        verdict = threshold_test([0] * clusters, ones, must.limit, confidence=level, bound=bound).verdict
    else:
        verdict = threshold_test(
            ones, ones, must.limit, must="at_least", confidence=must.confidence, bound=bound
        ).verdict
    return verdict == "pass"


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
        clusters, _, attacks = _size(part, criterion) if part else (0, 1.0, 1)
        suite = workspace.suite(criterion.suite)
        metric = declared(suite, criterion.metric or suite.metric)
        bound = workspace.gate.bound
        if not metric.low <= criterion.parsed.limit <= metric.high:
            continue  # a limit outside of what the metric can reach is a problem of its own, or a warning
        if clusters >= criterion.min_clusters and _best_passes(criterion, metric, clusters, bound, attacks):
            continue
        node = workspace.graph.node("criterion", criterion.id)
        must = criterion.parsed
        least = max(criterion.min_clusters, least_clusters(criterion, metric, bound, attacks))
        message = (
            f"criterion {criterion.id} can never pass: even the best outcome on the "
            f"{count(clusters, 'independent sample')} of the suite {criterion.suite} does not show {criterion.must!r}"
        )
        limit = percent(must.limit) if metric.kind == "event" else amount(must.limit, metric.unit)
        hint = f"it takes at least {count(least, 'sample')}: add samples, or allow more than {limit}"
        if must.side == "lower" and must.test == "threshold":
            hint = f"it takes at least {count(least, 'sample')}: add samples, or ask for less than {limit}"
        problems.append(Problem(node.file, node.line, message, hint))
    return problems


LIKELY = 0.5
"""Chance to pass below which a good system's criterion is more often undecided than not."""
HARDLY = 0.25
"""The same of a plan with fewer samples than there are."""


def weak_criteria(workspace: Workspace) -> list[Problem]:
    """Return a warning for every criterion of the gate that a good system would more often leave undecided than pass.

    Judged on the plan `full`, at the first assumption of `power_table`: a quarter of the limit (of the allowed misses),
    or no change at 5 %; of a value, half way to its best. What can never pass is left to `unreachable_criteria`.
    """
    if not any(True for _ in workspace.criteria()):
        return []
    plan, found = make_plan(workspace), []
    for _, criterion in workspace.criteria():
        if _first_power(workspace, plan, criterion) >= LIKELY:
            continue
        power = _power(workspace, plan, criterion, None)
        first = power.scenarios[0]
        if not power.reachable:
            continue
        needed = first.needed[0]
        node = workspace.graph.node("criterion", power.id)
        message = (
            f"criterion {power.id} passes with a chance of {percent(first.power)} only, at {first.name}: the suite "
            f"{power.suite} has {count(power.clusters, 'independent sample')}"
        )
        more = f"{count(needed, 'sample')} give {percent(POWERS[0])}" if needed else "no number of samples will do"
        found.append(Problem(node.file, node.line, message, f"{more}; `shipworthy plan` shows the others"))
    return found


def weak_plans(workspace: Workspace) -> list[Problem]:
    """Return a warning for every plan that is meant to decide and has too few samples for a criterion of the gate.

    Meant to decide is a plan that measures every suite that the gate looks at, such as what CI runs each day: one that
    leaves a suite out, such as a smoke test, decides nothing. Whoever plans fewer samples than there are
    wants to save time and gives power for it; below a chance of a quarter there is hardly a test left. What is weak on
    all samples is left to `weak_criteria`.
    """
    asked = {criterion.suite for _, criterion in workspace.criteria()}
    found: list[Problem] = []
    whole = make_plan(workspace) if asked else None
    for id in workspace.plans:
        node = workspace.graph.find("plan", id)
        if node is None or whole is None or not asked <= {one.suite for one in workspace.plans[id].suites}:
            continue
        plan = make_plan(workspace, id)
        weak = [
            (criterion.id, power)
            for _, criterion in workspace.criteria()
            if (power := _first_power(workspace, plan, criterion)) < HARDLY
            and _first_power(workspace, whole, criterion) >= LIKELY
        ]
        if weak:
            named = ", ".join(f"{name} ({percent(power)})" for name, power in weak[:5])
            more = f" and {len(weak) - 5:,} more" if len(weak) > 5 else ""
            message = f"the plan {id} measures every suite of the gate, on too few samples for {named}{more}"
            hint = f"`shipworthy plan --plan {id}` shows how many they need; a good system would mostly be inconclusive"
            found.append(Problem(node.file, node.line, message, hint))
    return found


def _first_power(workspace: Workspace, plan: Plan, criterion: Criterion) -> float:
    """Return the power at the first assumption alone, without the numbers of samples, which take most of the time."""
    suite, part = workspace.suite(criterion.suite), next((p for p in plan.suites if p.id == criterion.suite), None)
    metric = declared(suite, criterion.metric or suite.metric)
    if part is None or metric.kind == "value" or not 0 < criterion.parsed.limit < 1:
        scenarios = _power(workspace, plan, criterion, None).scenarios
        return scenarios[0].power if scenarios else 1.0
    clusters, attempts, attacks = _size(part, criterion)
    if metric.reducer == "any":
        attempts = max(1.0, len(part.samples) / clusters) if clusters else 1.0
    if not clusters:
        return 0.0
    _, rate = next(iter(_assumed(criterion, metric.name, None)))
    options = _options(criterion, attempts, suite.icc, attacks)
    power = achieved_power(clusters, criterion.parsed.limit, rate, bound=workspace.gate.bound, **options)  # type: ignore[arg-type]
    return power**attacks


def _options(criterion: Criterion, attempts: float, icc: float, attacks: int) -> dict[str, object]:
    """Return what the statistics of a rate ask of a criterion besides its limit."""
    must = criterion.parsed
    if must.test == "threshold":
        test = "at_most" if must.side == "upper" else "at_least"
    else:
        test = "rise" if must.side == "upper" else "fall"
    return {"test": test, "attempts": max(1, round(attempts)), "icc": icc, "confidence": must.level(attacks)}


def least_clusters(criterion: Criterion, metric: Metric, bound: Bound, attacks: int) -> int:
    """Return the fewest clusters with which the best outcome passes."""
    low, high = 0, 1
    while not _best_passes(criterion, metric, high, bound, attacks):
        low, high = high, 2 * high
        if high > 10_000_000:
            return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _best_passes(criterion, metric, middle, bound, attacks) else (middle, high)
    return high
