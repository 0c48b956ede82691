"""Counting again, from a pack's records alone, what the criteria say they counted. Standard library only.

It repeats the rules of `evals.results` and `evals.compare` on plain JSON instead of calling them: a verifier that
shared the code that counted first would share its mistakes. What a condition and an attack's name say is read by the
parsers of `core`, which are the definition of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import fsum
from typing import Any, Literal, NamedTuple, TypeVar

from shipworthy.core.attack_name import matches
from shipworthy.core.condition import Condition
from shipworthy.core.finished import INAPPLICABLE, PLANNED
from shipworthy.core.freshness import Replies

T = TypeVar("T")
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
    judge: str = ""

    def takes(self, must: Condition) -> bool:
        """Say whether a condition can be held against it: given in its unit, its limit within its range.

        As `workspace.metric_condition` has it; where it says no, nothing is tested.
        """
        if must.each and self.value:
            return False
        if must.unit not in ("", self.unit if self.value else "%"):
            return False
        if must.test == "noninferiority":
            return must.limit <= self.high - self.low
        # No number of samples shows that a rate or mean is at the good end of its range.
        return self.low <= must.limit <= self.high and must.limit != (self.low if must.side == "upper" else self.high)


_DEFAULTS = {
    "good": "low",
    "kind": "event",
    "unit": "",
    "low": 0.0,
    "high": 1.0,
    "reducer": "mean",
    "judge": "",
    "harm": True,
}


def whole(said: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a metric's description with what it leaves out, so that two of them can be compared."""
    return None if said is None else {**_DEFAULTS, **said}


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
            not value and said.get("good", "low") == "low" and said.get("harm", True),
            said.get("reducer", "mean") == "any",
            said.get("unit", ""),
            said.get("judge", ""),
        )
    return found


class RecountedMark(NamedTuple):
    """One metric's word on one planned attempt: `said` is 1 or 0 for a hit or none, or the value."""

    cluster: str
    sample: str
    content_hash: str
    said: float


class RecountedGap(NamedTuple):
    """A planned attempt without a score: `kind` is how it ended, or ``abstained``."""

    cluster: str
    sample: str
    content_hash: str
    kind: str


class Recounted(NamedTuple):
    """What a criterion counted.

    Attributes:
        clusters: cluster id -> (total, trials), or (total, trials, total in the baseline) of paired attempts; a total
            is the number of hits, or the sum of the values.
        errors: attempts left out because they ended in an error, in either run.
        unscored: number of attempts without a score by kind: how the attempt ended, or ``abstained``.
        value: whether the metric is one; it has no hits.
        apart: attempts that were made, of two runs, in one only, or of something else in each.
    """

    clusters: Mapping[str, tuple[float, ...]]
    errors: int
    value: bool = False
    unscored: Mapping[str, int] = {}
    apart: int = 0

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


class PackedRun(NamedTuple):
    """A run in a pack, read: its manifest, its records, and what a record's hash is.

    Attributes:
        began, ended: Unix time of the first attempt's beginning and of the last one's end; 0 where none says.
        replies: how many it got, and how many of them the cache gave.
    """

    manifest: Mapping[str, Any]
    seal: Mapping[str, Any]
    records: list[Mapping[str, Any]]
    hashes: Mapping[str, str]
    began: float = 0.0
    ended: float = 0.0
    replies: Replies = Replies()

    @property
    def counted(self) -> list[Mapping[str, Any]]:
        """The records that count: each attempt's last try."""
        return last_tries(self.records)


def last_tries(records: Iterable[Record]) -> list[Record]:
    """Return the records that count: of an attempt that was retried after an error, the last try."""
    return list({str(record["id"])[:PLANNED]: record for record in records}.values())


def of_attack(records: Iterable[Record], attack: str) -> list[Record]:
    """Return the records of one attack, by its full name: an id alone would ask for it with any parameters."""
    return [record for record in records if record["attack"] == attack]


def attacks(manifest: Mapping[str, Any], suite: str, attack: str | None) -> list[str]:
    """Return the full names of the attacks that a run used on a suite and a criterion looks at, in the run's order."""
    used = next((use["attacks"] for use in manifest["suites"] if use["id"] == suite), ())
    return [str(name) for name in used if attack is None or matches(attack, name)]


