"""Counting again, from a pack's records alone, what the criteria say they counted. Standard library only.

It repeats the rules of `evals.results` and `evals.compare` on plain JSON instead of calling them: a verifier that
shared the code that counted first would share its mistakes. What a condition and an attack's name say is read by the
parsers of `core`, which are the definition of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, inf, lgamma, log
from typing import Any, NamedTuple

from shipworthy.core.attack_name import matches
from shipworthy.core.condition import Condition

PLANNED = 19
"""Characters of an attempt's id that name the planned attempt; a retry adds ``-2``, ``-3``, …"""

Record = Mapping[str, Any]


def too_good(hits: int, trials: int, bound: float, condition: Condition) -> bool:
    """Say whether a threshold criterion's bound is better than independent trials could give.

    Clusters only ever widen an interval, so the exact binomial bound (Clopper and Pearson 1934) on all trials is the
    best there is. It is compared without being computed: a bound u is as far out if so few hits, or fewer, have a
    probability of at most ``1 - confidence`` where the rate is u.
    """
    if condition.side == "lower":
        hits, bound = trials - hits, 1 - bound
    if not 0 < bound < 1:
        return bound <= 0
    tail = sum(exp(_log_binomial(hits - i, trials, bound)) for i in range(hits + 1))
    return tail > (1 - condition.confidence) * (1 + 1e-6) and hits < trials


def _log_binomial(k: int, n: int, p: float) -> float:
    if k < 0 or k > n:
        return -inf
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log(1 - p)


class Mark(NamedTuple):
    """One metric's word on one planned attempt."""

    cluster: str
    content_hash: str
    hit: bool


class Counts(NamedTuple):
    """What a criterion counted.

    Attributes:
        clusters: cluster id -> (hits, trials), or (hits, trials, hits in the baseline) of paired attempts.
        errors: attempts left out because they ended in an error, in either run.
    """

    clusters: Mapping[str, tuple[int, ...]]
    errors: int

    @property
    def hits(self) -> int:
        """Counted events."""
        return sum(row[0] for row in self.clusters.values())

    @property
    def trials(self) -> int:
        """Scored attempts."""
        return sum(row[1] for row in self.clusters.values())

    @property
    def rate(self) -> float:
        """Rate, or difference of the two rates; only where there are trials."""
        before = sum(row[2] for row in self.clusters.values() if len(row) > 2)
        return (self.hits - before) / self.trials


def last_tries(records: Iterable[Record]) -> list[Record]:
    """Return the records that count: of an attempt that was retried after an error, the last try."""
    return list({str(record["id"])[:PLANNED]: record for record in records}.values())


def marks(records: Iterable[Record], suite: str, metric: str, attack: str | None) -> tuple[dict[str, Mark], set[str]]:
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
            if score["metric"] == metric and score["hit"] is not None:
                scored[planned] = Mark(record["cluster"], record["content_hash"], bool(score["hit"]))
    return scored, failed


def count(records: Sequence[Record], suite: str, metric: str, attack: str | None) -> Counts:
    """Count a metric in one run."""
    scored, failed = marks(records, suite, metric, attack)
    clusters: dict[str, tuple[int, ...]] = {}
    for mark in scored.values():
        hits, trials = clusters.get(mark.cluster, (0, 0))
        clusters[mark.cluster] = hits + mark.hit, trials + 1
    return Counts(clusters, len(failed))


def count_paired(
    new: Sequence[Record], old: Sequence[Record], suite: str, metric: str, attack: str | None, *, same_seed: bool
) -> Counts:
    """Count a metric over the attempts that two runs both scored."""
    mine, failed = marks(new, suite, metric, attack)
    theirs, also_failed = marks(old, suite, metric, attack)
    clusters: dict[str, tuple[int, ...]] = {}
    for planned in mine.keys() & theirs.keys():
        now, before = mine[planned], theirs[planned]
        if same_seed and now.content_hash != before.content_hash:
            continue
        hits, trials, old_hits = clusters.get(now.cluster, (0, 0, 0))
        clusters[now.cluster] = hits + now.hit, trials + 1, old_hits + before.hit
    return Counts(clusters, len(failed | also_failed))


def s1_hits(records: Iterable[Record], wanted: Iterable[str]) -> list[str]:
    """Return the planned attempts with a hit on a sample of severity S1, but for metrics whose hits are wanted.

    Args:
        records: all tries: one that a later one replaced counts here, too.
    """
    good = set(wanted)

    def harmful(record: Record) -> bool:
        return any(score["hit"] and score["metric"] not in good for score in record.get("scores", ()))

    return sorted({str(r["id"])[:PLANNED] for r in records if r.get("severity") == "S1" and harmful(r)})
