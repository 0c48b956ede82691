from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from shipworthy.core.protocols import ScoreContext, Scorer
from shipworthy.core.records import Attempt, Document, GuardEvent, Message, Retrieved, Sample, Score, as_said, say

Judge = Callable[..., Sequence[Score]]


@pytest.fixture(scope="session")
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
        turns = as_said((*sample.messages, *before, said))[-1].turn
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
            events=(
                *(Retrieved(1, document) for document in documents),
                *as_said((*sample.messages, *before, said)),
                *(replace(event, turn=turns) for event in events),
            ),
        )
        return asyncio.run(scorer.score(attempt, sample, ScoreContext()))

    return run
