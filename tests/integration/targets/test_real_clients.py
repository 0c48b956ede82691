"""Trajectories against the vendors' own clients: the stub checks requests as the APIs do, by the clients' own types,
and what the stub answers is read by the real clients too, so that it is an honest stub."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Message, Reasoning, Request, Text, ToolCall, ToolResult, ToolSpec, say
from shipworthy.core.registry import create

pytest.importorskip("openai")
pytest.importorskip("anthropic")
pytest.importorskip("pydantic_ai")

import anthropic
import openai
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter, ValidationError

KEY = "sk-test"
# They live as long as the tests: what pydantic checks as it is read needs them still.
OPENAI_WHOLE, OPENAI_STREAM = (
    TypeAdapter(CompletionCreateParamsNonStreaming),
    TypeAdapter(CompletionCreateParamsStreaming),
)
ANTHROPIC_WHOLE = TypeAdapter(MessageCreateParamsNonStreaming)
WEATHER = ToolSpec(
    "weather", "The weather of a place.", {"type": "object", "properties": {"place": {"type": "string"}}}
)
CLOCK = ToolSpec("clock")
FIRST = (say("system", "Be kind."), say("user", "Weather in Oslo and Rome, and the time?"))
CALLS = (
    ToolCall("call_a", "weather", {"place": "Oslo å"}),
    ToolCall("call_b", "weather", {"place": "Rome"}),
    ToolCall("call_c", "clock"),
)
TRAJECTORY = (
    *FIRST,
    Message("assistant", (Reasoning("three things"), Text("Let me look."), *CALLS)),
    Message("tool", (ToolResult("call_a", "weather", "snow"), ToolResult("call_b", "weather", "sun"))),
    Message("tool", (ToolResult("call_c", "clock", "no clock", is_error=True),)),
    say("assistant", "Snow and sun."),
    say("user", "And tomorrow?"),
)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


def walk(value: Any) -> None:
    """Validate all of it: pydantic checks an `Iterable` only as it is read."""
    if isinstance(value, dict):
        for inner in value.values():
            walk(inner)
    elif not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        for inner in value:
            walk(inner)


# ---- OpenAI ----------------------------------------------------------------------------------------------------


def check_openai(body: Any) -> None:
    """Refuse what api.openai.com refuses: by the client's types, and the rules of tool turns."""
    walk((OPENAI_STREAM if body.get("stream") else OPENAI_WHOLE).validate_python(body))
    offered = [t["function"]["name"] for t in body.get("tools", ())]
    assert len(offered) == len(set(offered)), "a tool is offered twice"
    open_calls: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            assert message["tool_call_id"] in open_calls, "a tool message answers no call of the turn before it"
            open_calls.remove(message["tool_call_id"])
            continue
        assert not open_calls, f"calls without an answer: {open_calls}"
        for call in message.get("tool_calls") or ():
            json.loads(call["function"]["arguments"])
            open_calls.append(call["id"])


def openai_stub(loopback, answer: dict[str, Any], chunks: list[dict[str, Any]] | None = None):
    async def handler(request, writer):
        try:
            check_openai(request.json)
        except (AssertionError, ValidationError, KeyError, ValueError) as error:
            loopback.respond(writer, {"error": {"message": str(error), "type": "invalid_request_error"}}, 400)
            request.refused = str(error)
            return
        if request.json.get("stream"):
            data = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks or ()) + "data: [DONE]\n\n"
            loopback.respond(writer, data.encode(), content_type="text/event-stream")
        else:
            loopback.respond(writer, answer)

    return loopback.serve(handler)


WIRE_CALLS = [
    {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": json.dumps(c.arguments)}} for c in CALLS
]
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": None,
            "message": {"role": "assistant", "content": "Let me look.", "refusal": None, "tool_calls": WIRE_CALLS},
        }
    ],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return {**head, "choices": [choice], **more}


def call_chunk(index: int, arguments: str, **begin: str) -> dict[str, Any]:
    head = {"id": begin["id"], "type": "function"} if begin else {}
    name = {"name": begin["name"]} if begin else {}
    return chunk({"tool_calls": [{"index": index, **head, "function": {**name, "arguments": arguments}}]})


CHUNKS = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Let me"}),
    chunk({"content": " look."}),
    call_chunk(0, "", id="call_a", name="weather"),
    call_chunk(1, "", id="call_b", name="weather"),
    call_chunk(0, '{"place": "Os'),
    call_chunk(1, '{"place": "Rome"}'),
    call_chunk(0, 'lo \\u00e5"}'),
    call_chunk(2, "{}", id="call_c", name="clock"),
    chunk({}, "tool_calls"),
    {**chunk({}), "choices": [], "usage": COMPLETION["usage"]},
]


