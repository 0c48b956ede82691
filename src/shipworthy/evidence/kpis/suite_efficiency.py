"""What an evaluation takes, beside what it can show."""

from __future__ import annotations

from statistics import NormalDist, median

from shipworthy.core.occurrence import moment
from shipworthy.core.records import RunManifest
from shipworthy.evals.results import Run
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period

RUNS = 10
"""The newest runs that are looked at."""
_Z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)


@measured(
    title="Evaluation efficiency",
    formula="median wall time of the last 10 complete runs; beside it cost, and the smallest change that they can show",
    source="manifests, audit log and run logs",
    unit="seconds",
    better="lower",
    target="<= 3600",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Look at the newest runs of the period; one whose end was not entered has no time."""
    from shipworthy.stats.median import median_interval

    chosen = [one for one in facts.manifests if period.has(one.created)][-RUNS:]
    timed = [(one, _seconds(facts, one)) for one in chosen]
    times = [seconds for _, seconds in timed if seconds is not None]
    unknown = {"without an end in the audit log": len(chosen) - len(times)} if len(chosen) > len(times) else {}
    if not times:
        return nothing(f"no complete run in {period.name}", unknown)
    runs = [facts.run(one.id) for one in chosen]
    costs = [_cost(run) for run in runs]
    priced = [one for one in costs if one is not None]
    effective = [sum(one.asked(use.id) for use in one.manifest.suites) for one in runs]
    each = [cost / max(1, n) for cost, n in zip(costs, effective, strict=True) if cost is not None]
    shown = [one for one in (_detectable(run) for run in runs) if one is not None]
    found = median_interval(times)
    known = abs(found.low) != float("inf")
    return Measured(
        value=found.median, low=found.low if known else None, high=found.high if known else None, of=len(times),
        counted="runs", method="median, exact limits for every distribution (order statistics)" if known else
        "median; too few runs for limits", left_out=unknown,
        estimates="wall time from declaring a run to the end of its last sitting, pauses between sittings included",
        records=tuple(
            KpiRecord(one.id, one.created, seconds, f"{one.planned:,} attempts, plan {one.plan}")
            for one, seconds in timed
        ),
        parts=(
            KpiPart(name="cost of a run, USD", value=median(priced) if priced else None, of=len(priced),
                 note="median" if priced else "no price is known"),
            KpiPart(name="cost of an attempt, USD", value=median(each) if each else None, of=len(each),
                 note="median" if each else "no price is known"),
            KpiPart(name="smallest change between two runs found 4 times in 5", value=max(shown) if shown else None,
                 of=len(shown), note="of the main metric, worst suite and run; normal approximation over samples"),
        ),
    )  # fmt: skip


def _seconds(facts: KpiFacts, manifest: RunManifest) -> float | None:
    ended = facts.stopped.get(manifest.id)
    return None if ended is None else max(0.0, (moment(ended) - moment(manifest.created)).total_seconds())


def _cost(run: Run) -> float | None:
    costs = [use.usage.cost_usd for use in run.roles.values()]
    return sum(costs) if any(costs) else None


def _detectable(run: Run) -> float | None:
    """Return the smallest change of a main metric that a comparison of two such runs finds at 80 % power."""
    worst: list[float] = []
    for use in run.manifest.suites:
        counts = run.counts(use.id, use.metric)
        shares = [total / n for total, n in zip(counts.totals, counts.trials, strict=True) if n]
        if len(shares) < 2:
            continue
        mean = sum(shares) / len(shares)
        variance = sum((one - mean) ** 2 for one in shares) / (len(shares) - 1)
        # A suite in which all samples agree has no spread to go by: a rate of one in its number of samples stands in.
        least = (1 / len(shares)) * (1 - 1 / len(shares)) if run.metric(use.id, use.metric).kind == "event" else 0.0
        worst.append(_Z * (2 * max(variance, least) / len(shares)) ** 0.5)
    return max(worst, default=None)
