"""Configurations on the front of safety, helpfulness, latency and cost: a run each, on the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.evals.results import Run

LATENCY, COST = "latency", "cost"


class ParetoAim(NamedTuple):
    """A metric of a suite as an objective: which, and which way is good, as its scorer declares it."""

    suite: str
    metric: str
    good: Literal["low", "high"]


class ParetoCell(Struct, frozen=True):
    """One objective of one configuration: its mean over samples, and the interval of the bootstrap."""

    mean: float
    low: float
    high: float


class ParetoRow(Struct, frozen=True):
    """One configuration.

    Attributes:
        cells: one an objective; `front` whether the means put it on the front.
        chance: how often it is on the front when the samples are drawn again, in [0, 1].
    """

    name: str
    run: str
    cells: tuple[ParetoCell, ...]
    front: bool
    chance: float


class Pareto(Struct, frozen=True):
    """What `pareto` found.

    Attributes:
        objectives: their names; `units` beside them (``%`` of a rate), `good` which way is good.
        clusters: samples that all runs scored, by suite.
        warnings: what a reader must know before the numbers mean anything.
    """

    objectives: tuple[str, ...]
    units: tuple[str, ...]
    good: tuple[Literal["low", "high"], ...]
    rows: tuple[ParetoRow, ...]
    clusters: dict[str, int]
    draws: int
    warnings: tuple[str, ...]


class _Sums(NamedTuple):
    """Of one run on one suite, by cluster: the metric's words, seconds, US dollars, each one an attempt."""

    said: dict[str, list[float]]
    seconds: dict[str, list[float]]
    usd: dict[str, list[float]]


def pareto(
    runs: Sequence[Run], names: Sequence[str], aims: Sequence[tuple[str, str]], *, draws: int = 2000, seed: int = 0
) -> Pareto:
    """Put runs of several configurations on one front.

    Args:
        runs: two or more, each once; `names` what to call them.
        aims: suites with their metrics (``""`` for the suite's main one), such as one of harm and one of help. Latency
            and cost are added: of all attempts on these suites, wall time without our own queue and what providers or
            prices say. One that no run knows is left out.
        draws, seed: of the bootstrap.

    Raises:
        UsageError: fewer than two runs, one twice, no aim, a suite or metric that a run lacks, or no common sample.
        IntegrityError: a log is not what was written.

    Latency counts what the cache gave as quick as the cache: measure with ``--no-cache`` where it matters (a warning
    says so). An attempt without a score is in no rate, in no latency and in no cost.
    """
    from shipworthy.stats.pareto import ParetoObjective, pareto_front

    if len(runs) < 2 or len({run.id for run in runs}) < len(runs):
        raise UsageError("a front needs two runs or more, each named once")
    if not aims:
        raise UsageError("name what counts: a suite of harm and one of help, such as --aim jailbreak --aim helpful")
    wanted = [_aim(runs, suite, metric) for suite, metric in aims]
    sums = {aim: [_sums(run, aim) for run in runs] for aim in wanted}
    common = {aim: sorted(set.intersection(*(set(one.said) for one in found))) for aim, found in sums.items()}
    if empty := next((aim for aim, clusters in common.items() if not clusters), None):
        raise UsageError(f"no sample of {empty.suite} has a score of {empty.metric} in every run")
    objectives, units = [], []
    for aim in wanted:
        metric = runs[0].metric(aim.suite, aim.metric)
        scale = 100 if metric.kind == "event" else 1
        values = np.array([[scale * _mean(one.said[c]) for c in common[aim]] for one in sums[aim]])
        objectives.append(ParetoObjective(f"{aim.metric} ({aim.suite})", {aim.suite: values}, aim.good))
        units.append("%" if metric.kind == "event" else metric.unit)
    by_suite = {aim.suite: aim for aim in reversed(wanted)}
    for name, unit, field in ((LATENCY, "s", "seconds"), (COST, "USD", "usd")):
        parts = {
            suite: np.array([[_mean(getattr(one, field)[c]) for c in common[aim]] for one in sums[aim]])
            for suite, aim in by_suite.items()
        }
        if any(values.any() for values in parts.values()):
            objectives.append(ParetoObjective(name, parts, "low"))
            units.append(unit)
    try:
        found = pareto_front(objectives, draws=draws, seed=seed)
    except ValueError as error:  # two metrics of one suite that were scored on other samples
        raise UsageError(f"the runs cannot stand on one front: {error}") from None
    rows = tuple(
        ParetoRow(
            name,
            run.id,
            tuple(
                ParetoCell(*map(float, (found.means[i, j], found.low[i, j], found.high[i, j])))
                for j in range(len(units))
            ),
            bool(found.front[i]),
            float(found.chance[i]),
        )
        for i, (name, run) in enumerate(zip(names, runs, strict=True))
    )
    return Pareto(
        tuple(one.name for one in objectives), tuple(units), tuple(one.good for one in objectives), rows,
        {aim.suite: len(clusters) for aim, clusters in common.items()}, draws, tuple(_warnings(runs, common)),
    )  # fmt: skip


def _aim(runs: Sequence[Run], suite: str, metric: str) -> ParetoAim:
    name = metric or runs[0].suite(suite).metric
    declared = [run.metric(suite, name) for run in runs]
    if len({(one.kind, one.good, one.low, one.high) for one in declared}) > 1:
        raise UsageError(f"the runs declare {name} of {suite} differently: measure them with one version of its scorer")
    return ParetoAim(suite, name, declared[0].good)


def _sums(run: Run, aim: ParetoAim) -> _Sums:
    sums = _Sums({}, {}, {})
    for row in run.rows():
        if row.suite != aim.suite or row.outcome != "scored":
            continue
        for score in row.scores:
            said = score.value if score.value is not None else score.hit
            if score.metric == aim.metric and said is not None:
                sums.said.setdefault(row.cluster, []).append(float(said))
                sums.seconds.setdefault(row.cluster, []).append(row.timing.seconds)
                cost = fsum(use.usage.cost_usd for use in row.roles.values())
                sums.usd.setdefault(row.cluster, []).append(cost)
    return sums


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _warnings(runs: Sequence[Run], common: dict[ParetoAim, list[str]]) -> list[str]:
    found = [f"{run.id} took {run.replies.cached:,} replies from the cache: its latency is too low"
             for run in runs if run.replies.cached]  # fmt: skip
    found += [f"only {len(clusters)} samples of {aim.suite}: the chances are too sure below about 30"
              for aim, clusters in common.items() if len(clusters) < 30]  # fmt: skip
    for aim in common:
        if len({run.suite(aim.suite).digest for run in runs}) > 1:
            found.append(f"the runs measured different versions of {aim.suite}")
    return found