def marks(
    records: Iterable[Record], suite: str, measure: Measure, attack: str | None
) -> tuple[dict[str, RecountedMark], dict[str, RecountedGap]]:
    """Return one metric's marks by planned attempt, and the planned attempts that have none and could have one.

    Args:
        records: attempts as JSON objects, last tries only.
        attack: an id (with any parameters) or a full name; None takes all.
    """
    scored: dict[str, RecountedMark] = {}
    gaps: dict[str, RecountedGap] = {}
    for record in records:
        name, planned = str(record["attack"]), str(record["id"])[:PLANNED]
        if record["suite"] != suite or (attack is not None and not matches(attack, name)):
            continue
        if record["outcome"] == INAPPLICABLE:
            continue  # it was never possible: neither scored nor lacking a score
        scores = record.get("scores", ()) if record["outcome"] == "scored" else ()
        for score in scores:
            said = score.get("value" if measure.value else "hit")
            if score["metric"] == measure.name and said is not None:
                scored[planned] = RecountedMark(
                    record["cluster"], record["sample"], record["content_hash"], float(said)
                )
        if planned not in scored:
            kind = "abstained" if record["outcome"] == "scored" else str(record["outcome"])
            gaps[planned] = RecountedGap(record["cluster"], record["sample"], record["content_hash"], kind)
    return scored, gaps


def count(
    records: Sequence[Record],
    suite: str,
    measure: Measure,
    attack: str | None,
    *,
    fill: Literal["", "high", "low"] = "",
    bad: int | None = None,
) -> Recounted:
    """Count a metric in one run.

    Args:
        fill: the end of the metric's range that every attempt without a score is given; else it is left out.
        bad: of these, how many are given that end, those that weigh most; the others are given the other one. None:
            all of them.
    """
    scored, gaps = marks(records, suite, measure, attack)
    rows = [(mark.cluster, mark.sample, (mark.said,)) for mark in scored.values()]
    if fill:
        ends = (measure.high, measure.low) if fill == "high" else (measure.low, measure.high)
        for place, gap in enumerate(_by_weight(gaps.values(), lambda gap: gap, _table(rows, measure))):
            rows.append((gap.cluster, gap.sample, (ends[bad is not None and place >= bad],)))
    kinds = [gap.kind for gap in gaps.values()]
    table = {c: (row[0], row[1]) for c, row in _table(rows, measure).items()}
    return Recounted(table, _errors(kinds), measure.value, _tally(kinds))


def _tally(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))


def _errors(kinds: Iterable[str]) -> int:
    return sum(kind != "abstained" for kind in kinds)


def count_paired(
    new: Sequence[Record],
    old: Sequence[Record],
    suite: str,
    measure: Measure,
    attack: str | None,
    *,
    same_seed: bool,
    fill: Literal["", "high", "low"] = "",
    bad: int | None = None,
) -> Recounted:
    """Count a metric over the attempts that two runs both scored.

    Args:
        fill: which way every attempt without a score in one of them moves the change as far as it can, the scored one
            kept as it is; else it is left out.
        bad: as in `count`; of the others, what is lacking moves the change as far the other way.
    """
    (mine, gaps), (theirs, old_gaps) = marks(new, suite, measure, attack), marks(old, suite, measure, attack)
    pairs: list[tuple[str, str, tuple[float, ...]]] = []
    holes: list[tuple[RecountedMark | RecountedGap, RecountedMark | RecountedGap]] = []
    everything = mine.keys() | gaps.keys() | theirs.keys() | old_gaps.keys()
    apart = len(everything)
    for planned in sorted((mine.keys() | gaps.keys()) & (theirs.keys() | old_gaps.keys())):
        now, before = mine.get(planned) or gaps[planned], theirs.get(planned) or old_gaps[planned]
        if same_seed and now.content_hash != before.content_hash:
            continue
        apart -= 1
        if isinstance(now, RecountedMark) and isinstance(before, RecountedMark):
            pairs.append((now.cluster, now.sample, (now.said, before.said)))
        else:
            holes.append((now, before))
    kinds = [
        now.kind if isinstance(now, RecountedGap) else f"{before.kind} in the baseline"  # type: ignore[union-attr]
        for now, before in holes
    ]
    if fill:
        for place, (now, before) in enumerate(_by_weight(holes, lambda hole: hole[0], _table(pairs, measure))):
            rises = (fill == "high") is (bad is None or place < bad)
            now_end, old_end = (measure.high, measure.low) if rises else (measure.low, measure.high)
            said = now.said if isinstance(now, RecountedMark) else now_end
            old_said = before.said if isinstance(before, RecountedMark) else old_end
            pairs.append((now.cluster, now.sample, (said, old_said)))
    table = {c: (row[0], row[-1], row[1]) for c, row in _table(pairs, measure).items()}
    failed = {name for some in (gaps, old_gaps) for name, gap in some.items() if gap.kind != "abstained"}
    return Recounted(table, len(failed), measure.value, _tally(kinds), apart)


