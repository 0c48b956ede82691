"""Several runs on the same suites side by side: targets, prompts, models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from shipworthy.core.attack_name import matches
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.events import Usage
from shipworthy.evals.compare import MetricChange, compare, direction
from shipworthy.evals.results import Run
from shipworthy.evals.suite_result import SuiteResult


class Column(Struct, frozen=True):
    """One run.

    Attributes:
        name: what a reader calls it: its target's name, or its id.
        subject: digest of what was measured; `guards` of the pipeline, empty for none.
        made, planned: attempts.
        usage: tokens and money of all that was asked, in every role.
    """

    name: str
    run: str
    subject: str
    guards: str
    made: int
    planned: int
    usage: Usage = Usage()


class MetricRow(Struct, frozen=True):
    """One metric of one suite.

    Attributes:
        good: which way is good.
        cells: one a column; None where the run has no such suite or metric.
        changes: one a column against the baseline, paired; None for the baseline, and where there is none to pair.
    """

    suite: str
    metric: str
    good: str
    cells: tuple[SuiteResult | None, ...]
    changes: tuple[MetricChange | None, ...]


class SideBySide(Struct, frozen=True):
    """Runs side by side. Rates next to each other are no comparison: only `MetricRow.changes` are.

    Attributes:
        baseline: index of the column that the others are compared with; None for none.
        alpha: chance of any false alarm over all changes of the table, by Holm's correction.
        warnings: what a reader must know before the numbers mean anything.
    """

    columns: tuple[Column, ...]
    rows: tuple[MetricRow, ...]
    baseline: int | None
    alpha: float
    warnings: tuple[str, ...]


class ColumnAnswer(Struct, frozen=True):
    """What one run answered in one place of the plan: the text as it was stored, and the metrics that are hits.

    Attributes:
        outcome: ``scored``, or which error; empty where the run has no such attempt.
    """

    attempt: str
    outcome: str
    text: str
    hits: tuple[str, ...]


class PlanPlace(Struct, frozen=True):
    """One sample under one attack, the number of the attempt counted from 1; `answers` one a column."""

    sample: str
    attack: str
    number: int
    answers: tuple[ColumnAnswer, ...]

    @property
    def apart(self) -> bool:
        """Whether the runs scored it differently, or only some of them scored it."""
        return len({(answer.outcome == "scored", answer.hits) for answer in self.answers}) > 1


def side_by_side(
    runs: Sequence[Run], names: Sequence[str], *, baseline: int | None = None, alpha: float = 0.05
) -> SideBySide:
    """Put runs side by side.

    Args:
        runs: two or more, each once.
        names: of the columns, as many.
        baseline: index of the run that the others are compared with, pair by pair.
        alpha: in (0, 1): the chance of any false alarm in the table when nothing differs.

    Raises:
        UsageError: fewer than two runs, or one twice.
        IntegrityError: a log is not what was written.

    It ranks nothing. The best of many columns looks better than it is; measure the one you choose again, on a fresh
    draw (`eval --fresh`), before you believe its rates.
    """
    if len(runs) < 2:
        raise UsageError("side by side stand at least two runs")
    if len({run.id for run in runs}) < len(runs):
        raise UsageError("a run is named twice")
    from shipworthy.stats import holm

    found = [None if baseline in (None, i) else compare(run, runs[baseline]) for i, run in enumerate(runs)]
    changes = {(i, row.suite, row.metric): row for i, made in enumerate(found) if made is not None for row in made.rows}
    adjusted = dict(zip(changes, holm([row.p_value for row in changes.values()]), strict=True))
    rows = []
    for suite, metric in _metrics(runs):
        cells = tuple(run.result(suite, metric) if _has(run, suite, metric) else None for run in runs)
        beside = tuple(
            _with(changes[key], adjusted[key], alpha) if (key := (i, suite, metric)) in changes else None
            for i in range(len(runs))
        )
        good = next(run.metric(suite, metric).good for run in runs if _has(run, suite, metric))
        rows.append(MetricRow(suite, metric, good, cells, beside))
    columns = tuple(
        Column(name, r.id, r.manifest.subject_digest, r.manifest.guards, len(r), r.manifest.planned, _usage(r))
        for name, r in zip(names, runs, strict=True)
    )
    return SideBySide(columns, tuple(rows), baseline, alpha, tuple(_warnings(columns, runs)))


def _usage(run: Run) -> Usage:
    return sum((use.usage for use in run.roles.values()), Usage())


def answers(runs: Sequence[Run], suite: str, attack: str | None = None) -> list[PlanPlace]:
    """Return what the runs answered, place by place: by sample, attack and number, in the order of their names.

    Args:
        attack: only this one: an id (with any parameters) or a full name.

    Raises:
        UsageError: no run has such a suite, or none made an attempt under such an attack.
        IntegrityError: a log is not what was written.
    """
    held = [run for run in runs if any(use.id == suite for use in run.manifest.suites)]
    if not held:
        known = list(dict.fromkeys(use.id for run in runs for use in run.manifest.suites))
        raise UsageError(f"none of the runs has a suite {suite!r}: {did_you_mean(suite, known)}")
    told: list[dict[tuple[str, str, int], ColumnAnswer]] = []
    for run in runs:
        mine: dict[tuple[str, str, int], ColumnAnswer] = {}
        for attempt in run.attempts():
            if attempt.suite == suite and (attack is None or matches(attack, attempt.attack)):
                hits = tuple(sorted(score.metric for score in attempt.scores if score.hit))
                text = attempt.answer if attempt.outcome == "scored" else attempt.error
                mine[attempt.sample, attempt.attack, attempt.number] = ColumnAnswer(
                    attempt.id, attempt.outcome, text, hits
                )
        told.append(mine)
    nothing = ColumnAnswer("", "", "", ())
    places = sorted({place for mine in told for place in mine})
    if attack is not None and not places:
        # Nothing to show would read as "nothing happened", where it may be a slip of the pen.
        known = list(dict.fromkeys(name for run in held for name in run.suite(suite).attacks))
        raise UsageError(f"no attempt of {suite} was made under an attack {attack!r}: {did_you_mean(attack, known)}")
    return [PlanPlace(*place, tuple(mine.get(place, nothing) for mine in told)) for place in places]


def _metrics(runs: Sequence[Run]) -> list[tuple[str, str]]:
    found = {(use.id, metric): None for run in runs for use in run.manifest.suites for metric in run.metrics(use.id)}
    return list(found)


def _has(run: Run, suite: str, metric: str) -> bool:
    return any(use.id == suite and use.describe(metric) is not None for use in run.manifest.suites)


def _with(change: MetricChange, p: float, alpha: float) -> MetricChange:
    """Return a change with its p-value corrected over the whole table, not over its own comparison alone."""
    from msgspec.structs import replace

    verdict = direction(change.good, change.difference) if p <= alpha else "unclear"
    return replace(change, adjusted=float(p), verdict=verdict)


def _warnings(columns: Sequence[Column], runs: Sequence[Run]) -> Iterator[str]:
    for column in columns:
        if column.made < column.planned:
            yield f"{column.name} is not complete: {column.made:,} of {column.planned:,} attempts were made"
    if len({column.subject for column in columns}) < len(columns):
        yield "two columns measured the same subject"
    suites = {use.id for run in runs for use in run.manifest.suites}
    for suite in sorted(suites):
        uses = [use for run in runs for use in run.manifest.suites if use.id == suite]
        if len(uses) < len(runs):
            yield f"not every run measured the suite {suite}"
        if len({(use.digest, use.samples, use.attacks) for use in uses}) > 1:
            yield f"the runs measured different samples or attacks of {suite}: its rates are of different things"
    if len({run.manifest.system for run in runs}) > 1:
        yield "the runs are of different systems"
