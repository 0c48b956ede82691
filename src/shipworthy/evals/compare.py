"""Two runs on the same samples: which rates and means changed, by how much, and on which samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import fsum
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from shipworthy.core.attack_name import matches
from shipworthy.core.records import Metric
from shipworthy.evals.marks import Gap, Mark, Marks
from shipworthy.evals.results import Run, Tally, by_weight

if TYPE_CHECKING:
    from shipworthy.stats import PairedDifference


class Pair(NamedTuple):
    """One attempt of the plan as both runs scored it."""

    new: Mark
    old: Mark


class Hole(NamedTuple):
    """One attempt of the plan that lacks a score in one of the runs, or in both; None is the lacking word."""

    cluster: str
    sample: str
    new: float | None
    old: float | None
    kind: str


class Paired(NamedTuple):
    """What both runs scored, one entry a cluster, clusters in order of their ids.

    Attributes:
        metric: as both runs declare it.
        totals, old_totals: hits of an event, the sum of a value, over the same `trials`.
        errors: planned attempts that lack a score in at least one of the runs; they are in no count.
        unpaired: attempts scored in one run only for another reason: not planned there, changed since, or not
            applicable.
        pairs: the attempts behind the counts.
        apart: of `unpaired` those that are not the same attempt in both runs.
        holes: attempts of both plans without a score in at least one run, those first that weigh most.
    """

    metric: Metric
    totals: list[float]
    trials: list[int]
    old_totals: list[float]
    clusters: tuple[str, ...]
    errors: int
    unpaired: int
    pairs: tuple[Pair, ...]
    apart: int = 0
    holes: tuple[Hole, ...] = ()

    @property
    def unscored(self) -> dict[str, int]:
        """Number of attempts without a score by kind, kinds in order of their names."""
        return dict(sorted(Counter(hole.kind for hole in self.holes).items()))

    def filled(self, bad: int, *, worse: Literal["higher", "lower"]) -> tuple[list[float], list[float], list[int]]:
        """Return totals, old totals and trials as they would be had every hole a score in both runs.

        Args:
            bad: in so many holes, the first ones, what is lacking makes the change as bad as the metric's range
                allows; in the others as good.
            worse: which way is bad.
        """
        metric = self.metric
        now, before = Tally(metric), Tally(metric)
        for new, old in self.pairs:
            now.add(new.cluster, new.sample, new.said)
            before.add(new.cluster, new.sample, old.said)
        for place, hole in enumerate(self.holes):
            rises = (worse == "higher") == (place < bad)
            ends = (metric.high, metric.low) if rises else (metric.low, metric.high)
            now.add(hole.cluster, hole.sample, ends[0] if hole.new is None else hole.new)
            before.add(hole.cluster, hole.sample, ends[1] if hole.old is None else hole.old)
        rows, old_rows = now.rows(), before.rows()
        return [t for t, _ in rows.values()], [old_rows[c][0] for c in rows], [n for _, n in rows.values()]

    @property
    def new(self) -> float:
        """The new run's rate, or mean of a value, over clusters: each counts once. Only where there are pairs."""
        return _level(self.totals, self.trials)

    @property
    def old(self) -> float:
        """The same of the old run."""
        return _level(self.old_totals, self.trials)


def _level(totals: list[float], trials: list[int]) -> float:
    return sum(total / n for total, n in zip(totals, trials, strict=True)) / len(trials)


