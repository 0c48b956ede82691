"""A rate in which severe samples weigh more."""

from __future__ import annotations

from shipworthy.evals.results import Run
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import KpiPart


def weighed(facts: KpiFacts, run: Run, suite: str, metric: str) -> KpiPart:
    """Return the weighted share of hits: sum of weight x share over samples / sum of weights.

    The limits are those of a mean of bounded values over samples (betting), divided by the mean weight of the suite,
    which is known: valid for samples drawn with their severity, and wider than need be.
    """
    from shipworthy.stats.mean import mean_interval

    hits: dict[str, list[int]] = {}
    severity: dict[str, str] = {}
    for row in run.rows():
        if row.suite != suite:
            continue
        said = next((score.hit for score in row.scores if score.metric == metric), None)
        if said is not None:
            hits.setdefault(row.cluster, []).append(int(said))
            severity[row.cluster] = min(severity.get(row.cluster, "S4"), row.severity)
    name = f"weighted by severity ({facts.weights_said})"
    weights = [facts.weight(severity[cluster]) for cluster in hits]
    if not weights or not sum(weights):
        return KpiPart(name=name, note="nothing was scored" if not weights else "every weight is 0")
    shares = [sum(values) / len(values) for values in hits.values()]
    mean, most = sum(weights) / len(weights), max(weights)
    products = [weight * one for weight, one in zip(weights, shares, strict=True)]
    found = mean_interval(products, [1] * len(products), low=0.0, high=most)
    return KpiPart(
        name=name, value=sum(products) / sum(weights), low=found.low / mean, high=min(1.0, found.high / mean),
        of=len(weights), note="samples",
    )  # fmt: skip
