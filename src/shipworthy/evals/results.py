"""A run read back: counts for statistics, attempts one by one, SQL and data frames, a table for notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from shipworthy.core import collector
from shipworthy.core.attack_name import select
from shipworthy.core.errors import IntegrityError, UsageError, did_you_mean
from shipworthy.core.finished import INAPPLICABLE, PLANNED, Finished, failed, finished
from shipworthy.core.freshness import Replies, older
from shipworthy.core.records import Attempt, Metric, Outcome, Party, RoleUse, RunManifest, Score, SuiteUse
from shipworthy.core.renamed import metric_hint
from shipworthy.core.roles import RoleTally
from shipworthy.evals.plan import split_try
from shipworthy.evals.suite_result import COLUMNS, SuiteResult, cells
from shipworthy.evals.tally import Blank, Cell, Counts, Lost, Tally, by_weight
from shipworthy.store.reading import RecordRow, RunReading

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from shipworthy.evals.marks import Marks
    from shipworthy.stats import MeanInterval, RateInterval

Visitor = Callable[[RecordRow], None]
"""Is given every record of a run while it is read."""


class Run:
    """A run on disk. Made by `load`; holds counts, not texts: attempts are read from the log when asked for.

    An attempt that was retried counts once, with its last try; earlier tries stay in the log and are skipped here.

    Attributes:
        directory: where it lies.
        manifest: what it set out to do.
        outcomes: number of attempts by outcome.
        s1_hits: ids of the planned attempts with a bad event on a sample of severity S1, as their scorers declare it,
            each with those of its tries that have it.
            Tries that a later one replaced count, too: one scorer saw the hit before another one failed, and asking
            again does not undo it.
        s1_unscored: ids of the planned attempts on samples of severity S1 on which a scorer of something bad gave no
            score in the last try: whether the one hit that is too many is among them is not known.
        notes: what else the sitting that made this object has to say; not kept on disk.
        stopped: why the sitting that made this object ended early, or the empty string; not kept on disk.
    """

    def __init__(self, directory: Path, manifest: RunManifest) -> None:
        self.directory, self.manifest, self.stopped = directory, manifest, ""
        self.notes: tuple[str, ...] = ()
        self.outcomes: Counter[Outcome] = Counter()
        self._oldest = 0.0
        self._reading: RunReading | None = None
        self._roles = RoleTally()
        self.s1_hits: dict[str, list[str]] = {}
        self.s1_unscored: set[str] = set()
        self._declared = {(use.id, metric.name): metric for use in manifest.suites for metric in use.metrics}
        self._cells: dict[tuple[str, str], Cell] = {}
        self._superseded: set[str] = set()
        self._failed: dict[str, Lost] = {}
        self._pooled: dict[tuple[str, str, tuple[str, ...]], Counts] = {}

    @classmethod
    def load(cls, directory: str | Path, *, visit: Visitor | None = None, marks: bool = False) -> Run:
        """Read a run in one pass over its logs, checking their hash chains.

        Args:
            visit: given every record on the way, tries that a later one replaces included: what else is needed of
                them can be taken in the same pass.
            marks: whether to keep what `marks` gives, too: for a run that will be compared.

        Raises:
            UsageError: there is no run in the directory.
            IntegrityError: its log is not what was written.
        """
        from shipworthy.evals.marks import Marks

        reading = RunReading(Path(directory))
        run = cls(reading.directory, reading.manifest)
        kept = Marks(run) if marks else None
        with collector.held_back():
            for row in reading:
                run._count(row)
                if kept is not None:
                    kept.add(row)
                if visit is not None:
                    visit(row)
        run._reading = reading
        if kept is not None:
            run.marks = kept
        return run

    @property
    def reading(self) -> RunReading:
        """The verified files, with the digests that name them."""
        if self._reading is None:
            self._reading = RunReading(self.directory)
        return self._reading

    @cached_property
    def marks(self) -> Marks:
        """All scores by attempt, for comparing; takes a pass over the logs if the run was loaded without."""
        from shipworthy.evals.marks import Marks

        marks = Marks(self)
        for row in self.rows():
            marks.add(row)
        return marks

    @property
    def roles(self) -> dict[Party, RoleUse]:
        """What each role was asked, in all tries."""
        return self._roles.uses

    @property
    def replies(self) -> Replies:
        """How many replies were given in all roles and tries, and how many of them the cache gave."""
        uses = self.roles.values()
        return Replies(sum(u.calls - u.failures for u in uses), sum(u.cached for u in uses), self._oldest)

    def _count(self, attempt: RecordRow | Attempt) -> None:
        self._pooled.clear()
        planned, tries = (attempt.id, 1) if len(attempt.id) == PLANNED else split_try(attempt.id)
        suite, outcome, timing = attempt.suite, attempt.outcome, attempt.timing
        where = suite, attempt.attack
        cell = self._cells.get(where)
        if cell is None:
            cell = self._cells[where] = Cell(name for of, name in self._declared if of == suite)
        if self._failed and (before := self._failed.pop(planned, None)) is not None:
            self._cells[before.suite, before.attack].errors -= 1
            self.outcomes[before.outcome] -= 1
            self._superseded.add(before.id)
        elif tries > 1:
            # Nothing here makes such a record: it would count an attempt twice, or stand in for one that is missing.
            raise IntegrityError(f"{self.directory}: {attempt.id} tries an attempt again that had not failed")
        else:
            cell.made += 1
        self.outcomes[outcome] += 1
        if outcome == INAPPLICABLE:
            cell.inapplicable += 1
            return
        if attempt.severity == "S1":
            self._mark_s1(planned, attempt, cell)
        attempt.count_roles(self._roles)
        if timing.oldest:
            self._oldest = older(self._oldest, timing.oldest)
        if outcome != "scored":
            cell.errors += 1
            self._failed[planned] = Lost(*where, outcome, attempt.id, attempt.cluster, attempt.sample)
            return
        told = 0
        for score in attempt.scores:
            tally = cell.tallies.get(score.metric)
            if tally is None:
                tally = self._tally(cell, score, attempt)
            try:
                told += tally.take(score, attempt.cluster, attempt.sample)
            except IntegrityError as error:
                raise IntegrityError(f"{self.directory}: {attempt.id} has {error}") from None
        if told != len(cell.asked) or told > 1:  # of several, one metric may be there twice and another one not at all
            cell.blank(attempt)

    def _tally(self, cell: Cell, score: Score, attempt: RecordRow | Attempt) -> Tally:
        """Begin the tally of a metric."""
        metric = self._declared.get((attempt.suite, score.metric))
        if metric is None:
            raise IntegrityError(
                f"{self.directory}: {attempt.id} has a score for {score.metric!r}, a metric that the run's "
                f"manifest does not declare for the suite {attempt.suite!r}"
            )
        found = cell.tallies[metric.name] = Tally(metric)
        return found

    def _mark_s1(self, planned: str, attempt: RecordRow | Attempt, cell: Cell) -> None:
        if any(s.hit and self._is_bad(attempt.suite, s.metric) for s in attempt.scores):
            self.s1_hits.setdefault(planned, []).append(attempt.id)
        told = {s.metric for s in attempt.scores if s.hit is not None} if attempt.outcome == "scored" else set()
        self.s1_unscored.discard(planned)
        if any(self._is_bad(attempt.suite, name) for name in cell.asked - told):
            self.s1_unscored.add(planned)

    def _is_bad(self, suite: str, metric: str) -> bool:
        declared = self._declared.get((suite, metric))
        return declared is not None and declared.bad_event

    def take(self, attempt: RecordRow | Attempt) -> None:
        """Count one more attempt, which was made durable after the run was read: what is looked at in between.

        Raises:
            IntegrityError: it tries again what had not failed, or scores what the run's manifest does not declare.
        """
        self._count(attempt)

    @property
    def id(self) -> str:
        """``RUN-…``."""
        return self.manifest.id

    def __len__(self) -> int:
        """Return the number of planned attempts that were made, errors included."""
        return sum(cell.made for cell in self._cells.values())

    @property
    def finished(self) -> Finished:
        """Whether the run is finished by its own stopping rule, and why (some attempts may have ended in an error)."""
        looked = all(not self.missing(use.id) for use in self.manifest.suites)
        return finished(self.manifest.stopping.rule, self.manifest.planned, len(self), concluded=looked)

    @property
    def complete(self) -> bool:
        """Whether the run is finished."""
        return self.finished.yes

    @property
    def errors(self) -> int:
        """Attempts without a score."""
        return len(self._failed)

    @property
    def unscored(self) -> dict[str, int]:
        """Number of attempts without a score of their suite's main metric, by kind: how they failed, or ``abstained``.

        An attempt whose scorer gave no word says as little about the system as one that ended in an error.
        """
        found = {kind: n for kind, n in self.outcomes.items() if n and failed(kind)}
        main = {use.id: use.metric for use in self.manifest.suites}
        silent = sum(len(cell.silent.get(main.get(suite, ""), ())) for (suite, _), cell in self._cells.items())
        return dict(sorted((found | ({"abstained": silent} if silent else {})).items()))

    def inapplicable(self, suite: str, attack: str | None = None) -> dict[str, int]:
        """Return by attack the number of attempts on samples that it cannot change; only attacks that have some.

        Arguments and errors as for `by_attack`.
        """
        names = self._attacks(suite, attack)
        cells = {name: self._cells.get((suite, name)) for name in names}
        return {name: cell.inapplicable for name, cell in cells.items() if cell is not None and cell.inapplicable}

    @property
    def possible(self) -> int:
        """Attempts asked for less those whose attack cannot change their sample, as far as they were made."""
        asked = sum(self.asked(use.id) for use in self.manifest.suites)
        return asked - sum(cell.inapplicable for cell in self._cells.values())

    @property
    def failed(self) -> dict[str, int]:
        """Ids of planned attempts that have no score, with the number of tries made."""
        return {planned: split_try(lost.id)[1] for planned, lost in self._failed.items()}

    @property
    def superseded(self) -> Set[str]:
        """Ids of the tries that a later one replaced: they count in nothing."""
        return self._superseded

    def suite(self, name: str) -> SuiteUse:
        """Return how the run used a suite.

        Raises:
            UsageError: it did not.
        """
        for use in self.manifest.suites:
            if use.id == name:
                return use
        known = [use.id for use in self.manifest.suites]
        raise UsageError(f"the run {self.id} has no suite {name!r}: {did_you_mean(name, known)}")

    def metrics(self, suite: str) -> tuple[str, ...]:
        """Return the metrics that were scored in a suite, in the order in which its scorers declare them."""
        scored = {name for cell in self._cells_of(suite) for name, tally in cell.tallies.items() if tally.scored}
        return tuple(name for where, name in self._declared if where == suite and name in scored)

    def _cells_of(self, suite: str) -> list[Cell]:
        return [cell for (name, _), cell in self._cells.items() if name == suite]

    def metric(self, suite: str, name: str) -> Metric:
        """Return what a suite's scorer declares about a metric: kind, direction, unit, range.

        Raises:
            UsageError: the run has no such suite, or the suite no such metric.
        """
        found = self.suite(suite).describe(name)
        if found is None:
            known = [metric.name for metric in self.suite(suite).metrics]
            raise UsageError(f"the suite {suite!r} has no metric {name!r}: {metric_hint(name, known)}")
        return found

    def counts(self, suite: str, metric: str, attack: str | None = None) -> Counts:
        """Return totals and trials per cluster, for `shipworthy.stats`.

        Args:
            attack: only this one: an id (with any parameters) or a full name; None pools all attacks.

        Raises:
            UsageError: the run has no such suite, or the suite no such metric or attack.
        """
        declared = self.metric(suite, metric)
        return self._counts(suite, declared, self._attacks(suite, attack))

    def by_attack(self, suite: str, metric: str, attack: str | None = None) -> dict[str, Counts]:
        """Return the counts of each attack by itself, by its full name, in the suite's order.

        Arguments and errors as for `counts`.
        """
        declared = self.metric(suite, metric)
        return {name: self._counts(suite, declared, [name]) for name in self._attacks(suite, attack)}

    def _attacks(self, suite: str, attack: str | None) -> list[str]:
        """Return the full names of the attacks asked for, in the suite's order."""
        known = self.suite(suite).attacks
        names = select(attack, known)
        if attack is not None and not names:
            raise UsageError(f"the suite {suite!r} has no attack {attack!r}: {did_you_mean(attack, known)}")
        return names

    def _counts(self, suite: str, declared: Metric, attacks: Sequence[str]) -> Counts:
        """Pool some attacks, each by its full name: once, though the test, the interval and the report all ask."""
        key = suite, declared.name, tuple(attacks)
        found = self._pooled.get(key)
        if found is None:
            found = self._pooled[key] = self._pool(suite, declared, attacks)
        return found

    def _pool(self, suite: str, declared: Metric, attacks: Sequence[str]) -> Counts:
        metric = declared.name
        cells = [self._cells[suite, name] for name in attacks if (suite, name) in self._cells]
        tallies = [cell.tallies[metric] for cell in cells if metric in cell.tallies]
        if len(tallies) != 1:
            pooled = Tally(declared)
            for tally in tallies:
                pooled.pool(tally)
            tallies = [pooled]
        clusters, totals, trials = tallies[0].columns()
        errors = sum(cell.errors for cell in cells)
        blanks = [blank for cell in cells for blank in cell.silent.get(metric, ())]
        blanks += [
            Blank(lost.cluster, lost.sample, lost.outcome)
            for lost in self._failed.values()
            if lost.suite == suite and lost.attack in attacks
        ]
        scored = dict(zip(clusters, trials, strict=True)) if blanks else {}
        weighed = by_weight(blanks, lambda blank: blank.cluster, scored)
        return Counts(totals, trials, clusters, errors, tallies[0], weighed)

    def missing(self, suite: str) -> int:
        """Return how many attempts of a suite were asked for and not made."""
        return self.asked(suite) - self.made(suite)

    def made(self, suite: str, attack: str | None = None) -> int:
        """Return how many planned attempts of a suite were made, errors included. Arguments as for `counts`."""
        cells = (self._cells.get((suite, name)) for name in self._attacks(suite, attack))
        return sum(cell.made for cell in cells if cell is not None)

    def asked(self, suite: str) -> int:
        """Return how many attempts of a suite must be made: all, or in a sequential run those up to the next look."""
        use, made = self.suite(suite), self.made(suite)
        return next((look for look in use.looks if look >= made), use.attempts)

    def rate(
        self, suite: str, metric: str, attack: str | None = None, *, confidence: float = 0.95
    ) -> RateInterval | None:
        """Return an event's rate with its interval, or None where nothing was scored.

        The rate is the mean over samples of their share of hits. Arguments and errors as for `counts`.

        Raises:
            UsageError: the metric is a value, which has a mean.
        """
        from shipworthy.stats import rate_interval

        declared = self.metric(suite, metric)
        if declared.kind == "value":
            raise UsageError(f"the metric {metric!r} is a value, not an event: ask for its mean")
        counts = self.counts(suite, metric, attack)
        if not sum(counts.trials):
            return None
        return rate_interval(counts.totals, counts.trials, confidence=confidence)

    def mean(
        self, suite: str, metric: str, attack: str | None = None, *, confidence: float = 0.95
    ) -> MeanInterval | None:
        """Return a value's mean over samples with its interval, or None where nothing was scored.

        Each cluster counts once, however many attempts were scored on it. Arguments and errors as for `counts`.

        Raises:
            UsageError: the metric is an event, which has a rate.
        """
        from shipworthy.stats import mean_interval

        declared = self.metric(suite, metric)
        if declared.kind == "event":
            raise UsageError(f"the metric {metric!r} is an event, not a value: ask for its rate")
        counts = self.counts(suite, metric, attack)
        if not sum(counts.trials):
            return None
        return mean_interval(counts.totals, counts.trials, low=declared.low, high=declared.high, confidence=confidence)

    def result(self, suite: str, metric: str, attack: str | None = None) -> SuiteResult:
        """Return one metric's rate or mean, as tables show it. Arguments and errors as for `counts`."""
        declared = self.metric(suite, metric)
        estimate = self.rate if declared.kind == "event" else self.mean
        errors = self.counts(suite, metric, attack).errors
        out = sum(self.inapplicable(suite, attack).values())
        return SuiteResult(
            suite, metric, estimate(suite, metric, attack), errors, self.missing(suite), declared.unit, out
        )

    def summary(self) -> list[SuiteResult]:
        """Return every metric of every suite, as tables show them; a suite without a score has one empty row."""
        rows = []
        for use in self.manifest.suites:
            rows += [self.result(use.id, metric) for metric in self.metrics(use.id)]
            if not self.metrics(use.id):
                errors = sum(
                    self._cells[at].errors for attack in use.attacks if (at := (use.id, attack)) in self._cells
                )
                out = sum(self.inapplicable(use.id).values())
                rows.append(SuiteResult(use.id, "", None, errors, self.missing(use.id), inapplicable=out))
        return rows

    def attempts(self, *, superseded: bool = False) -> Iterator[Attempt]:
        """Yield the attempts in the order in which they ended, reading them from the log.

        Args:
            superseded: whether to give also the tries that a later one replaced.

        Raises:
            IntegrityError: the log is not what was written.
        """
        return (row.attempt() for row in self.rows(superseded=superseded))

    def rows(self, *, superseded: bool = False) -> Iterator[RecordRow]:
        """Yield what is counted of each attempt: `attempts`, several times as fast.

        Args:
            superseded: whether to give also the tries that a later one replaced.

        Raises:
            IntegrityError: the log is not what was written.
        """
        for row in RunReading(self.directory):
            if superseded or row.id not in self._superseded:
                yield row

    def attempt(self, id: str) -> Attempt:
        """Return one attempt; the id of a planned attempt gives its last try.

        Raises:
            UsageError: there is none with this id.
        """
        last, tries = self.reading.attempt(id), 2
        while last is not None and (later := self.reading.attempt(f"{id}-{tries}")) is not None:
            last, tries = later, tries + 1
        if last is None:
            raise UsageError(f"the run {self.id} has no attempt {id!r}: `shipworthy runs samples {self.id}` lists them")
        return last

    def sample(self, id: str, *, suite: str | None = None) -> tuple[Attempt, ...]:
        """Return all attempts on one sample.

        Raises:
            UsageError: there is none.
        """
        found = tuple(row.attempt() for row in self.rows() if row.sample == id and suite in (None, row.suite))
        if not found:
            raise UsageError(f"the run {self.id} has no attempt on a sample {id!r}")
        return found

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """Ask in SQL, through DuckDB; the result prints as a table and has ``.df()`` and ``.fetchall()``.

        Tables: ``attempts`` (one row an attempt), ``scores`` (one a metric and attempt), ``guard_events``.

        Raises:
            UsageError: the query is wrong; with DuckDB's own message.
            MissingExtra: DuckDB is not installed (the extra ``sql``).
        """
        from shipworthy.evals.tables import connect

        return connect(self, query)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row an attempt, with a column for every metric.

        An event is True or False, a value its number; missing where the metric does not apply.

        Raises:
            MissingExtra: pandas is not installed (the extra ``pandas``).
        """
        from shipworthy.core.extras import require
        from shipworthy.evals.tables import wide

        require("pandas", extra="pandas")
        frame: pd.DataFrame = wide(self).df()
        return frame

    def __repr__(self) -> str:
        state = "complete" if self.complete else f"{len(self):,} of {self.manifest.planned:,} attempts"
        return f"<Run {self.id}: plan {self.manifest.plan}, {state}, {self.errors:,} errors>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells(row)) + "</tr>" for row in self.summary()
        )
        guards = "with guards" if self.manifest.guards else "without guards"
        state = "complete" if self.complete else f"{len(self):,} of {self.manifest.planned:,} attempts made"
        caption = f"{self.id} · plan {self.manifest.plan} · {guards} · {state}"
        return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def several(runs: Run | Sequence[Run] | None) -> tuple[Run, ...]:
    """Return one run, some, or none as a tuple."""
    return () if runs is None else (runs,) if isinstance(runs, Run) else tuple(runs)
