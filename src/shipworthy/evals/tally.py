"""Scores counted by cluster: what every rate, mean and test of a run is made of."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import fsum
from typing import Any, NamedTuple, TypeVar

from shipworthy.core.amount import amount, number
from shipworthy.core.errors import IntegrityError
from shipworthy.core.records import Attempt, Metric, Outcome, Score
from shipworthy.store.reading import RecordRow

B = TypeVar("B", bound=tuple[Any, ...])


class Blank(NamedTuple):
    """One attempt made that has no score: `kind` is its outcome, or ``abstained`` where a scorer said nothing."""

    cluster: str
    sample: str
    kind: str


class Counts(NamedTuple):
    """What was scored of a metric, one entry a cluster, clusters in order of their ids.

    Attributes:
        totals: hits of an event; the sum of a value.
        trials: scored attempts; of an event that is reduced by ``any``, samples with a scored attempt.
        errors: attempts that ended in an error: they are in neither of the two lists.
        tally: what the two lists were made of.
        blanks: all attempts without a score, errors and abstentions, those first that weigh most in their cluster.
    """

    totals: list[float]
    trials: list[int]
    clusters: tuple[str, ...]
    errors: int
    tally: Tally
    blanks: tuple[Blank, ...] = ()

    @property
    def unscored(self) -> dict[str, int]:
        """Number of attempts without a score by kind, kinds in order of their names."""
        return dict(sorted(Counter(blank.kind for blank in self.blanks).items()))

    def filled(self, bad: int, bad_end: float, good_end: float) -> tuple[list[float], list[int]]:
        """Return totals and trials as they would be had every blank a score: worst-case bounds stand on them.

        Args:
            bad: so many blanks, the first ones, are given `bad_end`; the others `good_end`.
        """
        if not self.blanks:
            return self.totals, self.trials
        whole = Tally(self.tally.metric)
        whole.pool(self.tally)
        for place, blank in enumerate(self.blanks):
            whole.add(blank.cluster, blank.sample, bad_end if place < bad else good_end)
        _, totals, trials = whole.columns()
        return totals, trials


def by_weight(blanks: Iterable[B], cluster: Callable[[B], str], scored: Mapping[str, int]) -> tuple[B, ...]:
    """Return blanks with those first that move their cluster's share most: the ones of the smallest clusters.

    Args:
        scored: number of scored attempts by cluster.
    """
    blanks = list(blanks)
    if not blanks:
        return ()
    size = Counter(scored)
    size.update(map(cluster, blanks))
    return tuple(sorted(blanks, key=lambda blank: (size[cluster(blank)], *blank[:2])))


class Tally:
    """The scores of one metric under one attack, or of several pooled, by cluster.

    A value's numbers are kept, not their sum: added up exactly, they give the same total in whatever order the
    attempts ended.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        # Two tables of numbers, not one of pairs: the garbage collector need not look through 20,000 pairs. A cluster
        # without a hit stands in the second one only.
        self._hits: dict[str, int] = {}
        self._trials: dict[str, int] = {}
        self._simple = metric.kind == "event" and metric.reducer != "any"
        self._samples: dict[str, dict[str, bool]] = {}
        self._values: dict[str, array[float]] = {}

    @property
    def scored(self) -> bool:
        """Whether there is any score."""
        return bool(self._trials or self._samples or self._values)

    def take(self, score: Score, cluster: str, sample: str) -> bool:
        """Count a score, and return whether it says anything of the metric.

        Raises:
            IntegrityError: it is not of the metric's kind, or out of its range.
        """
        if self._simple and score.value is None:  # nearly all scores of nearly all runs: in one step
            if score.hit is None:
                return False
            trials = self._trials
            trials[cluster] = trials.get(cluster, 0) + 1
            if score.hit:
                self._hits[cluster] = self._hits.get(cluster, 0) + 1
            return True
        said = given(score, self.metric)
        if said is None:
            return False
        self.add(cluster, sample, said)
        return True

    def add(self, cluster: str, sample: str, given: float) -> None:
        """Count what one score says: 1 or 0 for a hit or none, or the value."""
        if self._simple:
            self._trials[cluster] = self._trials.get(cluster, 0) + 1
            if given:
                self._hits[cluster] = self._hits.get(cluster, 0) + 1
        elif self.metric.kind == "value":
            self._values.setdefault(cluster, array("d")).append(given)
        else:
            samples = self._samples.setdefault(cluster, {})
            samples[sample] = bool(given) or samples.get(sample, False)

    def pool(self, other: Tally) -> None:
        """Take in another tally of the same metric."""
        for mine, others in ((self._hits, other._hits), (self._trials, other._trials)):
            for cluster, counted in others.items():
                mine[cluster] = mine.get(cluster, 0) + counted
        for cluster, samples in other._samples.items():
            for sample, hit in samples.items():
                self.add(cluster, sample, hit)
        for cluster, values in other._values.items():
            self._values.setdefault(cluster, array("d")).extend(values)

    def rows(self) -> dict[str, tuple[float, int]]:
        """Return total and number of each cluster, clusters in order of their ids."""
        clusters, totals, trials = self.columns()
        return dict(zip(clusters, zip(totals, trials, strict=True), strict=True))

    def columns(self) -> tuple[tuple[str, ...], list[float], list[int]]:
        """Return the clusters in order of their ids, and the total and the number of each."""
        # A tally holds one kind of number, so two of the three tables are empty.
        clusters = tuple(sorted(self._trials or self._samples or self._values))
        if self._samples:
            samples = [self._samples[cluster] for cluster in clusters]
            return clusters, [sum(hits.values()) for hits in samples], [len(hits) for hits in samples]
        if self._values:
            values = [self._values[cluster] for cluster in clusters]
            return clusters, [fsum(each) for each in values], [len(each) for each in values]
        return clusters, [self._hits.get(c, 0) for c in clusters], [self._trials[c] for c in clusters]