def _by_weight(
    gaps: Iterable[T], of: Callable[[T], RecountedMark | RecountedGap], scored: Mapping[str, tuple[float, ...]]
) -> list[T]:
    """Return what lacks a score, those first that move their cluster's share most: the ones of the smallest clusters.

    Args:
        of: the attempt that says which cluster and sample one is of.
        scored: cluster -> its totals, and behind them the number of scored attempts.
    """
    gaps = list(gaps)
    size = Counter({cluster: int(row[-1]) for cluster, row in scored.items()})
    size.update(of(gap).cluster for gap in gaps)
    return sorted(gaps, key=lambda gap: (size[of(gap).cluster], of(gap).cluster, of(gap).sample))


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


def inapplicable(records: Iterable[Record]) -> dict[str, int]:
    """Return by attack how many attempts were left out, as the attack cannot change their sample.

    Args:
        records: last tries only.
    """
    return dict(Counter(str(record["attack"]) for record in records if record["outcome"] == INAPPLICABLE))


def s1_hits(records: Iterable[Record], manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the planned attempts with a bad event on a sample of severity S1, as the run's manifest declares them.

    Each with those of its records that have it.

    Args:
        records: all tries: one that a later one replaced counts here, too.
    """
    suites = [str(use["id"]) for use in manifest["suites"]]
    bad = {(suite, m.name) for suite in suites for m in measures(manifest, suite).values() if m.bad_event}

    def harmful(record: Record) -> bool:
        return any(score.get("hit") and (record["suite"], score["metric"]) in bad for score in record.get("scores", ()))

    found: dict[str, list[str]] = {}
    for id in sorted(str(r["id"]) for r in records if r.get("severity") == "S1" and harmful(r)):
        found.setdefault(id[:PLANNED], []).append(id)
    return found


def unscored(records: Iterable[Record], manifest: Mapping[str, Any]) -> int:
    """Return how many attempts have no score of their suite's main metric, for whatever reason.

    Args:
        records: last tries only.
    """
    main = {str(use["id"]): str(use["metric"]) for use in manifest["suites"]}
    count = 0
    for record in records:
        if record["outcome"] == INAPPLICABLE:
            continue
        scores = record.get("scores", ()) if record["outcome"] == "scored" else ()
        said = {s["metric"] for s in scores if s.get("hit") is not None or s.get("value") is not None}
        count += main.get(record["suite"]) not in said
    return count


def s1_unscored(records: Iterable[Record], manifest: Mapping[str, Any]) -> list[str]:
    """Return the planned attempts on samples of severity S1 that lack a score for something bad.

    Args:
        records: last tries only.
    """
    bad = {
        str(use["id"]): {m.name for m in measures(manifest, str(use["id"])).values() if m.bad_event}
        for use in manifest["suites"]
    }
    found = []
    for record in records:
        if record["outcome"] == INAPPLICABLE:
            continue
        scores = record.get("scores", ()) if record["outcome"] == "scored" else ()
        told = {score["metric"] for score in scores if score.get("hit") is not None}
        if record.get("severity") == "S1" and bad.get(record["suite"], set()) - told:
            found.append(str(record["id"])[:PLANNED])
    return sorted(found)
