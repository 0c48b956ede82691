"""Counting again, from a pack's records alone, what the criteria say they counted. Standard library only.

It repeats the rules of `evals.results` and `evals.compare` on plain JSON instead of calling them: a verifier that
shared the code that counted first would share its mistakes. What a condition and an attack's name say is read by the
parsers of `core`, which are the definition of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, fsum, log, sqrt, tanh
from typing import Any, NamedTuple

from shipworthy.core.attack_name import matches
from shipworthy.core.condition import Condition
from shipworthy.core.finished import PLANNED

Record = Mapping[str, Any]
COUNTED = ("id", "suite", "sample", "attack", "cluster", "content_hash", "outcome", "severity", "scores")
"""The fields of a record that anything here reads."""


class Measure(NamedTuple):
    """A metric as the run's manifest keeps it: what its scorer declared. What the manifest leaves out is a default."""

    name: str
    value: bool
    low: float
    high: float
    bad_event: bool
    any: bool
    unit: str = ""

    def takes(self, must: Condition) -> bool:
        """Say whether a condition can be held against it: given in its unit, its limit within its range."""
        if must.unit not in ("", self.unit if self.value else "%"):
            return False
        if must.test == "noninferiority":
            return must.limit <= self.high - self.low
        return self.low <= must.limit <= self.high


def measures(manifest: Mapping[str, Any], suite: str) -> dict[str, Measure]:
    """Return a suite's metrics by name, from a run's manifest."""
    use = next((use for use in manifest["suites"] if use["id"] == suite), {"metrics": ()})
    found = {}
    for said in use["metrics"]:
        value = said.get("kind", "event") == "value"
        found[said["name"]] = Measure(
            said["name"],
            value,
            float(said.get("low", 0.0)),
            float(said.get("high", 1.0)),
            not value and said.get("good", "low") == "low",
            said.get("reducer", "mean") == "any",
            said.get("unit", ""),
        )
    return found


def mean_too_good(means: Sequence[float], bound: float, condition: Condition, low: float, high: float) -> bool:
    """Say whether a criterion's bound on a mean is better than betting against it allows.

    The bound is right where the capital of the bets against it has reached ``1 / (1 - confidence)``: the bets of
    `shipworthy.stats.mean`, written down again.

    Args:
        means: of the clusters, or their changes.
        low, high: the range they lie in.
    """
    y, limit = [(m - low) / (high - low) for m in means], (bound - low) / (high - low)
    if condition.side == "lower":
        y, limit = [1 - v for v in y], 1 - limit
    if not 0 < limit < 1:
        return limit <= 0
    tail, count = 1 - condition.confidence, len(y)
    weights = [(k + 1) ** -0.75 for k in range(7)]
    capital = 0.0
    for k, weight in enumerate(weights):
        bet = tanh(sqrt(2 * log(1 / tail) * (1 - limit) / (count * limit) * 3**k)) / (1 - limit)
        gains = [1 + bet * (limit - v) for v in y]
        if min(gains) > 0:
            capital += weight / sum(weights) * exp(min(600.0, fsum(map(log, gains))))
    return capital < 1 / tail * (1 - 1e-4)


class Mark(NamedTuple):
    """One metric's word on one planned attempt: `said` is 1 or 0 for a hit or none, or the value."""

    cluster: str
    sample: str
    content_hash: str
    said: float


class Counts(NamedTuple):
    """What a criterion counted.

    Attributes:
        clusters: cluster id -> (total, trials), or (total, trials, total in the baseline) of paired attempts; a total
            is the number of hits, or the sum of the values.
        errors: attempts left out because they ended in an error, in either run.
        value: whether the metric is one; it has no hits.
    """

    clusters: Mapping[str, tuple[float, ...]]
    errors: int
    value: bool = False

    @property
    def hits(self) -> int:
        """Counted events."""
        return 0 if self.value else int(sum(row[0] for row in self.clusters.values()))

    @property
    def trials(self) -> int:
        """Scored attempts."""
        return int(sum(row[1] for row in self.clusters.values()))

    @property
    def means(self) -> list[float]:
        """Each cluster's share of hits, or mean of a value; or the change of it."""
        return [(row[0] - (row[2] if len(row) > 2 else 0.0)) / row[1] for row in self.clusters.values()]

    @property
    def rate(self) -> float:
        """Mean over clusters of their shares, or means, or changes: each counts once. Only where there are trials."""
        return fsum(self.means) / len(self.clusters)


