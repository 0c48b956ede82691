"""`output_policy` with an endpoint, over a real socket. The endpoints are stand-ins: their shapes are real ones."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import UsageError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Request, say
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.guards.output_policy import TEXTS
from shipworthy.net import retry


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retry, "BACKOFF_S", 0.001)
    monkeypatch.setenv("TEST_KEY", "sk-hidden-value")


def asked(loopback, body, text="Some text", stage="input", status=200, **params):
    """Have one text judged; return what came of it, and what the endpoint was sent."""

    async def answer(request, writer):
        loopback.respond(writer, body, status)

    async def main():
        async with loopback.serve(answer) as served:
            settings = {"base_url": served.url + "/v1", "key": "env:TEST_KEY", **params}
            pipeline = Pipeline([Rule("GD-policy", registry.create("guard", "output_policy", settings))])
            ctx = GuardContext(Request(messages=(say("user", "The request"),)))
            applied = await pipeline.apply(stage, text, ctx)
            await pipeline.close()
            return applied, served.seen

    return asyncio.run(main())


def moderation(flagged=True, **categories):
    names = {name.replace("__", "/").replace("_", "-"): hit for name, hit in categories.items()}
    return {"id": "m", "model": "m", "results": [{"flagged": flagged, "categories": names, "category_scores": {}}]}


OPENAI = {"classifier": "openai_moderation"}


def test_openais_shape(loopback):
    body = moderation(self_harm=True, self_harm__intent=True, violence=False, illicit=None)
    applied, seen = asked(loopback, body, "My text", **OPENAI, model="omni")
    assert applied.text == TEXTS["self_harm"]
    assert [(e.rule, e.reason) for e in applied.events] == [
        ("self_harm", "safe_completion, severity S1; also self_harm_intent")
    ]
    assert (seen[0].path, seen[0].json) == ("/v1/moderations", {"input": "My text", "model": "omni"})
    assert seen[0].headers["authorization"] == "Bearer sk-hidden-value"


def test_categories_of_ones_own_and_others(loopback):
    body = moderation(harassment__threatening=True)
    applied, _ = asked(loopback, body, **OPENAI, categories={"harassment": "deflect"})
    assert applied.text == TEXTS["deflect"]
    applied, _ = asked(loopback, body, **OPENAI)
    assert [(e.rule, e.reason) for e in applied.events] == [("harassment_threatening", "block, severity S2")]
    applied, _ = asked(loopback, body, **OPENAI, otherwise="record")
    assert not applied.blocked
    applied, _ = asked(loopback, moderation(flagged=False, violence=False), **OPENAI)
    assert applied.events == ()
    applied, _ = asked(loopback, moderation(flagged=True, violence=False), **OPENAI)
    assert [e.rule for e in applied.events] == ["flagged"]


def test_llama_guards_shape(loopback):
    params = {"classifier": "llama_guard", "model": "guard"}
    applied, seen = asked(loopback, loopback.completion("\n\nunsafe\nS11,S1"), "An answer", "output", **params)
    assert applied.text == TEXTS["self_harm"]
    assert [m["role"] for m in seen[0].json["messages"]] == ["user", "assistant"]
    assert [m["content"] for m in seen[0].json["messages"]] == ["The request", "An answer"]
    applied, seen = asked(loopback, loopback.completion("safe"), "A request", **params)
    assert (applied.events, len(seen[0].json["messages"])) == ((), 1)
    applied, _ = asked(loopback, loopback.completion("unsafe\nO3"), **params, codes={"O3": "crime"})
    assert [e.rule for e in applied.events] == ["crime"]


@pytest.mark.parametrize(
    ("params", "body", "status"),
    [
        (OPENAI, {"error": {"code": "bad"}}, 400),
        (OPENAI, {"error": {"code": "down"}}, 503),
        (OPENAI, b"<html>", 200),
        (OPENAI, {"results": []}, 200),
        (OPENAI, {"results": [{"flagged": False}]}, 200),
        (OPENAI, {"results": [{"flagged": False, "categories": {"hate": "no"}}]}, 200),
        (OPENAI, {"results": [{"flagged": None, "categories": {"hate": False}}]}, 200),
        ({"classifier": "llama_guard", "model": "g"}, {"choices": []}, 200),
        ({"classifier": "llama_guard", "model": "g"}, {"choices": [{"message": {"content": "I think safe"}}]}, 200),
        ({"classifier": "llama_guard", "model": "g"}, {"choices": [{"message": {"content": "unsafe"}}]}, 200),
        ({"classifier": "llama_guard", "model": "g"}, {"choices": [{"message": {"content": "safe\nS1"}}]}, 200),
    ],
)
def test_an_endpoint_that_fails_closes(loopback, params, body, status):
    applied, _ = asked(loopback, body, status=status, **params)
    assert (applied.blocked, applied.text) == (True, "I can't help with that.")
    assert [e.rule for e in applied.events] == ["error"]
    assert "hidden" not in str(applied.events)


def test_nobody_there_and_a_slow_one_close(loopback):
    guard = registry.create("guard", "output_policy", {**OPENAI, "base_url": "http://127.0.0.1:9/v1"})
    applied = asyncio.run(Pipeline([Rule("GD-1", guard)]).apply("input", "text"))
    assert applied.blocked

    async def main():
        async def answer(request, writer):
            await asyncio.sleep(5)

        async with loopback.serve(answer) as served:
            guard = registry.create("guard", "output_policy", {**OPENAI, "base_url": served.url, "timeout": 0.05})
            return await Pipeline([Rule("GD-1", guard)]).apply("input", "text")

    assert asyncio.run(main()).blocked


def test_a_key_does_not_travel_in_the_clear():
    with pytest.raises(UsageError, match="unencrypted"):
        registry.create("guard", "output_policy", {**OPENAI, "base_url": "http://h.example/v1", "key": "env:TEST_KEY"})
