"""Two runs on the same samples: which rates and means changed, by how much, and on which samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import fsum
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from shipworthy.core.attack_name import matches
from shipworthy.core.records import Metric, SuiteUse
from shipworthy.evals.marks import Gap, Mark, Marks
from shipworthy.evals.replicates import check_replicates
from shipworthy.evals.results import Run
from shipworthy.evals.tally import Tally, by_weight

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
        others: totals of further runs of the old system, one list a run, over the same `trials`.
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
    others: tuple[list[float], ...] = ()

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

    @property
    def old_levels(self) -> list[float]:
        """The same of every run of the old system, the one that is paired first."""
        return [_level(totals, self.trials) for totals in (self.old_totals, *self.others)]

    @property
    def pooled(self) -> tuple[list[float], list[int]]:
        """Totals and trials of all runs of the old system together."""
        runs = (self.old_totals, *self.others)
        return [fsum(totals) for totals in zip(*runs, strict=True)], [len(runs) * n for n in self.trials]


def _level(totals: list[float], trials: list[int]) -> float:
    return sum(total / n for total, n in zip(totals, trials, strict=True)) / len(trials)


def pair(
    new: Marks, old: Marks, suite: str, metric: str, attack: str | None = None, *, beside: Sequence[Marks] = ()
) -> Paired:
    """Pair two runs' scores by sample, attack and number.

    Attempts whose sample, attack parameters or seed changed between the runs are not paired. Where the plans' seeds
    differ this cannot be seen from the attempts, so the suite's digest must then be the same.

    Args:
        attack: only this one: an id (with any parameters) or a full name; None pools all attacks.
        beside: further runs of the old one's plan, seed and files; only attempts that they scored, too, are paired.

    Raises:
        UsageError: the new run's suite has no such metric.
    """

    def wanted(name: str) -> bool:
        return attack is None or matches(attack, name)

    mine = {i: m for i, m in new.scored.get((suite, metric), {}).items() if wanted(m.attack)}
    theirs = {i: m for i, m in old.scored.get((suite, metric), {}).items() if wanted(m.attack)}
    same_seed = new.run.manifest.seed == old.run.manifest.seed
    further = [m.scored.get((suite, metric), {}) for m in beside]
    comparable = same_seed or _digest(new.run, suite) == _digest(old.run, suite)
    kept = sorted(
        i
        for i in mine.keys() & theirs.keys()
        if comparable and (not same_seed or mine[i].content_hash == theirs[i].content_hash)
        if all(i in scored for scored in further)
    )
    lost = {i for m in (new, old, *beside) for i, gap in m.failed.items() if gap.suite == suite and wanted(gap.attack)}
    unpaired = (mine.keys() | theirs.keys()) - set(kept) - lost
    gaps = [{i: g for i, g in m.gaps(suite, metric).items() if wanted(g.attack)} for m in (new, old)]
    seen: list[dict[str, Mark | Gap]] = [{**mine, **gaps[0]}, {**theirs, **gaps[1]}]
    holes = {
        i: _hole(seen[0][i], seen[1][i])
        for i in sorted(seen[0].keys() & seen[1].keys() - set(kept))  # so that the order of equals is no accident
        if comparable and (not same_seed or seen[0][i].content_hash == seen[1][i].content_hash)
    }
    declared = new.run.metric(suite, metric)
    tallies = [Tally(declared) for _ in range(2 + len(further))]
    for i in kept:
        # The new run's cluster for all: pairs stay together.
        for tally, scored in zip(tallies, (mine, theirs, *further), strict=True):
            tally.add(mine[i].cluster, mine[i].sample, scored[i].said)
    rows, old_rows, *more_rows = (tally.rows() for tally in tallies)
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
        tuple([each[cluster][0] for cluster in rows] for each in more_rows),
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
    """One metric of one suite in two runs, over the attempts that both scored, and every replicate.

    Attributes:
        metric: its name; `kind`, `unit` and `good` as its scorer declares them.
        old_rate, new_rate: in [0, 1], of the paired attempts; of a value its mean over samples, in its unit. With
            replicates the old one is the mean over all runs of the old system.
        difference, low, high: new minus old with its two-sided interval, in [-1, 1] or the value's unit.
        p_value: two-sided, by relabelling clusters; with replicates, not below that of the runs' own spread.
        adjusted: after correction over all rows of the comparison, see `shipworthy.stats.gatekeeping`.
        verdict: ``worse`` or ``better`` where `adjusted` is at most alpha, ``unclear`` otherwise: never "the same";
            ``not tested`` where the suite's primary metric is unclear.
        errors: planned attempts without a score in one of the runs, left out; `unpaired` left out for another reason.
        changed: samples whose hits or values changed, largest change first.
        primary: whether it is its suite's primary metric.
        spread: standard deviation of the old runs' levels, in the unit of `difference`; None without replicates.
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
    primary: bool = True
    spread: float | None = None