def made(url: str, **params: Any) -> Any:
    return create(
        "target", "openai_compatible", {"base_url": f"{url}/v1", "model": "m", "key": "env:TEST_KEY", **params}
    )


def ask(loopback, request: Request, answer: dict[str, Any] = COMPLETION, **params: Any) -> Any:
    async def main():
        async with openai_stub(loopback, answer) as served:
            target = made(served.url, retries=0, **params)
            try:
                return await target.send(request), served.seen
            finally:
                await target.close()

    return asyncio.run(main())


def test_a_trajectory_is_one_that_the_openai_api_takes(loopback):
    tools = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]
    request = Request(messages=TRAJECTORY, tools=(WEATHER, CLOCK), schema={"type": "object"}, max_tokens=5)
    reply, (seen,) = ask(loopback, request, tools=tools)
    assert reply.tool_calls == CALLS
    assert [m["role"] for m in seen.json["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "tool",
        "assistant",
        "user",
    ]
    assert [t["function"]["name"] for t in seen.json["tools"]] == ["search", "weather", "clock"]
    assert "three things" not in json.dumps(seen.json), "the API takes no reasoning back"


def test_the_reply_goes_back_as_it_came(loopback):
    reply, _ = ask(loopback, Request(messages=FIRST, tools=(WEATHER, CLOCK)))
    results = Message("tool", tuple(ToolResult(c.id, c.name, "ok") for c in reply.tool_calls))
    again, (seen,) = ask(loopback, Request(messages=(*FIRST, *reply.messages, results)))
    sent = seen.json["messages"][2]
    theirs = COMPLETION["choices"][0]["message"]
    assert sent["content"] == theirs["content"]
    assert [(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in sent["tool_calls"]] == [
        (c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in theirs["tool_calls"]
    ]
    assert again == reply


@pytest.mark.parametrize(
    "messages",
    [
        (*FIRST, Message("tool", (ToolResult("call_x", "weather", "snow"),))),
        (*FIRST, Message("assistant", CALLS[:1]), say("user", "And?")),
        (
            *FIRST,
            Message("assistant", CALLS[:1]),
            say("user", "And?"),
            Message("tool", (ToolResult("call_a", "weather", "snow"),)),
        ),
    ],
)
def test_the_stub_refuses_what_the_api_refuses(loopback, messages):
    with pytest.raises(TargetError, match=r"status 400 \(invalid_request_error\)"):
        ask(loopback, Request(messages=messages))


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Message("tool", (Text("snow"),)), "holds a Text"),
        (Message("user", (ToolCall("c", "weather"),)), "only the assistant calls tools"),
        (Message("user", (ToolResult("c", "weather", "snow"),)), "ToolResult in a turn of the user"),
    ],
)
def test_what_the_api_has_no_place_for_is_not_sent(loopback, message, says):
    with pytest.raises(TargetError, match=says):
        ask(loopback, Request(messages=(*FIRST, message)))


def test_a_tool_that_is_offered_twice_is_refused(loopback):
    tools = [{"type": "function", "function": {"name": "clock"}}]
    with pytest.raises(TargetError, match="'clock' is offered twice"):
        ask(loopback, Request(messages=FIRST, tools=(CLOCK,)), tools=tools)


def test_the_real_client_reads_the_stub_as_the_target_does(loopback):
    async def main():
        async with openai_stub(loopback, COMPLETION, CHUNKS) as served:
            client = openai.AsyncOpenAI(
                base_url=f"{served.url}/v1", api_key=KEY, max_retries=0, _strict_response_validation=True
            )
            messages = [{"role": "user", "content": "hi"}]
            whole = await client.chat.completions.create(model="m", messages=messages)
            streamed = [
                piece
                async for piece in await client.chat.completions.create(
                    model="m", messages=messages, stream=True, stream_options={"include_usage": True}
                )
            ]
            await client.close()
            target = made(served.url)
            request = Request(messages=FIRST)
            ours = await target.send(request)
            pieces = [piece async for piece in target.stream(request)]
            await target.close()
            return whole, streamed, ours, pieces

    whole, streamed, ours, pieces = asyncio.run(main())
    assert isinstance(whole, ChatCompletion)
    assert all(isinstance(piece, ChatCompletionChunk) for piece in streamed)
    theirs = whole.choices[0].message
    assert ours.text == theirs.content
    assert ours.tool_calls == tuple(
        ToolCall(c.id, c.function.name, json.loads(c.function.arguments)) for c in theirs.tool_calls
    )
    *deltas, reply = pieces
    assert reply == ours, "a streamed answer is the same reply as a whole one"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 2)
    said = "".join(c.delta.content or "" for p in streamed for c in p.choices)
    assert "".join(d.text for d in deltas if d.channel == "text") == said
    for index in range(3):
        arguments = "".join(
            t.function.arguments or ""
            for p in streamed
            for c in p.choices
            for t in c.delta.tool_calls or ()
            if t.index == index
        )
        mine = [d for d in deltas if d.channel == "tool_call" and d.index == index]
        assert "".join(d.text for d in mine) == arguments
        assert [(d.id, d.name) for d in mine if d.id] == [(CALLS[index].id, CALLS[index].name)]


