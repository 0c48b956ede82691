"""Data sets re-drawn from a run's records, as runs that the gate can test: what its self-test is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Literal, NamedTuple

import numpy as np
from msgspec.structs import replace

from shipworthy.core.attack_name import matches
from shipworthy.core.errors import UsageError
from shipworthy.core.records import Metric, Score
from shipworthy.evals.marks import Marks
from shipworthy.evals.results import Run
from shipworthy.store.reading import RecordRow

Redrawn = Literal["attempts", "samples"]
Groups = Mapping[str, Mapping[str, Sequence[RecordRow]]]
"""Suite -> cluster -> the records that count."""


class PlantedShift(NamedTuple):
    """What is changed in a share of the clusters that are drawn: every word on one metric.

    Attributes:
        attack: only attempts of this one; None for all.
        share: of the clusters, in [0, 1].
        said: 1 or 0 for a hit or none, or a value.
    """

    suite: str
    metric: Metric
    attack: str | None
    share: float
    said: float

    def changed(self, row: RecordRow) -> RecordRow:
        """Return a record with the words on this metric changed."""
        if row.suite != self.suite or not (self.attack is None or matches(self.attack, row.attack)):
            return row
        return replace(row, scores=tuple(map(self._score, row.scores)))

    def _score(self, score: Score) -> Score:
        if score.metric != self.metric.name or (score.hit is None and score.value is None):
            return score
        if self.metric.kind == "event":
            return replace(score, hit=bool(self.said))
        return replace(score, value=self.said)


class Redraw:
    """Re-draws a run, and the baseline with it.

    Args:
        run: read with its marks.
        baseline: of the same samples, or None.
        out: planned attempts whose hit on a sample of severity S1 somebody confirmed as none.
    """

    def __init__(self, run: Run, baseline: Run | None = None, out: frozenset[str] = frozenset()) -> None:
        self.run, self.baseline, self._out = run, baseline, out
        self._new, self._old = self._groups(run), self._groups(baseline) if baseline is not None else {}

    def check(self, how: Redrawn) -> None:
        """Refuse a way of re-drawing that would change nothing.

        Raises:
            UsageError: attempts are to be re-drawn, and there is one of each sample and attack.
        """
        if how == "attempts" and all(use.each == 1 for use in self.run.manifest.suites):
            raise UsageError(
                f"{self.run.id} has one attempt of each sample and attack: re-drawn, it is itself\n"
                "Run it again with --rerun N, re-draw samples, or give the suites more `attempts`"
            )

    def draw(self, how: Redrawn, rng: np.random.Generator, plant: PlantedShift | None = None) -> tuple[Run, Run | None]:
        """Return the run re-drawn, with its marks, and the baseline on the same samples.

        Args:
            how: ``samples`` draws clusters with replacement, whole; ``attempts`` keeps the clusters and draws, within
                each sample and attack, attempts with replacement. The baseline's records stay as they are.
        """
        rows: list[RecordRow] = []
        old: list[RecordRow] = []
        for suite, clusters in self._new.items():
            names = list(clusters)
            picks = rng.integers(len(names), size=len(names)) if how == "samples" else np.arange(len(names))
            for k, pick in enumerate(picks):
                name = names[pick]
                rename = _renamer(suite, k)
                given = clusters[name] if how == "samples" else _again(clusters[name], rng)
                if plant is not None and suite == plant.suite and rng.random() < plant.share:
                    given = [plant.changed(row) for row in given]
                rows += map(rename, given)
                old += map(rename, self._old.get(suite, {}).get(name, ()))
        run = _filled(self.run, rows)
        return run, _filled(self.baseline, old) if self.baseline is not None else None

    def _groups(self, run: Run) -> Groups:
        found: dict[str, dict[str, list[RecordRow]]] = {}
        for row in run.rows():
            row.line = b""
            planned = row.id[:19]
            kept = replace(row, severity="S2") if planned in self._out and run is self.run else row
            found.setdefault(row.suite, {}).setdefault(row.cluster, []).append(kept)
        return {suite: dict(sorted(clusters.items())) for suite, clusters in sorted(found.items())}


def _again(rows: Sequence[RecordRow], rng: np.random.Generator) -> list[RecordRow]:
    """Draw attempts with replacement within each sample and attack; each stands in the place of one that was made."""
    groups: dict[tuple[str, str], list[RecordRow]] = {}
    for row in rows:
        groups.setdefault((row.sample, row.attack), []).append(row)
    return [
        replace(group[pick], id=place.id, number=place.number, content_hash=place.content_hash)
        for group in groups.values()
        for place, pick in zip(group, rng.integers(len(group), size=len(group)), strict=True)
    ]


def _renamer(suite: str, k: int) -> Callable[[RecordRow], RecordRow]:
    """Return what gives a drawn cluster's records names of their own: one that is drawn twice is two samples."""

    def renamed(row: RecordRow) -> RecordRow:
        key = f"{suite}\0{k}\0{row.id[:19]}".encode("utf-8", "surrogatepass")
        return replace(
            row, id=f"AT-{sha256(key).hexdigest()[:16]}", sample=f"{row.sample}~{k}", cluster=f"{row.cluster}~{k}"
        )

    return renamed


def _filled(like: Run, rows: Sequence[RecordRow]) -> Run:
    """Return a run of these records: as many as were asked for, whatever the sizes of the clusters drawn."""
    made: dict[str, int] = {}
    for row in rows:
        made[row.suite] = made.get(row.suite, 0) + 1
    uses = tuple(
        replace(use, attempts=made.get(use.id, 0), looks=(made[use.id],) if use.looks else ())
        for use in like.manifest.suites
        if use.id in made
    )
    run = Run(like.directory, replace(like.manifest, suites=uses, planned=len(rows)))
    run.marks = Marks(run)
    for row in rows:
        run.take(row)
        run.marks.add(row)
    return run