class Comparison(Struct, frozen=True):
    """Two runs compared.

    Attributes:
        rows: every metric of every suite that both runs scored, a suite's primary one first.
        skipped: (suite, metric) that only one of them has, that they declare differently, or without a single pair.
        warnings: differences between the runs that change what the comparison means.
        subject: digest of what the new run measured; `old_subject` of what the old run and all replicates measured,
            with files of digest `old_spec`.
        replicates: ids of further runs of the old system.
        meaning: sentences that belong beside the rows: what was tested first, and what a shift of a whole run does.
    """

    new: str
    old: str
    alpha: float
    confidence: float
    rows: tuple[MetricChange, ...]
    skipped: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    subject: str
    old_subject: str
    old_spec: str
    replicates: tuple[str, ...]
    meaning: tuple[str, ...]


def compare(
    new: Run, old: Run, *, replicates: Sequence[Run] = (), alpha: float = 0.05, confidence: float = 0.95
) -> Comparison:
    """Compare two runs: paired by attempt, clustered by sample, each suite's primary metric first.

    Args:
        replicates: further runs of the old system, at least three, or none. With them, intervals and p-values allow
            for shifts of whole runs, as `shipworthy.stats.run_shift` does; without, such a shift looks like a change.
        alpha: chance, in (0, 1), of any false alarm when nothing changed.
        confidence: of each row's two-sided interval (not corrected), in [0.5, 1).

    Raises:
        UsageError: replicates that are none, see `check_replicates`.
        IntegrityError: a log is not what was written.

    An unclear row is no evidence that nothing changed: for that, a criterion with a margin (``rise_upper95``).
    """
    from shipworthy.stats import gatekeeping

    if replicates:
        check_replicates(new, old, replicates)
    marks, beside = (new.marks, old.marks), [run.marks for run in replicates]
    found, skipped = [], []
    for suite, metric in sorted({key for m in marks for key in m.scored}):
        same = same_metric(new, old, suite, metric)
        paired = pair(*marks, suite, metric, beside=beside) if same else None
        if paired is None or not paired.clusters:
            skipped.append((suite, metric))
            continue
        found.append((suite, paired))
    compared: dict[str, list[str]] = {}
    for suite, paired in found:
        compared.setdefault(suite, []).append(paired.metric.name)
    first = {suite: _primary(old, suite, metrics) for suite, metrics in compared.items()}
    found.sort(key=lambda each: (each[0], first[each[0]] != each[1].metric.name, each[1].metric.name))
    measured = [_difference(paired, confidence) for _, paired in found]
    primary = [first[suite] == paired.metric.name for suite, paired in found]
    adjusted = gatekeeping([change.p_value for change, _ in measured], [suite for suite, _ in found], primary)
    closed = {suite for (suite, _), p, is_first in zip(found, adjusted, primary, strict=True) if is_first and p > alpha}
    rows = []
    for (suite, paired), (change, spread), p, is_first in zip(found, measured, adjusted, primary, strict=True):
        measure = paired.metric
        said = direction(measure.good, change.difference) if p <= alpha else "unclear"
        rows.append(
            MetricChange(
                suite=suite,
                metric=measure.name,
                kind=measure.kind,
                unit=measure.unit,
                good=measure.good,
                old_rate=sum(paired.old_levels) / len(paired.old_levels),
                new_rate=paired.new,
                difference=change.difference,
                low=change.low,
                high=change.high,
                p_value=change.p_value,
                adjusted=float(p),
                verdict="not tested" if suite in closed and not is_first else said,
                trials=sum(paired.trials),
                clusters=len(paired.clusters),
                errors=paired.errors,
                unpaired=paired.unpaired,
                changed=_changed(paired),
                primary=is_first,
                spread=spread,
            )
        )
    return Comparison(
        new=new.id,
        old=old.id,
        alpha=alpha,
        confidence=confidence,
        rows=tuple(rows),
        skipped=tuple(skipped),
        warnings=(*_warnings(new, old, replicates), *_unnamed(new, old, compared, first)),
        subject=new.manifest.subject_digest,
        old_subject=old.manifest.subject_digest,
        old_spec=old.manifest.spec_digest,
        replicates=tuple(run.id for run in replicates),
        meaning=(*_meaning(alpha, len(replicates), len(rows) > len(compared)), *apart(rows)),
    )


def _primary(old: Run, suite: str, compared: Sequence[str]) -> str | None:
    """Return the primary metric of a suite: the old run's word, which stood before the new one was measured."""
    named = _use(old, suite).metric
    if named in compared:
        return named
    return compared[0] if len(compared) == 1 else None


def _unnamed(new: Run, old: Run, compared: dict[str, list[str]], first: dict[str, str | None]) -> Iterator[str]:
    for suite, metrics in compared.items():
        before, now = _use(old, suite).metric, _use(new, suite).metric
        if first[suite] is None:
            yield (
                f"the suite {suite} has no primary metric among those compared ({', '.join(metrics)}): "
                f"all of them are corrected together (Holm)"
            )
        elif before != now and len(metrics) > 1:
            yield f"the runs name other primary metrics of {suite} ({before}, then {now}): the old one is tested first"


