"""Every score of a run by the attempt it was given to: what pairing two runs needs, without any text."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from shipworthy.evals.plan import split_try
from shipworthy.evals.results import Run, given
from shipworthy.store.reading import Row


class Mark(NamedTuple):
    """One metric's word on one attempt: `said` is 1 or 0 for a hit or none, or the value."""

    sample: str
    cluster: str
    attack: str
    content_hash: str
    said: float


class Marks:
    """All scores of a run by the id of the planned attempt. Filled by `Run.load` or `Run.marks`.

    Attributes:
        scored: (suite, metric) -> attempt id -> `Mark`; an attempt that was retried stands with its last try.
        failed: attempt id -> (suite, attack) of the attempts without a score.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.scored: defaultdict[tuple[str, str], dict[str, Mark]] = defaultdict(dict)
        self.failed: dict[str, tuple[str, str]] = {}

    def add(self, row: Row) -> None:
        """Take in one record; later tries after the ones they replace."""
        planned, _ = split_try(row.id)
        if row.outcome != "scored":
            self.failed[planned] = row.suite, row.attack
            return
        self.failed.pop(planned, None)
        for score in row.scores:
            said = given(score, self.run.metric(row.suite, score.metric))
            if said is not None:
                mark = Mark(row.sample, row.cluster, row.attack, row.content_hash, said)
                self.scored[row.suite, score.metric][planned] = mark
