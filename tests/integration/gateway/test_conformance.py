"""The conformance kit, asked of our own gateway: with guards, in shadow, and with a guard that breaks."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

import pytest

from shipworthy.conformance.kit import GatewayUnderTest, Kit
from shipworthy.conformance.plan import Matrix
from shipworthy.conformance.tally import summary
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.exchange.desk import Mediation

PII = {"id": "GD-pii", "use": "pii"}


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture
def examined(over):
    """Return what examines our gateway with some rules; a mode, and what is done to the gateway before."""

    def run(rules, mode="enforce", entities=("email",), change=None):
        routes, words = ("chat",) if mode == "enforce" else ("messages",), ("HERON-4471",) * ("word" in entities)
        matrix = Matrix(routes, entities, True, mode, "3", words)

        async def main():
            port = free_port()
            guards = {"block_message": "No.", "rules": rules}
            async with over(f"http://127.0.0.1:{port}/v1", guards=guards) as served:
                if change is not None:
                    change(served.gateway)
                found = await Kit(matrix, GatewayUnderTest(served.base, port=port), lambda done, of: None).examine()
                return found, served.gateway.keeper.active.digest

        found, digest = asyncio.run(main())
        outcomes = Counter(row["outcome"] for row in found.rows if row["role"] == "cell")
        return summary(found.rows, mode, found.guards), outcomes, found, digest

    return run


def test_nothing_leaks_and_the_guards_digest_is_the_one_in_force(examined) -> None:
    canary = {"id": "GD-word", "use": "canary_output", "params": {"canaries": ["HERON-4471"]}}
    said, outcomes, found, digest = examined(
        [PII, {"id": "GD-key", "use": "secrets"}, canary], entities=("key", "word")
    )
    assert said["verdict"] == "conformant"
    assert outcomes["leaked"] == outcomes["broken"] == 0 < outcomes["stopped"]
    assert found.guards == [digest]
    claimed = {(one["entity"], one["source"]) for one in said["claims"] if one["claimed"]}
    # A canary is looked for in answers alone; no guard looks at what the product says itself.
    assert claimed == {("key", "answer"), ("key", "user"), ("key", "outside"), ("word", "answer")}


def test_in_shadow_not_a_letter_differs(examined) -> None:
    said, outcomes, _, _ = examined([PII | {"mode": "shadow"}], mode="shadow")
    assert said["verdict"] == "conformant"
    assert outcomes["unchanged"] > 20
    assert outcomes["altered"] == 0


class Breaks:
    """A guard that breaks: an analyser that is down."""

    stages = frozenset({"input", "retrieved", "output", "tool_call"})
    reach = 0

    def describe(self):
        return {"guard": "breaks"}

    async def check(self, part, ctx):
        raise RuntimeError(part.text)


def test_a_guard_that_breaks_lets_nothing_through(examined) -> None:
    def change(gateway):
        pipeline = Pipeline([Rule("GD-broken", Breaks())], "No.")
        gateway.keeper.active.pipeline, gateway.keeper.active.mediation = pipeline, Mediation(pipeline)

    said, outcomes, found, _ = examined([], mode="failing", change=change)
    assert [row["place"] for row in found.rows if row["outcome"] == "leaked"] == []
    assert outcomes == {"stopped": len(found.rows)}
    assert said["verdict"] == "conformant"
