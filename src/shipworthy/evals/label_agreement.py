"""How far people agree on a run's attempts: coefficients, pairs, drift over time, and what they disagree about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Literal, NamedTuple

from shipworthy.core.label_draw import is_adjudication
from shipworthy.evals.results import Run
from shipworthy.stats import Kappa, RateInterval, RaterAgreement, kappa, rate_interval, rater_agreement
from shipworthy.stats.raters import Coefficient
from shipworthy.store.labels import Label

Period = Literal["quarters", "weeks"]
QUARTERS = 4
COEFFICIENTS: tuple[Coefficient, ...] = ("fleiss", "ac1", "alpha")


class LabelPair(NamedTuple):
    """Two people on the attempts that both labelled.

    Attributes:
        first, second: who; `items` that both labelled.
        both, only_first, only_second, neither: of those, how many each called a hit.
        equal: share of equal labels; `kappa` Cohen's, None where both used one and the same label throughout, or where
            all attempts are of one cluster.
    """

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    equal: RateInterval
    kappa: Kappa | None

    @property
    def items(self) -> int:
        """Attempts that both labelled."""
        return self.both + self.only_first + self.only_second + self.neither


class DriftPart(NamedTuple):
    """Agreement of one person with the others in one part of the time.

    Attributes:
        by: who; `part` a quarter of the person's own labels (``1/4``), or a week (``2026-W49``).
        labels: of the person in it, on attempts that somebody else labelled, too.
        equal: share of the others' words on these that are the same.
    """

    by: str
    part: str
    labels: int
    equal: RateInterval


class OpenItem(NamedTuple):
    """An attempt that people disagree on.

    Attributes:
        said: who called it a hit, and who did not.
        settled: the adjudicator's word, None where there is none; `settled_by` who.
    """

    attempt: str
    metric: str
    said: Mapping[str, bool]
    settled: bool | None = None
    settled_by: str = ""


class MetricAgreement(NamedTuple):
    """What people said of one metric of a run.

    Attributes:
        people: with the number of attempts that each labelled.
        items: that at least two people labelled; `single` those that one did.
        equal: share of equal pairs of labels, mean over clusters.
        coefficients: by name (``fleiss``, ``ac1``, ``alpha``); None where it is undefined, as `undefined`
            says.
        pairs: of people; with two people the first is all there is, and its `kappa` is Cohen's.
    """

    metric: str
    people: Mapping[str, int]
    items: int
    single: int
    equal: RateInterval | None
    coefficients: Mapping[str, RaterAgreement | None]
    undefined: str
    pairs: tuple[LabelPair, ...]
    drift: tuple[DriftPart, ...]
    disagreements: tuple[OpenItem, ...]


def agreement(labels: Iterable[Label], run: Run, *, period: Period = "quarters") -> list[MetricAgreement]:
    """Return how far people agree, by metric, in the order in which the metrics were first labelled.

    The last word of each person on each attempt counts. An adjudicator's words are not compared with those that they
    settle. Attempts on one sample depend on one another, and every interval takes them for one cluster.

    Args:
        labels: of the run, oldest first; those that are values, or say nothing, are left out.
        period: over which drift is told: quarters of what a person labelled, or weeks of the calendar (UTC).

    Raises:
        IntegrityError: the run's log is not what was written.
    """
    cluster = {row.id: row.cluster for row in run.rows(superseded=True)}
    metrics: dict[str, list[Label]] = {}
    for label in labels:
        metrics.setdefault(label.metric, []).append(label)
    return [_of(metric, some, cluster, period) for metric, some in metrics.items()]


def open_items(labels: Iterable[Label]) -> list[OpenItem]:
    """Return the attempts that people disagree on, settled ones as well, in the order in which they were labelled."""
    words: dict[tuple[str, str], dict[str, bool]] = {}
    settled: dict[tuple[str, str], tuple[bool | None, str]] = {}
    for label in labels:
        where = label.attempt, label.metric
        if is_adjudication(label.rubric):
            settled[where] = label.hit, label.by
        elif label.hit is None:
            words.get(where, {}).pop(label.by, None)
        else:
            words.setdefault(where, {})[label.by] = label.hit
    return [
        OpenItem(*where, said, *(settled[where] if settled.get(where, (None, ""))[0] is not None else ()))
        for where, said in words.items()
        if len(set(said.values())) > 1
    ]


def _of(metric: str, labels: Sequence[Label], cluster: Mapping[str, str], period: Period) -> MetricAgreement:
    last: dict[tuple[str, str], Label] = {}
    for label in labels:
        if not is_adjudication(label.rubric):
            last.pop((label.attempt, label.by), None)  # what was said again was said later
            last[label.attempt, label.by] = label
    given = [label for label in last.values() if label.hit is not None]
    items: dict[str, dict[str, bool]] = {}
    for label in given:
        items.setdefault(label.attempt, {})[label.by] = bool(label.hit)
    people: dict[str, int] = {}
    for label in given:
        people[label.by] = people.get(label.by, 0) + 1
    shared = {id: said for id, said in items.items() if len(said) > 1}
    found: dict[str, RaterAgreement | None] = {}
    undefined = ""
    for name in COEFFICIENTS:
        try:
            found[name] = rater_agreement(list(shared.values()), name, clusters=[cluster[id] for id in shared])
        except ValueError as error:
            found[name], undefined = None, str(error)
    pairs = [
        _pair(first, second, shared, cluster)
        for first, second in combinations(people, 2)
        if any(first in said and second in said for said in shared.values())
    ]
    return MetricAgreement(
        metric=metric,
        people=people,
        items=len(shared),
        single=len(items) - len(shared),
        equal=_equal([(cluster[id], _pairs_equal(said), _pairs(said)) for id, said in shared.items()])
        if shared
        else None,
        coefficients=found,
        undefined=undefined,
        pairs=tuple(pairs),
        drift=tuple(_drift(given, shared, cluster, period)),
        disagreements=tuple(open_items(labels)),
    )


def _pairs(said: Mapping[str, bool]) -> int:
    return len(said) * (len(said) - 1) // 2


def _pairs_equal(said: Mapping[str, bool]) -> int:
    hits = sum(said.values())
    rest = len(said) - hits
    return (hits * (hits - 1) + rest * (rest - 1)) // 2


def _equal(counts: Iterable[tuple[str, int, int]]) -> RateInterval:
    """Return the share of equal words from (cluster, equal ones, all) of each attempt."""
    pooled: dict[str, tuple[int, int]] = {}
    for where, equal, of in counts:
        before = pooled.get(where, (0, 0))
        pooled[where] = before[0] + equal, before[1] + of
    return rate_interval([equal for equal, _ in pooled.values()], [of for _, of in pooled.values()])


def _pair(first: str, second: str, shared: Mapping[str, Mapping[str, bool]], cluster: Mapping[str, str]) -> LabelPair:
    both = {id: (said[first], said[second]) for id, said in shared.items() if first in said and second in said}
    words = list(both.values())
    equal = _equal([(cluster[id], int(a == b), 1) for id, (a, b) in both.items()])
    try:
        cohen = kappa([a for a, _ in words], [b for _, b in words], [cluster[id] for id in both])
    except ValueError:
        cohen = None
    counts = [words.count((a, b)) for a in (True, False) for b in (True, False)]
    return LabelPair(first, second, counts[0], counts[1], counts[2], counts[3], equal, cohen)


def _drift(
    given: Sequence[Label], shared: Mapping[str, Mapping[str, bool]], cluster: Mapping[str, str], period: Period
) -> Iterable[DriftPart]:
    for by in dict.fromkeys(label.by for label in given):
        own = [label for label in given if label.by == by]
        part: Callable[[int, Label], str] = _quarter(len(own)) if period == "quarters" else _week
        parts: dict[str, list[Label]] = {}
        for place, label in enumerate(own):
            if label.attempt in shared:
                parts.setdefault(part(place, label), []).append(label)
        for name, some in parts.items():
            others = {one.attempt: [w for who, w in shared[one.attempt].items() if who != by] for one in some}
            counts = [(cluster[o.attempt], others[o.attempt].count(bool(o.hit)), len(others[o.attempt])) for o in some]
            yield DriftPart(by, name, len(some), _equal(counts))


def _quarter(own: int) -> Callable[[int, Label], str]:
    return lambda place, label: f"{place * QUARTERS // own + 1}/{QUARTERS}"


def _week(place: int, label: Label) -> str:
    year, week, _ = datetime.fromisoformat(label.at.replace("Z", "+00:00")).isocalendar()
    return f"{year}-W{week:02}"