# ---- Anthropic -------------------------------------------------------------------------------------------------


def check_anthropic(body: Any) -> None:
    """Refuse what api.anthropic.com refuses: results stand in the user turn right after their calls, all of them."""
    walk(ANTHROPIC_WHOLE.validate_python(body))
    waiting: list[str] = []
    merged: list[tuple[str, list[dict[str, Any]]]] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if merged and merged[-1][0] == message["role"]:
            merged[-1][1].extend(blocks)  # the API joins turns of one role
        else:
            merged.append((message["role"], blocks))
    assert merged[0][0] == "user", "the first turn is the user's"
    for role, blocks in merged:
        results = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        assert sorted(results) == sorted(waiting), f"results of {results} for calls of {waiting}"
        if results:
            assert all(b["type"] == "tool_result" for b in blocks[: len(results)]), "results come first in their turn"
        waiting = [b["id"] for b in blocks if b["type"] == "tool_use"]
        assert not waiting or role == "assistant"
    assert not waiting


ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_a", "name": "weather", "input": {"place": "Oslo å"}},
        {"type": "tool_use", "id": "call_b", "name": "weather", "input": {"place": "Rome"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 7, "output_tokens": 2},
}


def ask_claude(loopback, monkeypatch, request: Request, **params: Any) -> Any:
    async def handler(asked, writer):
        try:
            check_anthropic(asked.json)
        except (AssertionError, ValidationError) as error:
            asked.refused = str(error)
            refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": str(error)}}
            loopback.respond(writer, refusal, 400)
            return
        loopback.respond(writer, ANTHROPIC)

    async def main():
        async with loopback.serve(handler) as served:
            monkeypatch.setenv("ANTHROPIC_BASE_URL", served.url)
            target = create(
                "target",
                "providers",
                {"model": "anthropic:claude-sonnet-4-5", "key": "env:TEST_KEY", "retries": 0, **params},
            )
            try:
                reply = await target.send(request)
            except TargetError as error:
                reply = error
            await target.close()
            return reply, served.seen

    return asyncio.run(main())


def test_a_trajectory_is_one_that_the_anthropic_api_takes(loopback, monkeypatch):
    request = Request(messages=TRAJECTORY, tools=(WEATHER, CLOCK), max_tokens=5)
    reply, (seen,) = ask_claude(loopback, monkeypatch, request, tools=[{"name": "search"}])
    assert not hasattr(seen, "refused"), seen.refused
    assert reply.tool_calls == CALLS[:2]
    assert reply.text == "Let me look."
    assert (reply.finish, reply.usage.input_tokens, reply.usage.output_tokens) == ("tool_calls", 7, 2)
    assert KEY in (seen.headers.get("x-api-key"), seen.headers.get("authorization", "").removeprefix("Bearer "))
    assert [t["name"] for t in seen.json["tools"]] == ["search", "weather", "clock"]
    blocks = [b for m in seen.json["messages"] if not isinstance(m["content"], str) for b in m["content"]]
    kinds = [b["type"] for b in blocks]
    assert kinds.index("tool_use") < kinds.index("tool_result")
    assert [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"] == [c.id for c in CALLS]
    assert [b.get("is_error", False) for b in blocks if b["type"] == "tool_result"] == [False, False, True]


def test_the_anthropic_stub_refuses_what_the_api_refuses(loopback, monkeypatch):
    messages = (*FIRST, Message("assistant", CALLS[:2]), Message("tool", (ToolResult("call_a", "weather", "snow"),)))
    refused, (seen,) = ask_claude(loopback, monkeypatch, Request(messages=messages))
    assert isinstance(refused, TargetError)
    assert "call_b" in seen.refused


def test_the_real_anthropic_client_reads_the_stub(loopback):
    async def handler(request, writer):
        loopback.respond(writer, ANTHROPIC)

    async def main():
        async with loopback.serve(handler) as served:
            client = anthropic.AsyncAnthropic(
                base_url=served.url, api_key=KEY, max_retries=0, _strict_response_validation=True
            )
            message = await client.messages.create(
                model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}]
            )
            await client.close()
            return message

    assert [block.type for block in asyncio.run(main()).content] == ["text", "tool_use", "tool_use"]