def _use(run: Run, suite: str) -> SuiteUse:
    return next(use for use in run.manifest.suites if use.id == suite)


def _meaning(alpha: float, replicates: int, several: bool) -> Iterator[str]:
    if several:
        yield (
            "Each suite's primary metric is tested first; its other metrics are tested only where that one changed, "
            'and are "not tested" otherwise: look at their intervals.'
        )
    else:
        yield "P-values are corrected over all suites."
    if not replicates:
        yield (
            f"Any false alarm when nothing shifts: at most {100 * alpha:g} %. But without replicate runs of the old "
            f"system, a shift of the whole run (a provider's bad day) cannot be told from a change."
        )
    else:
        yield (
            f"Any false alarm: at most {100 * alpha:g} %, shifts of whole runs included, as {replicates + 1} runs of "
            f"the old system show them. If they were made on one day, they do not show what another day does."
        )


def _difference(paired: Paired, confidence: float) -> tuple[PairedDifference, float | None]:
    """Return the change of one metric, and how much the old runs differ in it, in its unit; None without replicates.

    With replicates the p-value is the larger of two: by pairs, which holds whatever the law where no run is shifted,
    and by runs, which holds where runs are. The interval allows for both, sampling and shifts, as independent.
    """
    from dataclasses import replace
    from math import hypot

    from shipworthy.stats import run_shift

    change = _by_pairs(paired, (paired.old_totals, paired.trials), confidence)
    if not paired.others:
        return change, None
    low, high = (paired.metric.low, paired.metric.high) if paired.metric.kind == "value" else (0.0, 1.0)
    shift = run_shift(paired.new, paired.old_levels, len(paired.clusters), low=low, high=high, confidence=confidence)
    pooled = _by_pairs(paired, paired.pooled, confidence)
    down, up = hypot(pooled.difference - pooled.low, shift.down), hypot(pooled.high - pooled.difference, shift.up)
    widest = high - low
    return (
        replace(
            pooled,
            low=max(pooled.difference - down, -widest),
            high=min(pooled.difference + up, widest),
            p_value=max(change.p_value, shift.p_value),
        ),
        shift.spread,
    )


def _by_pairs(paired: Paired, old: tuple[list[float], list[int]], confidence: float) -> PairedDifference:
    from shipworthy.stats import mean_difference, paired_difference

    new, metric = (paired.totals, paired.trials), paired.metric
    if metric.kind == "event":
        return paired_difference(*new, *old, confidence=confidence)
    return mean_difference(*new, *old, low=metric.low, high=metric.high, confidence=confidence)


def same_metric(new: Run, old: Run, suite: str, metric: str) -> bool:
    """Say whether two runs declare a metric, and declare it alike: what differs in kind or range is not comparable."""
    uses = [next((use for use in run.manifest.suites if use.id == suite), None) for run in (new, old)]
    declared = [use.describe(metric) if use is not None else None for use in uses]
    return declared[0] is not None and declared[0] == declared[1]


def apart(rows: Iterable[MetricChange]) -> Iterator[str]:
    """Yield why an interval and a verdict seem to disagree, where they do: it holds zero beside one, or not without."""
    rows = list(rows)
    if any(row.verdict in ("better", "worse") and row.low <= 0 <= row.high for row in rows):
        yield (
            "An interval may hold zero beside a verdict: intervals make no assumption on how hits are spread over "
            "samples and are wider for it, while the test asks only whether old and new could be swapped."
        )
    if any(row.verdict == "unclear" and not row.low <= 0 <= row.high for row in rows):
        yield (
            'An interval may leave zero out beside "unclear": it speaks for one change by itself, while the verdict is '
            "the test's, corrected over all changes that are looked at."
        )


def direction(good: Literal["low", "high"], difference: float) -> Literal["better", "worse"]:
    """Return what a change of a metric is that is good low or high; of no change at all, ask first."""
    return "better" if (difference > 0) == (good == "high") else "worse"


def _changed(paired: Paired) -> tuple[SampleChange, ...]:
    table: dict[str, tuple[list[float], list[float]]] = {}
    for new, old in paired.pairs:
        before, now = table.setdefault(new.sample, ([], []))
        before.append(old.said)
        now.append(new.said)
    add = fsum if paired.metric.kind == "value" else lambda hits: int(sum(hits))
    moved = (SampleChange(sample, add(before), add(now), len(now)) for sample, (before, now) in table.items())
    return tuple(sorted((c for c in moved if c.old != c.new), key=lambda c: (-abs(c.new - c.old) / c.trials, c.sample)))


def _warnings(new: Run, old: Run, replicates: Sequence[Run] = ()) -> Iterator[str]:
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
    for run in (new, old, *replicates):
        if not run.complete:
            yield f"{run.id} is not complete: {len(run):,} of {run.manifest.planned:,} attempts were made"
