"""Every score of a run by the attempt it was given to: what pairing two runs needs, without any text."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from shipworthy.core.finished import INAPPLICABLE
from shipworthy.evals.plan import split_try
from shipworthy.evals.results import Run
from shipworthy.evals.tally import given
from shipworthy.store.reading import RecordRow


class Mark(NamedTuple):
    """One metric's word on one attempt: `said` is 1 or 0 for a hit or none, or the value."""

    sample: str
    cluster: str
    attack: str
    content_hash: str
    said: float


class Gap(NamedTuple):
    """One attempt without a score: `kind` is its outcome, or ``abstained``."""

    sample: str
    cluster: str
    attack: str
    content_hash: str
    suite: str
    kind: str


class Marks:
    """All scores of a run by the id of the planned attempt. Filled by `Run.load` or `Run.marks`.

    Attributes:
        scored: (suite, metric) -> attempt id -> `Mark`; an attempt that was retried stands with its last try.
        failed: attempt id -> `Gap` of the attempts that ended in an error.
        silent: (suite, metric) -> attempt id -> `Gap` of the attempts on which a scorer gave none.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.scored: defaultdict[tuple[str, str], dict[str, Mark]] = defaultdict(dict)
        self.failed: dict[str, Gap] = {}
        self.silent: defaultdict[tuple[str, str], dict[str, Gap]] = defaultdict(dict)
        self._asked = {use.id: frozenset(metric.name for metric in use.metrics) for use in run.manifest.suites}

    def add(self, row: RecordRow) -> None:
        """Take in one record; later tries after the ones they replace."""
        if row.outcome == INAPPLICABLE:
            return  # of such a pair there is nothing to compare
        planned, _ = split_try(row.id)
        if row.outcome != "scored":
            self.failed[planned] = Gap(row.sample, row.cluster, row.attack, row.content_hash, row.suite, row.outcome)
            return
        self.failed.pop(planned, None)
        told = set()
        for score in row.scores:
            said = given(score, self.run.metric(row.suite, score.metric))
            if said is not None:
                told.add(score.metric)
                mark = Mark(row.sample, row.cluster, row.attack, row.content_hash, said)
                self.scored[row.suite, score.metric][planned] = mark
        if told != (asked := self._asked.get(row.suite, told)):
            for name in asked - told:
                gap = Gap(row.sample, row.cluster, row.attack, row.content_hash, row.suite, "abstained")
                self.silent[row.suite, name][planned] = gap

    def gaps(self, suite: str, metric: str) -> dict[str, Gap]:
        """Return the attempts of a suite that have no score for a metric, by the id of the planned attempt."""
        failed = {id: gap for id, gap in self.failed.items() if gap.suite == suite}
        return failed | self.silent.get((suite, metric), {})
