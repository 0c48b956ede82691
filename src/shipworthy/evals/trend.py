"""Several versions of a system in time: levels, the trend over all of them, and the steps between neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.evals.compare import direction, pair, same_metric
from shipworthy.evals.results import Run


class TrendStep(Struct, frozen=True):
    """From one version to the next: the paired change with its 95 % interval, in the metric's unit."""

    old: str
    new: str
    difference: float
    low: float
    high: float
    verdict: str


class TrendRow(Struct, frozen=True):
    """One metric of one suite.

    Attributes:
        levels: its rate or mean in each version, of the attempts that all of them scored.
        slope, low, high: change a version with its 95 % interval; `verdict` ``better``, ``worse`` or ``unclear``.
        steps: one fewer than versions.
        clusters: samples that all versions scored.
    """

    suite: str
    metric: str
    kind: Literal["event", "value"]
    unit: str
    good: Literal["low", "high"]
    levels: tuple[float, ...]
    slope: float
    low: float
    high: float
    verdict: str
    steps: tuple[TrendStep, ...]
    clusters: int


class Trend(Struct, frozen=True):
    """Versions in time.

    Attributes:
        runs: their ids, oldest first.
        rows: every metric that all runs scored on common samples; `skipped` the others.
        alpha: chance of any false alarm, trend or step, over the whole table (Holm).
    """

    runs: tuple[str, ...]
    rows: tuple[TrendRow, ...]
    skipped: tuple[tuple[str, str], ...]
    alpha: float


def trend(runs: Sequence[Run], *, alpha: float = 0.05) -> Trend:
    """Compare runs of several versions, oldest first by when they were made.

    Args:
        runs: three or more, each once; of two, `compare` says more.
        alpha: in (0, 1).

    Raises:
        UsageError: fewer than three runs, one twice, or nothing that all of them scored.
        IntegrityError: a log is not what was written.

    A step is tested for every two neighbours and the trend for all versions together, and all p-values are corrected
    at once. "unclear" is not "the same". A shift of a whole run looks like a step: `compare --replicates` tells them
    apart.
    """
    from shipworthy.stats import holm, mean_difference, paired_difference
    from shipworthy.stats.trend import version_trend

    if len(runs) < 3 or len({run.id for run in runs}) < len(runs):
        raise UsageError("a trend needs three runs or more, each named once; `runs compare` is for two")
    runs = sorted(runs, key=lambda run: (run.manifest.created, run.id))
    first, last = runs[0], runs[-1]
    rows: list[TrendRow] = []
    chances: list[float] = []
    skipped = []
    for use in last.manifest.suites:
        for name in last.metrics(use.id):
            if not all(_measured(run, last, use.id, name) for run in runs[:-1]):
                skipped.append((use.id, name))
                continue
            found = pair(last.marks, first.marks, use.id, name, beside=[run.marks for run in runs[1:-1]])
            if not found.clusters:
                skipped.append((use.id, name))
                continue
            metric, trials = found.metric, np.array(found.trials, dtype=np.float64)
            totals = np.array([found.old_totals, *found.others, found.totals], dtype=np.float64)
            width = metric.high - metric.low if metric.kind == "value" else 1.0
            line = version_trend(totals / trials, width=width)
            steps, p = [], [line.p_value]
            for k in range(len(runs) - 1):
                if metric.kind == "value":
                    change = mean_difference(
                        totals[k + 1], found.trials, totals[k], found.trials, low=metric.low, high=metric.high
                    )
                else:
                    change = paired_difference(totals[k + 1], found.trials, totals[k], found.trials)
                steps.append(TrendStep(runs[k].id, runs[k + 1].id, change.difference, change.low, change.high, ""))
                p.append(change.p_value)
            chances += p
            rows.append(
                TrendRow(
                    use.id,
                    name,
                    metric.kind,
                    metric.unit,
                    metric.good,
                    tuple(map(float, (totals / trials).mean(-1))),
                    line.slope,
                    line.low,
                    line.high,
                    "",
                    tuple(steps),
                    line.clusters,
                )
            )
    if not rows:
        raise UsageError("the runs share no metric on common samples: measure the same suites with one plan")
    adjusted = iter(holm(chances))
    return Trend(
        tuple(run.id for run in runs), tuple(_judged(row, adjusted, alpha) for row in rows), tuple(skipped), alpha
    )  # fmt: skip


def _measured(run: Run, last: Run, suite: str, metric: str) -> bool:
    return any(use.id == suite for use in run.manifest.suites) and same_metric(last, run, suite, metric)


def _judged(row: TrendRow, adjusted: object, alpha: float) -> TrendRow:
    from msgspec.structs import replace

    def verdict(change: float) -> str:
        chance = float(next(adjusted))  # type: ignore[call-overload]
        return direction(row.good, change) if chance <= alpha else "unclear"

    line = verdict(row.slope)
    return replace(
        row, verdict=line, steps=tuple(replace(step, verdict=verdict(step.difference)) for step in row.steps)
    )
