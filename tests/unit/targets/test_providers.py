"""Against pydantic-ai's own stand-ins: no provider's real API is asked here."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.errors import CredentialError, TargetError, TargetFiltered, TargetTimeout, UsageError
from shipworthy.core.records import Document, Image, Message, Request, Text, ToolCall, ToolResult, say
from shipworthy.core.registry import create
from shipworthy.net import retry
from shipworthy.targets.providers import ProviderModel

pytest.importorskip("pydantic_ai", reason='needs pip install "shipworthy[providers]"')

from pydantic_ai import exceptions, messages
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel

HELLO = Request(messages=(say("user", "hello"),), seed=7)


def ask(function, request=HELLO, **params):
    seen = []

    async def answer(asked, info):
        seen.append((asked, info))
        given = function(len(seen))
        if isinstance(given, Exception):
            raise given
        return given

    target = ProviderModel(FunctionModel(answer), name="test:model", **params)
    return asyncio.run(target.send(request)), seen


def says(text, **fields):
    return lambda _: messages.ModelResponse(parts=[messages.TextPart(text)], **fields)


def test_a_conversation_arrives_whole():
    request = Request(
        messages=(
            say("system", "be kind"),
            Message("user", (Text("look"), Image("image/png", data="aGk="))),
            Message("assistant", (Text("calling"), ToolCall("c1", "search", {"q": "x"}))),
            Message("tool", (ToolResult("c1", "search", "found"),)),
            say("user", "and?"),
        ),
        documents=(Document("d", "the fact"),),
        max_tokens=5,
        temperature=0.25,
    )
    reply, [(asked, info)] = ask(says("fine"), request, tools=[{"name": "search", "parameters": {"type": "object"}}])
    assert reply.messages == (say("assistant", "fine"),)
    assert [p.part_kind for m in asked for p in m.parts] == [
        "system-prompt",
        "user-prompt",
        "text",
        "tool-call",
        "tool-return",
        "user-prompt",
    ]
    assert asked[1].parts[0].content[0] == "look"
    assert asked[1].parts[0].content[1].data == b"hi"
    assert "the fact" in asked[-1].parts[0].content[0]
    assert (info.model_settings["max_tokens"], info.model_settings["temperature"]) == (5, 0.25)
    assert [t.name for t in info.function_tools] == ["search"]


def test_tool_calls_and_usage_are_read():
    from pydantic_ai.usage import RequestUsage

    response = messages.ModelResponse(
        parts=[messages.ToolCallPart("reset", '{"user": "a"}', "c1")],
        usage=RequestUsage(input_tokens=3, output_tokens=4),
    )
    reply, _ = ask(lambda _: response)
    assert reply.tool_calls == (ToolCall("c1", "reset", {"user": "a"}),)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (3, 4)
    assert reply.finish == "tool_calls"


def test_pydantic_ais_test_model_answers():
    target = ProviderModel(TestModel(custom_output_text="from the test model"), name="test:test")
    assert asyncio.run(target.send(HELLO)).text == "from the test model"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (exceptions.ContentFilterError("secret text"), TargetFiltered),
        (exceptions.ModelHTTPError(400, "m", {"error": {"code": "content_filter"}}), TargetFiltered),
        (exceptions.ModelHTTPError(401, "m", {"error": {"message": "secret text"}}), TargetError),
        (exceptions.ModelTimeoutError("m", "secret text"), TargetTimeout),
        (exceptions.UnexpectedModelBehavior("secret text"), TargetError),
        (
            messages.ModelResponse(parts=[messages.TextPart("secret text")], finish_reason="content_filter"),
            TargetFiltered,
        ),
        (messages.ModelResponse(parts=[], finish_reason="error"), TargetError),
    ],
)
def test_failures_are_told_apart_and_carry_no_text(given, error):
    with pytest.raises(TargetError) as caught:
        ask(lambda _: given)
    assert type(caught.value) is error
    assert "secret text" not in str(caught.value)


def test_passing_failures_are_tried_again(monkeypatch):
    monkeypatch.setattr(retry, "BACKOFF_S", 0.001)
    given = [exceptions.ModelHTTPError(503, "m"), exceptions.ModelConnectionError("m", "reset"), says("at last")(0)]
    reply, seen = ask(lambda number: given[number - 1])
    assert reply.text == "at last"
    assert len(seen) == 3


def test_a_slow_model_is_a_timeout():
    async def slow(asked, info):
        await asyncio.sleep(5)

    with pytest.raises(TargetTimeout):
        asyncio.run(ProviderModel(FunctionModel(slow), name="t:m", timeout=0.05).send(HELLO))


def test_a_real_provider_is_built_and_its_key_stays_out_of_sight(monkeypatch):
    pytest.importorskip("anthropic")
    monkeypatch.setenv("MY_KEY", "sk-hidden-value")
    target = create("target", "providers", {"model": "anthropic:claude-sonnet-4-5", "key": "env:MY_KEY"})
    assert "sk-hidden-value" not in str(target.describe())
    assert target.describe()["model"] == "anthropic:claude-sonnet-4-5"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"model": "claude"}, UsageError),
        ({"model": "nobody:model"}, UsageError),
        ({"model": "anthropic:claude-sonnet-4-5", "key": "env:NOT_SET_ANYWHERE"}, CredentialError),
        ({"model": "anthropic:claude-sonnet-4-5"}, UsageError),
        ({"model": "anthropic:claude-sonnet-4-5", "tools": [{}]}, UsageError),
    ],
)
def test_what_cannot_work_is_said_at_once(params, error, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    if params.get("tools"):
        monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    with pytest.raises(error):
        create("target", "providers", params)
