"""What a report shows of single attempts: the hits that count against the system, times, and what guards did.

Gathered record by record, so that the one pass that reads a run serves its report, too.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import NamedTuple

from shipworthy.core.finished import PLANNED, failed
from shipworthy.core.records import RunManifest, Score, Severity
from shipworthy.evals.results import Run
from shipworthy.store.reading import ASKED, RecordRow


class Hit(NamedTuple):
    """One attempt with a hit on a bad event. Sorted, the worst comes first: severity, then how sure the scorer is."""

    severity: Severity
    doubt: float
    attempt: str
    suite: str
    score: Score


class Action(NamedTuple):
    """What a guard did at a stage, in the attempts of a suite."""

    guard: str
    stage: str
    action: str
    mode: str
    suite: str


class Seen:
    """What a report shows of a run's attempts. An attempt that was tried again counts with its last try.

    Args:
        manifest: of the run.

    Attributes:
        hits: one for each attempt with any, in no order.
        target_seconds: wall time, without guards, of attempts that no cached reply answered.
        guard_seconds: wall time of the guards, of attempts that made a call or were stopped by a guard before it.
        actions: in how many attempts each guard did what.
    """

    def __init__(self, manifest: RunManifest) -> None:
        self._bad = {(use.id, metric.name) for use in manifest.suites for metric in use.metrics if metric.bad_event}
        self._failed: dict[str, RecordRow] = {}
        self.hits: list[Hit] = []
        self.target_seconds, self.guard_seconds = array("d"), array("d")
        self.actions: Counter[Action] = Counter()

    @classmethod
    def of(cls, run: Run) -> Seen:
        """Gather it from a run that is already loaded, in a pass of its own."""
        seen = cls(run.manifest)
        for row in run.rows(superseded=True):
            seen.add(row)
        seen.finish()
        return seen

    def add(self, row: RecordRow) -> None:
        """Take in one record; later tries after the ones they replace. `finish` comes after the last."""
        if row.outcome != "scored" and failed(row.outcome):
            self._failed[row.id[:PLANNED]] = row
            return
        if self._failed:
            self._failed.pop(row.id[:PLANNED], None)
        self._take(row)

    def finish(self) -> None:
        """Take in the failed attempts that were not tried again."""
        for row in self._failed.values():
            self._take(row)
        self._failed.clear()

    def _take(self, row: RecordRow) -> None:
        if self._bad and (hits := [s for s in row.scores if s.hit and (row.suite, s.metric) in self._bad]):
            surest = max(hits, key=lambda score: score.confidence or 0.0)
            self.hits.append(Hit(row.severity, -(surest.confidence or 0.0), row.id, row.suite, surest))
        asked, guards = False, []
        for step in row.events:  # plain loops, here and below: they run for every attempt of every gate
            if step.type == "guard":
                guards.append(step)
            elif step.role == "target" and step.type in ASKED:
                asked = True
        if guards:
            modes = ("enforced", "shadow")
            self.actions.update({Action(g.guard, g.stage, g.action, modes[g.shadow], row.suite) for g in guards})
        elif not asked:
            return
        timing = row.timing
        self.guard_seconds.append(timing.guard_seconds)
        if asked:
            for span in timing.spans:
                if span.cached and (span.event, "target") in (call[:2] for call in row.asked):
                    return
            self.target_seconds.append(max(0.0, timing.seconds - timing.guard_seconds))