def pair(new: Marks, old: Marks, suite: str, metric: str, attack: str | None = None) -> Paired:
    """Pair two runs' scores by sample, attack and number.

    Attempts whose sample, attack parameters or seed changed between the runs are not paired. Where the plans' seeds
    differ this cannot be seen from the attempts, so the suite's digest must then be the same.

    Args:
        attack: only this one: an id (with any parameters) or a full name; None pools all attacks.

    Raises:
        UsageError: the new run's suite has no such metric.
    """

    def wanted(name: str) -> bool:
        return attack is None or matches(attack, name)

    mine = {i: m for i, m in new.scored.get((suite, metric), {}).items() if wanted(m.attack)}
    theirs = {i: m for i, m in old.scored.get((suite, metric), {}).items() if wanted(m.attack)}
    same_seed = new.run.manifest.seed == old.run.manifest.seed
    comparable = same_seed or _digest(new.run, suite) == _digest(old.run, suite)
    kept = sorted(
        i
        for i in mine.keys() & theirs.keys()
        if comparable and (not same_seed or mine[i].content_hash == theirs[i].content_hash)
    )
    lost = {i for m in (new, old) for i, gap in m.failed.items() if gap.suite == suite and wanted(gap.attack)}
    unpaired = (mine.keys() | theirs.keys()) - set(kept) - lost
    gaps = [{i: g for i, g in m.gaps(suite, metric).items() if wanted(g.attack)} for m in (new, old)]
    seen: list[dict[str, Mark | Gap]] = [{**mine, **gaps[0]}, {**theirs, **gaps[1]}]
    holes = {
        i: _hole(seen[0][i], seen[1][i])
        for i in seen[0].keys() & seen[1].keys() - set(kept)
        if comparable and (not same_seed or seen[0][i].content_hash == seen[1][i].content_hash)
    }
    declared = new.run.metric(suite, metric)
    now, before = Tally(declared), Tally(declared)
    for i in kept:
        # The new run's cluster for both: pairs stay together.
        now.add(mine[i].cluster, mine[i].sample, mine[i].said)
        before.add(mine[i].cluster, mine[i].sample, theirs[i].said)
    rows, old_rows = now.rows(), before.rows()
    return Paired(
        declared,
        [total for total, _ in rows.values()],
        [n for _, n in rows.values()],
        [old_rows[cluster][0] for cluster in rows],
        tuple(rows),
        len(lost),
        len(unpaired),
        tuple(Pair(mine[i], theirs[i]) for i in kept),
        len((seen[0].keys() | seen[1].keys()) - set(kept) - holes.keys()),
        by_weight(holes.values(), lambda hole: hole.cluster, {c: n for c, (_, n) in rows.items()}),
    )


def _hole(new: Mark | Gap, old: Mark | Gap) -> Hole:
    kind = new.kind if isinstance(new, Gap) else f"{old.kind} in the baseline" if isinstance(old, Gap) else ""
    now, before = (mark.said if isinstance(mark, Mark) else None for mark in (new, old))
    # The new run's cluster for both: pairs stay together.
    return Hole(new.cluster, new.sample, now, before, kind)


def _digest(run: Run, suite: str) -> str:
    return next((use.digest for use in run.manifest.suites if use.id == suite), f"not in {run.id}")


class SampleChange(Struct, frozen=True):
    """One sample whose hits changed, or the sum of its values: `old` and `new` out of `trials` paired attempts."""

    sample: str
    old: float
    new: float
    trials: int


class MetricChange(Struct, frozen=True):
    """One metric of one suite in two runs, over the attempts that both scored.

    Attributes:
        metric: its name; `kind`, `unit` and `good` as its scorer declares them.
        old_rate, new_rate: in [0, 1], of the paired attempts; of a value its mean over samples, in its unit.
        difference, low, high: new minus old with its two-sided interval, in [-1, 1] or the value's unit.
        p_value: two-sided, by relabelling clusters; `adjusted` after Holm over all rows of the comparison.
        verdict: ``worse`` or ``better`` where `adjusted` is at most alpha, ``unclear`` otherwise: never "the same".
        errors: planned attempts without a score in one of the runs, left out; `unpaired` left out for another reason.
        changed: samples whose hits or values changed, largest change first.
    """

    suite: str
    metric: str
    kind: Literal["event", "value"]
    unit: str
    good: Literal["low", "high"]
    old_rate: float
    new_rate: float
    difference: float
    low: float
    high: float
    p_value: float
    adjusted: float
    verdict: str
    trials: int
    clusters: int
    errors: int
    unpaired: int
    changed: tuple[SampleChange, ...]


