"""A run read back: counts for statistics, attempts one by one, SQL and data frames, a table for notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from shipworthy.core.attack_name import select
from shipworthy.core.errors import IntegrityError, UsageError, did_you_mean
from shipworthy.core.records import Attempt, Outcome, RunManifest, SuiteUse
from shipworthy.evals.plan import split_try
from shipworthy.store.runlog import read_attempts, read_manifest

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from shipworthy.stats import RateInterval


class Counts(NamedTuple):
    """A metric's counts, one entry a cluster, clusters in order of their ids.

    `errors` are attempts without a score: they are in neither of the two lists.
    """

    hits: list[int]
    trials: list[int]
    clusters: tuple[str, ...]
    errors: int


class SuiteResult(Struct, frozen=True):
    """One metric of one suite, as every table shows it.

    Attributes:
        interval: None where no attempt was scored.
        errors: attempts without a score, left out; `missing` were planned and not made.
    """

    suite: str
    metric: str
    interval: RateInterval | None
    errors: int
    missing: int


class Run:
    """A run on disk. Made by `load`; holds counts, not texts: attempts are read from the log when asked for.

    An attempt that was retried counts once, with its last try; earlier tries stay in the log and are skipped here.

    Attributes:
        directory: where it lies.
        manifest: what it set out to do.
        outcomes: number of attempts by outcome.
        stopped: why the sitting that made this object ended early, or the empty string; not kept on disk.
    """

    def __init__(self, directory: Path, manifest: RunManifest) -> None:
        self.directory, self.manifest, self.stopped = directory, manifest, ""
        self.outcomes: Counter[Outcome] = Counter()
        self._cells: dict[tuple[str, str, str], dict[str, list[int]]] = {}
        self._errors: Counter[tuple[str, str]] = Counter()
        self._made: Counter[str] = Counter()
        self._superseded: set[str] = set()
        self._failed: dict[str, tuple[str, str, Outcome, str]] = {}

    @classmethod
    def load(cls, directory: str | Path) -> Run:
        """Read a run, checking its hash chain.

        Raises:
            UsageError: there is no run in the directory.
            IntegrityError: its log is not what was written.
        """
        directory = Path(directory)
        run = cls(directory, read_manifest(directory))
        for attempt in read_attempts(directory):
            run._count(attempt)
        return run

    def _count(self, attempt: Attempt) -> None:
        planned, tries = split_try(attempt.id)
        if (before := self._failed.pop(planned, None)) is not None:
            suite, attack, outcome, id = before
            self._errors[suite, attack] -= 1
            self.outcomes[outcome] -= 1
            self._superseded.add(id)
        elif tries > 1:
            # Nothing here makes such a record: it would count an attempt twice, or stand in for one that is missing.
            raise IntegrityError(f"{self.directory}: {attempt.id} tries an attempt again that had not failed")
        else:
            self._made[attempt.suite] += 1
        self.outcomes[attempt.outcome] += 1
        if attempt.outcome != "scored":
            self._errors[attempt.suite, attempt.attack] += 1
            self._failed[planned] = attempt.suite, attempt.attack, attempt.outcome, attempt.id
            return
        for score in attempt.scores:
            if score.hit is not None:
                cell = self._cells.setdefault((attempt.suite, score.metric, attempt.attack), {})
                tally = cell.setdefault(attempt.cluster, [0, 0])
                tally[0] += score.hit
                tally[1] += 1

    @property
    def id(self) -> str:
        """``RUN-…``."""
        return self.manifest.id

    def __len__(self) -> int:
        """Return the number of planned attempts that were made, errors included."""
        return self._made.total()

    @property
    def complete(self) -> bool:
        """Whether every planned attempt was made (some of them may have ended in an error)."""
        return len(self) >= self.manifest.planned

    @property
    def errors(self) -> int:
        """Attempts without a score."""
        return len(self._failed)

    @property
    def failed(self) -> dict[str, int]:
        """Ids of planned attempts that have no score, with the number of tries made."""
        return {planned: split_try(id)[1] for planned, (*_, id) in self._failed.items()}

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
        """Return the metrics that were scored in a suite, in order of first appearance."""
        return tuple(dict.fromkeys(metric for name, metric, _ in self._cells if name == suite))

    def counts(self, suite: str, metric: str, attack: str | None = None) -> Counts:
        """Return hits and trials per cluster, for `shipworthy.stats`.

        Args:
            attack: only this one: an id (with any parameters) or a full name; None pools all attacks.

        Raises:
            UsageError: the run has no such suite, or the suite no such attack.
        """
        use = self.suite(suite)
        wanted = set(select(attack, use.attacks))
        if attack is not None and not wanted:
            raise UsageError(f"the suite {suite!r} has no attack {attack!r}: {did_you_mean(attack, use.attacks)}")
        pooled: dict[str, list[int]] = {}
        for name in use.attacks:
            if name in wanted:
                for cluster, (hits, trials) in self._cells.get((suite, metric, name), {}).items():
                    tally = pooled.setdefault(cluster, [0, 0])
                    tally[0] += hits
                    tally[1] += trials
        clusters = tuple(sorted(pooled))
        errors = sum(self._errors[suite, name] for name in wanted)
        return Counts([pooled[c][0] for c in clusters], [pooled[c][1] for c in clusters], clusters, errors)

    def missing(self, suite: str) -> int:
        """Return how many planned attempts of a suite were not made."""
        return self.suite(suite).attempts - self._made[suite]

    def rate(
        self, suite: str, metric: str, attack: str | None = None, *, confidence: float = 0.95
    ) -> RateInterval | None:
        """Return a metric's rate with its interval, or None where nothing was scored.

        The design effect is never taken below the planned one. Arguments and errors as for `counts`.
        """
        from shipworthy.stats import rate_interval

        counts = self.counts(suite, metric, attack)
        if not sum(counts.trials):
            return None
        use = self.suite(suite)
        floor = 1.0 + (use.design_effect - 1.0) * self._share(use, attack)
        return rate_interval(counts.hits, counts.trials, confidence=confidence, min_design_effect=floor)

    @staticmethod
    def _share(use: SuiteUse, attack: str | None) -> float:
        """Return the share of a cluster's other attempts that a filter on attacks keeps, in [0, 1]."""
        if attack is None or not use.samples:
            return 1.0
        each = use.attempts / use.samples
        kept = each * len(select(attack, use.attacks)) / max(1, len(use.attacks))
        return max(0.0, min(1.0, (kept - 1.0) / (each - 1.0))) if each > 1 else 0.0

    def summary(self) -> list[SuiteResult]:
        """Return every metric of every suite, as tables show them; a suite without a score has one empty row."""
        rows = []
        for use in self.manifest.suites:
            errors, missing = sum(self._errors[use.id, attack] for attack in use.attacks), self.missing(use.id)
            for metric in self.metrics(use.id) or ("",):
                interval = self.rate(use.id, metric) if metric else None
                rows.append(SuiteResult(use.id, metric, interval, errors, missing))
        return rows

    def attempts(self, *, superseded: bool = False) -> Iterator[Attempt]:
        """Yield the attempts in the order in which they ended, reading them from the log.

        Args:
            superseded: whether to give also the tries that a later one replaced.

        Raises:
            IntegrityError: the log is not what was written.
        """
        for attempt in read_attempts(self.directory):
            if superseded or attempt.id not in self._superseded:
                yield attempt

    def attempt(self, id: str) -> Attempt:
        """Return one attempt; the id of a planned attempt gives its last try.

        Raises:
            UsageError: there is none with this id.
        """
        last = None
        for attempt in read_attempts(self.directory):
            if attempt.id == id or split_try(attempt.id)[0] == id:
                last = attempt
        if last is None:
            raise UsageError(f"the run {self.id} has no attempt {id!r}: `shipworthy runs samples {self.id}` lists them")
        return last

    def sample(self, id: str, *, suite: str | None = None) -> tuple[Attempt, ...]:
        """Return all attempts on one sample.

        Raises:
            UsageError: there is none.
        """
        found = tuple(a for a in self.attempts() if a.sample == id and suite in (None, a.suite))
        if not found:
            raise UsageError(f"the run {self.id} has no attempt on a sample {id!r}")
        return found

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """Ask in SQL, through DuckDB; the result prints as a table and has ``.df()`` and ``.fetchall()``.

        Tables: ``attempts`` (one row an attempt), ``scores`` (one a metric and attempt), ``guard_events``.

        Raises:
            UsageError: the query is wrong; with DuckDB's own message.
            MissingExtra: DuckDB is not installed: ``pip install "shipworthy[sql]"``.
        """
        from shipworthy.evals.tables import connect

        return connect(self, query)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row an attempt, with a column for every metric (True, False, or missing where it does not apply).

        Raises:
            MissingExtra: pandas is not installed: ``pip install "shipworthy[pandas]"``.
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


COLUMNS = ("suite", "metric", "rate", "95 % interval", "hits / trials", "clusters", "errors left out", "not run")
"""Of the table that the command line and notebooks show, a row a `SuiteResult`."""


def cells(row: SuiteResult) -> tuple[str, ...]:
    """Return a row of that table as text."""
    tail = (f"{row.errors:,}", f"{row.missing:,}")
    if row.interval is None:
        return (row.suite, row.metric, "no score", "", "0 / 0", "0", *tail)
    found = row.interval
    return (
        row.suite,
        row.metric,
        f"{100 * found.rate:.1f} %",
        f"{100 * found.low:.1f} to {100 * found.high:.1f} %",
        f"{found.hits:,} / {found.trials:,}",
        f"{found.clusters:,}",
        *tail,
    )
