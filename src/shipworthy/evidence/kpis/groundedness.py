"""How much of what answers claim stands in what they were given."""

from __future__ import annotations

from shipworthy.evals.results import Run
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart, Measured, measured, nothing
from shipworthy.evidence.kpis.period import Period


@measured(
    title="Groundedness",
    formula="answers whose claims are all supported by what was given / checkable answers, mean over samples",
    source="the newest complete run of a groundedness suite in the period",
    unit="share",
    better="higher",
    target=">= 90 %",
)
def measure(facts: KpiFacts, period: Period) -> Measured:
    """Read the suite's main metric; one that counts unsupported answers is turned round."""
    from shipworthy.stats import rate_interval
    from shipworthy.stats.mean import mean_interval

    found = facts.reading("groundedness", period, ("groundedness", "cited-answers"))
    if found.run is None or found.metric is None:
        return nothing(found.why)
    run, metric = found.run, found.metric
    counts = run.counts(found.suite, metric.name)
    if not any(counts.trials):
        return nothing(f"{run.id} scored nothing of {found.suite}", counts.unscored)
    turned = metric.good == "low"
    if metric.kind == "event":
        rate = rate_interval(counts.totals, counts.trials)
        value, low, high, hits = rate.rate, rate.low, rate.high, float(rate.hits)
    else:
        mean = mean_interval(counts.totals, counts.trials, low=metric.low, high=metric.high)
        width = metric.high - metric.low
        value, low, high = ((x - metric.low) / width for x in (mean.mean, mean.low, mean.high))
        hits = sum(counts.totals)
    if turned:
        value, low, high, hits = 1 - value, 1 - high, 1 - low, sum(counts.trials) - hits
    beside = tuple(
        _part(run, found.suite, name) for name in run.metrics(found.suite) if name != metric.name
    )  # fmt: skip
    return Measured(
        value=value, low=low, high=high, hits=hits, of=sum(counts.trials), counted="answers",
        method=f"mean over {len(counts.totals):,} samples, distribution-free limits", left_out=counts.unscored,
        estimates=f"{'1 - ' if turned else ''}{metric.name} on prompts like these; the scorer taken at its word",
        records=(facts.record(run, found.suite),), parts=beside,
    )  # fmt: skip


def _part(run: Run, suite: str, name: str) -> KpiPart:
    from shipworthy.stats import rate_interval

    counts = run.counts(suite, name)
    if run.metric(suite, name).kind != "event" or not any(counts.trials):
        total, of = sum(counts.totals), sum(counts.trials)
        return KpiPart(name=name, value=total / of if of else None, of=of, note="mean over answers, without limits")
    rate = rate_interval(counts.totals, counts.trials)
    return KpiPart(name=name, value=rate.rate, low=rate.low, high=rate.high, hits=rate.hits, of=rate.trials)