class Comparison(Struct, frozen=True):
    """Two runs compared.

    Attributes:
        rows: every metric of every suite that both runs scored.
        skipped: (suite, metric) that only one of them has, that they declare differently, or without a single pair.
        warnings: differences between the runs that change what the comparison means.
    """

    new: str
    old: str
    alpha: float
    confidence: float
    rows: tuple[MetricChange, ...]
    skipped: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def compare(new: Run, old: Run, *, alpha: float = 0.05, confidence: float = 0.95) -> Comparison:
    """Compare two runs: paired by attempt, clustered by sample, Holm-corrected over suites and metrics.

    Args:
        alpha: chance, in (0, 1), of any false alarm when nothing changed.
        confidence: of each row's two-sided interval (not corrected), in [0.5, 1).

    Raises:
        IntegrityError: a log is not what was written.

    An unclear row is no evidence that nothing changed: for that, a criterion with a margin (``rise_upper95``).
    """
    from shipworthy.stats import holm

    marks = new.marks, old.marks
    found, skipped = [], []
    for suite, metric in sorted({key for m in marks for key in m.scored}):
        paired = pair(*marks, suite, metric) if same_metric(new, old, suite, metric) else None
        if paired is None or not paired.clusters:
            skipped.append((suite, metric))
            continue
        found.append((suite, paired, _difference(paired, confidence)))
    adjusted = holm([change.p_value for *_, change in found])
    rows = []
    for (suite, paired, change), p in zip(found, adjusted, strict=True):
        measure = paired.metric
        rows.append(
            MetricChange(
                suite=suite,
                metric=measure.name,
                kind=measure.kind,
                unit=measure.unit,
                good=measure.good,
                old_rate=paired.old,
                new_rate=paired.new,
                difference=change.difference,
                low=change.low,
                high=change.high,
                p_value=change.p_value,
                adjusted=float(p),
                verdict=direction(measure, change.difference) if p <= alpha else "unclear",
                trials=sum(paired.trials),
                clusters=len(paired.clusters),
                errors=paired.errors,
                unpaired=paired.unpaired,
                changed=_changed(paired),
            )
        )
    return Comparison(new.id, old.id, alpha, confidence, tuple(rows), tuple(skipped), tuple(_warnings(new, old)))


def _difference(paired: Paired, confidence: float) -> PairedDifference:
    from shipworthy.stats import mean_difference, paired_difference

    new, old, metric = (paired.totals, paired.trials), (paired.old_totals, paired.trials), paired.metric
    if metric.kind == "event":
        return paired_difference(*new, *old, confidence=confidence)
    return mean_difference(*new, *old, low=metric.low, high=metric.high, confidence=confidence)


def same_metric(new: Run, old: Run, suite: str, metric: str) -> bool:
    """Say whether two runs declare a metric, and declare it alike: what differs in kind or range is not comparable."""
    uses = [next((use for use in run.manifest.suites if use.id == suite), None) for run in (new, old)]
    declared = [use.describe(metric) if use is not None else None for use in uses]
    return declared[0] is not None and declared[0] == declared[1]


def direction(metric: Metric, difference: float) -> Literal["better", "worse"]:
    """Return what a change of a metric is; of no change at all, ask first."""
    return "better" if (difference > 0) == (metric.good == "high") else "worse"


def _changed(paired: Paired) -> tuple[SampleChange, ...]:
    table: dict[str, tuple[list[float], list[float]]] = {}
    for new, old in paired.pairs:
        before, now = table.setdefault(new.sample, ([], []))
        before.append(old.said)
        now.append(new.said)
    add = fsum if paired.metric.kind == "value" else lambda hits: int(sum(hits))
    moved = (SampleChange(sample, add(before), add(now), len(now)) for sample, (before, now) in table.items())
    return tuple(sorted((c for c in moved if c.old != c.new), key=lambda c: (-abs(c.new - c.old) / c.trials, c.sample)))


def _warnings(new: Run, old: Run) -> Iterator[str]:
    if new.id == old.id:
        yield "this compares a run with itself"
    if new.manifest.system != old.manifest.system:
        yield f"the runs are of different systems: {new.manifest.system} and {old.manifest.system}"
    if new.manifest.subject_digest == old.manifest.subject_digest and new.id != old.id:
        yield "both runs measured the same subject: a change is chance, or something its description leaves out"
    edited = [u.id for u in new.manifest.suites if u.digest != _digest(old, u.id)]
    if edited:
        yield f"suites that differ between the runs (only equal attempts were paired): {', '.join(edited)}"
    for use in new.manifest.suites:
        for metric in use.metrics:
            other = next((u for u in old.manifest.suites if u.id == use.id), None)
            declared = other.describe(metric.name) if other is not None else None
            if declared is not None and declared != metric:
                yield f"the runs declare {use.id}: {metric.name} differently (kind, range or direction): not compared"
    for run in (new, old):
        if not run.complete:
            yield f"{run.id} is not complete: {len(run):,} of {run.manifest.planned:,} attempts were made"
