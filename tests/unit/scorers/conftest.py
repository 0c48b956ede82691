from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from shipworthy.core.protocols import ScoreContext, Scorer
from shipworthy.core.records import Attempt, Document, GuardEvent, Message, Sample, Score, say

Judge = Callable[..., Sequence[Score]]


@pytest.fixture
def judge() -> Judge:
    """Score one exchange: the sample as sent, and the answer (a text or a whole message)."""

    def run(
        scorer: Scorer,
        sample: Sample,
        answer: str | Message,
        *,
        documents: tuple[Document, ...] = (),
        events: tuple[GuardEvent, ...] = (),
        before: tuple[Message, ...] = (),
    ) -> Sequence[Score]:
        said = say("assistant", answer) if isinstance(answer, str) else answer
        attempt = Attempt(
            id="AT-1",
            suite="s",
            sample=sample.id,
            attack="none",
            number=1,
            cluster=sample.id,
            seed=0,
            content_hash="",
            outcome="scored",
            messages=(*sample.messages, *before, said),
            documents=documents,
            guard_events=events,
        )
        return asyncio.run(scorer.score(attempt, sample, ScoreContext()))

    return run
