"""Plug-ins that cost nothing, so that a measurement of the engine measures the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core import registry
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Reply, Request, Sample, Score, Usage, answer

_REPLY = answer("yes", usage=Usage(5, 1))


class InstantTarget:
    """Says yes."""

    def describe(self) -> Mapping[str, Any]:
        return {"target": "instant"}

    async def send(self, request: Request) -> Reply:
        return _REPLY

    async def close(self) -> None:
        """Hold nothing, close nothing."""


class MatchScorer:
    """Hit if the answer is what the sample expects: the scorer the peers run."""

    metrics = (Metric("match", good="high"),)

    def describe(self) -> Mapping[str, Any]:
        return {"scorer": "instant"}

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        return (Score(metric="match", hit=attempt.answer.strip().lower() == sample.expected, scorer="instant"),)


@registry.scorer
def scorer() -> MatchScorer:
    """Build the scorer."""
    return MatchScorer()
