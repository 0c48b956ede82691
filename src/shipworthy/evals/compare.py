"""Two runs on the same samples: which rates changed, by how much, and on which samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from shipworthy.core.attack_name import matches
from shipworthy.evals.plan import split_try
from shipworthy.evals.results import Run
from shipworthy.evals.transcripts import GOOD_METRICS


class Mark(NamedTuple):
    """One metric's word on one attempt."""

    sample: str
    cluster: str
    attack: str
    content_hash: str
    hit: bool


class Marks:
    """All scores of a run by the id of the planned attempt: what pairing two runs needs, without any text.

    Attributes:
        scored: (suite, metric) -> attempt id -> `Mark`; an attempt that was retried stands with its last try.
        failed: attempt id -> (suite, attack) of the attempts without a score.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.scored: defaultdict[tuple[str, str], dict[str, Mark]] = defaultdict(dict)
        self.failed: dict[str, tuple[str, str]] = {}
        for attempt in run.attempts():
            planned, _ = split_try(attempt.id)
            if attempt.outcome != "scored":
                self.failed[planned] = attempt.suite, attempt.attack
                continue
            for score in attempt.scores:
                if score.hit is not None:
                    mark = Mark(attempt.sample, attempt.cluster, attempt.attack, attempt.content_hash, score.hit)
                    self.scored[attempt.suite, score.metric][planned] = mark


class Pair(NamedTuple):
    """One attempt of the plan as both runs scored it."""

    new: Mark
    old: Mark


class Paired(NamedTuple):
    """Counts over attempts that both runs scored, one entry a cluster, clusters in order of their ids.

    Attributes:
        errors: planned attempts that lack a score in at least one of the runs; they are in no count.
        unpaired: attempts scored in one run only for another reason: not planned there, changed since, or not
            applicable.
        pairs: the attempts behind the counts.
    """

    hits: list[int]
    trials: list[int]
    old_hits: list[int]
    clusters: tuple[str, ...]
    errors: int
    unpaired: int
    pairs: tuple[Pair, ...]


def pair(new: Marks, old: Marks, suite: str, metric: str, attack: str | None = None) -> Paired:
    """Pair two runs' scores by sample, attack and number.

    Attempts whose sample, attack parameters or seed changed between the runs are not paired. Where the plans' seeds
    differ this cannot be seen from the attempts, so the suite's digest must then be the same.

    Args:
        attack: only this one: an id (with any parameters) or a full name; None pools all attacks.
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
    lost = {i for marks in (new, old) for i, (where, by) in marks.failed.items() if where == suite and wanted(by)}
    unpaired = (mine.keys() | theirs.keys()) - set(kept) - lost
    table: dict[str, list[int]] = {}
    for i in kept:
        row = table.setdefault(mine[i].cluster, [0, 0, 0])
        row[0] += mine[i].hit
        row[1] += 1
        row[2] += theirs[i].hit
    clusters = tuple(sorted(table))
    hits, trials, old_hits = ([table[c][column] for c in clusters] for column in range(3))
    pairs = tuple(Pair(mine[i], theirs[i]) for i in kept)
    return Paired(hits, trials, old_hits, clusters, len(lost), len(unpaired), pairs)


def _digest(run: Run, suite: str) -> str:
    return next((use.digest for use in run.manifest.suites if use.id == suite), f"not in {run.id}")


class SampleChange(Struct, frozen=True):
    """One sample whose hits changed: `old` and `new` out of `trials` paired attempts."""

    sample: str
    old: int
    new: int
    trials: int


class MetricChange(Struct, frozen=True):
    """One metric of one suite in two runs, over the attempts that both scored.

    Attributes:
        old_rate, new_rate: in [0, 1], of the paired attempts.
        difference, low, high: new minus old with its two-sided interval, in [-1, 1].
        p_value: two-sided, by relabelling clusters; `adjusted` after Holm over all rows of the comparison.
        verdict: ``worse`` or ``better`` where `adjusted` is at most alpha, ``unclear`` otherwise: never "the same".
        errors: planned attempts without a score in one of the runs, left out; `unpaired` left out for another reason.
        changed: samples whose hits changed, largest change first.
    """

    suite: str
    metric: str
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
        skipped: (suite, metric) that only one of them has, or without a single pair.
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
    from shipworthy.stats import holm, paired_difference

    marks = Marks(new), Marks(old)
    found, skipped = [], []
    for suite, metric in sorted({key for m in marks for key in m.scored}):
        paired = pair(*marks, suite, metric)
        if not paired.clusters:
            skipped.append((suite, metric))
            continue
        trials = paired.trials
        change = paired_difference(paired.hits, trials, paired.old_hits, trials, confidence=confidence)
        found.append((suite, metric, paired, change))
    adjusted = holm([change.p_value for *_, change in found])
    rows = []
    for (suite, metric, paired, change), p in zip(found, adjusted, strict=True):
        total = sum(paired.trials)
        rows.append(
            MetricChange(
                suite=suite,
                metric=metric,
                old_rate=sum(paired.old_hits) / total,
                new_rate=sum(paired.hits) / total,
                difference=change.difference,
                low=change.low,
                high=change.high,
                p_value=change.p_value,
                adjusted=float(p),
                verdict=_verdict(metric, change.difference) if p <= alpha else "unclear",
                trials=total,
                clusters=len(paired.clusters),
                errors=paired.errors,
                unpaired=paired.unpaired,
                changed=_changed(paired.pairs),
            )
        )
    return Comparison(new.id, old.id, alpha, confidence, tuple(rows), tuple(skipped), tuple(_warnings(new, old)))


def _verdict(metric: str, difference: float) -> str:
    return "better" if (difference > 0) == (metric in GOOD_METRICS) else "worse"


def _changed(pairs: tuple[Pair, ...]) -> tuple[SampleChange, ...]:
    table: dict[str, list[int]] = {}
    for new, old in pairs:
        row = table.setdefault(new.sample, [0, 0, 0])
        row[0] += old.hit
        row[1] += new.hit
        row[2] += 1
    moved = (SampleChange(sample, *row) for sample, row in table.items() if row[0] != row[1])
    return tuple(sorted(moved, key=lambda c: (-abs(c.new - c.old) / c.trials, c.sample)))


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
    for run in (new, old):
        if not run.complete:
            yield f"{run.id} is not complete: {len(run):,} of {run.manifest.planned:,} attempts were made"
