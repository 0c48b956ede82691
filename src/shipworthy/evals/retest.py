"""Repeated runs of one system: what a suite's card says of how well it measures, and what `plan` counts with."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.evals.replicates import differing
from shipworthy.evals.results import Run


class RetestRow(Struct, frozen=True):
    """One metric of one suite; fields as in `shipworthy.stats.retest.Retest`, and the suite's planned `icc` beside."""

    suite: str
    version: str
    metric: str
    icc: float
    low: float
    high: float
    planned: float
    run_deviation: float
    levels: tuple[float, ...]
    clusters: int


def retest_runs(runs: Sequence[Run]) -> list[RetestRow]:
    """Return what repeated runs say of each metric that all of them scored.

    Raises:
        UsageError: fewer than two, one twice, runs of other systems, samples or files, answers from the reply cache,
            or nothing that all of them scored on two samples or more.
        IntegrityError: a log is not what was written.
    """
    from shipworthy.stats.retest import retest

    if len(runs) < 2 or len({run.id for run in runs}) < len(runs):
        raise UsageError("a retest needs two runs or more of one system, each named once")
    for run in runs[1:]:
        if what := list(differing(run.manifest, runs[0].manifest)):
            raise UsageError(f"{run.id} does not repeat {runs[0].id}: {'; '.join(what)}")
    for run in runs:
        if run.replies.cached:
            raise UsageError(
                f"{run.id} took {run.replies.cached:,} replies from the cache: it repeats another run and tells "
                "nothing of how far runs differ\nMeasure again with `shipworthy eval --no-cache`"
            )
    rows = []
    for use in runs[0].manifest.suites:
        for name in runs[0].metrics(use.id):
            told = [_sums(run, use.id, name) for run in runs]
            common = sorted(set.intersection(*(set(one) for one in told)))
            if len(common) < 2:
                continue
            parts = [[[one[c][k] for c in common] for one in told] for k in range(3)]
            found = retest(parts[0], parts[1], squares=parts[2])
            rows.append(
                RetestRow(
                    use.id, use.version, name, found.icc, found.low, found.high, use.icc, found.run_deviation,
                    found.levels, found.clusters,
                )
            )  # fmt: skip
    if not rows:
        raise UsageError("no metric was scored on two samples or more in every run")
    return rows


def _sums(run: Run, suite: str, metric: str) -> dict[str, tuple[float, float, float]]:
    """Return each cluster's sum, number and sum of squares."""
    said: dict[str, list[float]] = {}
    for mark in run.marks.scored.get((suite, metric), {}).values():
        said.setdefault(mark.cluster, []).append(mark.said)
    return {c: (fsum(v), float(len(v)), fsum(x * x for x in v)) for c, v in said.items()}