def given(score: Score, metric: Metric) -> float | None:
    """Return what a score says of its metric: 1 or 0 for a hit or none, or the value; None where it does not apply.

    Raises:
        IntegrityError: it is not of the metric's kind, or out of its range.
    """
    if metric.kind == "event":
        if score.value is not None:
            raise IntegrityError(f"a value for the metric {metric.name!r}, which counts events")
        return None if score.hit is None else float(score.hit)
    if score.hit is not None:
        raise IntegrityError(f"a hit for the metric {metric.name!r}, which is a value")
    if score.value is not None and not metric.low <= score.value <= metric.high:
        raise IntegrityError(f"{score.value:g} for the metric {metric.name!r}, which is {range_of(metric)}")
    return score.value


def range_of(metric: Metric) -> str:
    """Return a value's range in words, such as ``from 0 to 60 s``."""
    return f"from {number(metric.low)} to {amount(metric.high, metric.unit)}"


class Cell:
    """What was counted of one suite under one attack.

    Attributes:
        asked: names of the metrics that its scorers declare.
        made: planned attempts that were made; `errors` those of them that have no score, `inapplicable` those on
            samples that the attack cannot change.
        tallies: by metric.
        silent: by metric, the attempts on which its scorer said nothing.
    """

    __slots__ = ("asked", "errors", "inapplicable", "made", "silent", "tallies")

    def __init__(self, asked: Iterable[str]) -> None:
        self.asked, self.made, self.errors, self.inapplicable = frozenset(asked), 0, 0, 0
        self.tallies: dict[str, Tally] = {}
        self.silent: dict[str, list[Blank]] = {}

    def blank(self, attempt: RecordRow | Attempt) -> None:
        """Note the metrics on which a scored attempt has no word."""
        told = {score.metric for score in attempt.scores if score.hit is not None or score.value is not None}
        for name in self.asked - told:
            self.silent.setdefault(name, []).append(Blank(attempt.cluster, attempt.sample, "abstained"))


class Lost(NamedTuple):
    """The last try of a planned attempt, where that has no score."""

    suite: str
    attack: str
    outcome: Outcome
    id: str
    cluster: str
    sample: str