def last_tries(records: Iterable[Record]) -> list[Record]:
    """Return the records that count: of an attempt that was retried after an error, the last try."""
    return list({str(record["id"])[:PLANNED]: record for record in records}.values())


def marks(
    records: Iterable[Record], suite: str, measure: Measure, attack: str | None
) -> tuple[dict[str, Mark], set[str]]:
    """Return one metric's marks by planned attempt, and the planned attempts that ended in an error.

    Args:
        records: attempts as JSON objects, last tries only.
        attack: an id (with any parameters) or a full name; None takes all.
    """
    scored: dict[str, Mark] = {}
    failed: set[str] = set()
    for record in records:
        name, planned = str(record["attack"]), str(record["id"])[:PLANNED]
        if record["suite"] != suite or (attack is not None and not matches(attack, name)):
            continue
        if record["outcome"] != "scored":
            failed.add(planned)
            continue
        for score in record.get("scores", ()):
            said = score.get("value" if measure.value else "hit")
            if score["metric"] == measure.name and said is not None:
                scored[planned] = Mark(record["cluster"], record["sample"], record["content_hash"], float(said))
    return scored, failed


def count(records: Sequence[Record], suite: str, measure: Measure, attack: str | None) -> Counts:
    """Count a metric in one run."""
    scored, failed = marks(records, suite, measure, attack)
    rows = ((mark.cluster, mark.sample, (mark.said,)) for mark in scored.values())
    return Counts({c: (row[0], row[1]) for c, row in _table(rows, measure).items()}, len(failed), measure.value)


def count_paired(
    new: Sequence[Record], old: Sequence[Record], suite: str, measure: Measure, attack: str | None, *, same_seed: bool
) -> Counts:
    """Count a metric over the attempts that two runs both scored."""
    mine, failed = marks(new, suite, measure, attack)
    theirs, also_failed = marks(old, suite, measure, attack)
    pairs = []
    for planned in mine.keys() & theirs.keys():
        now, before = mine[planned], theirs[planned]
        if not same_seed or now.content_hash == before.content_hash:
            pairs.append((now.cluster, now.sample, (now.said, before.said)))
    table = _table(pairs, measure)
    return Counts({c: (row[0], row[-1], row[1]) for c, row in table.items()}, len(failed | also_failed), measure.value)


def _table(rows: Iterable[tuple[str, str, tuple[float, ...]]], measure: Measure) -> dict[str, tuple[float, ...]]:
    """Return each cluster's totals, one a run, and behind them their number."""
    said: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    for cluster, sample, given in rows:
        # An event that is reduced by `any` counts once a sample: each sample is then a group of its own.
        said.setdefault(cluster, {}).setdefault(sample if measure.any else "", []).append(given)
    table = {}
    for cluster, groups in said.items():
        if measure.any:
            units = [tuple(max(run) for run in zip(*group, strict=True)) for group in groups.values()]
        else:
            units = groups[""]
        totals = [fsum(run) for run in zip(*units, strict=True)]
        table[cluster] = (*(totals if measure.value else map(int, totals)), len(units))
    return table


def s1_hits(records: Iterable[Record], manifest: Mapping[str, Any]) -> list[str]:
    """Return the planned attempts with a bad event on a sample of severity S1, as the run's manifest declares them.

    Args:
        records: all tries: one that a later one replaced counts here, too.
    """
    suites = [str(use["id"]) for use in manifest["suites"]]
    bad = {(suite, m.name) for suite in suites for m in measures(manifest, suite).values() if m.bad_event}

    def harmful(record: Record) -> bool:
        return any(score.get("hit") and (record["suite"], score["metric"]) in bad for score in record.get("scores", ()))

    return sorted({str(r["id"])[:PLANNED] for r in records if r.get("severity") == "S1" and harmful(r)})
