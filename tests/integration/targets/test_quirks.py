"""Every quirk of the table, replayed by the stub server, as an attempt of a run meets it."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.integration.targets.quirks import QUIRKS, THOUGHTS, Quirk, choice

from shipworthy.core.records import Reasoning, Sample, Text, say
from shipworthy.core.registry import create
from shipworthy.dialects.openai import from_wire
from shipworthy.evals.engine import Attacker, Engine, Judge
from shipworthy.evals.plan import PlanItem
from shipworthy.exchange.channel import Channel
from shipworthy.net import retry

ITEM = PlanItem(
    id="AT-0123456789abcdef",
    suite="small",
    sample=Sample(id="S-1", messages=(say("user", "the-text-of-the-evaluation"),), cluster="C"),
    attack="none",
    number=1,
    seed=7,
    content_hash="sha256:1",
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retry, "BACKOFF_S", 0.001)


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.name)
def test_every_quirk_ends_as_what_it_is(loopback, quirk: Quirk) -> None:
    async def handler(request, writer):
        loopback.respond(writer, quirk.body.encode(), quirk.status)

    async def main():
        async with loopback.serve(handler) as served:
            params = {"base_url": served.url + "/v1", "model": "m", "retries": 1}
            target = create("target", "openai_compatible", params)
            attack, scorer = create("attack", "none"), create("scorer", "refusal")
            engine = Engine(Channel(target), {"none": Attacker(attack, None)}, {"small": [Judge(scorer)]})
            try:
                return await engine.attempt(ITEM), len(served.seen)
            finally:
                await target.close()

    attempt, calls = asyncio.run(main())
    assert attempt.outcome == quirk.outcome, attempt.error
    assert calls == (2 if quirk.retried else 1)
    if quirk.outcome == "scored":
        assert attempt.answer == quirk.said
        assert attempt.scores[0].hit is not None
    else:
        assert quirk.said in attempt.error
        assert attempt.scores == ()
    assert "the-text-of-the-evaluation" not in attempt.error


@pytest.mark.parametrize("fields", THOUGHTS, ids=lambda fields: json.dumps(fields)[:60])
def test_what_was_thought_is_kept_and_is_no_part_of_the_answer(fields) -> None:
    reply = from_wire(json.loads(choice(**({"content": "Yes."} | fields))))
    assert reply.messages[0].parts == (Reasoning("Hm."), Text("Yes."))
    assert reply.text == "Yes."
