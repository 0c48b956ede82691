"""The vendors' own clients talk to a gateway, and read its answers, its streams and its errors by their own types."""

from __future__ import annotations

import asyncio
import json

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

import anthropic
import openai
from tests.integration.gateway.upstreams import call, upstream

MARK = "mark@leak.example.org"
TOOL = {"name": "send", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}


ASKED = [{"role": "user", "content": "Hello"}]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("GW_WEB", "client-key-0123456789")


CLIENTS = {"web": {"key": "env:GW_WEB"}}


def test_openai(over, loopback) -> None:
    message = {
        "content": f"Grüße 😀 from {MARK}!",
        "reasoning_content": "I think.",
        "tool_calls": [call(1, to="a"), call(2, to=MARK)],
    }

    async def main():
        async with upstream(loopback, message, "tool_calls") as up, over(up.url + "/v1", clients=CLIENTS) as served:
            async with openai.AsyncOpenAI(
                base_url=served.base + "/v1", api_key="client-key-0123456789", max_retries=0
            ) as client:
                tools = [{"type": "function", "function": TOOL}]
                whole = await client.chat.completions.create(model="m", messages=ASKED, tools=tools, n=2)
                assert [c.message.content for c in whole.choices] == ["Grüße 😀 from [redacted:email]!"] * 2
                assert [c.finish_reason for c in whole.choices] == ["tool_calls"] * 2
                assert [json.loads(c.function.arguments)["to"] for c in whole.choices[0].message.tool_calls] == [
                    "a", "[redacted:email]",
                ]  # fmt: skip
                assert whole.usage.total_tokens == 7
                stream = await client.chat.completions.create(
                    model="m", messages=ASKED, tools=tools, n=2, stream=True, stream_options={"include_usage": True}
                )
                text, calls, ends, usage = {0: "", 1: ""}, {}, {}, None
                async for chunk in stream:
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        text[choice.index] += choice.delta.content or ""
                        ends[choice.index] = choice.finish_reason or ends.get(choice.index)
                        for piece in choice.delta.tool_calls or ():
                            key = choice.index, piece.index
                            calls[key] = calls.get(key, "") + piece.function.arguments
                assert text == {0: "Grüße 😀 from [redacted:email]!", 1: "Grüße 😀 from [redacted:email]!"}
                assert ends == {0: "tool_calls", 1: "tool_calls"}
                assert {k: json.loads(v)["to"] for k, v in calls.items()} == {
                    (0, 0): "a", (0, 1): "[redacted:email]", (1, 0): "a", (1, 1): "[redacted:email]",
                }  # fmt: skip
                assert usage.total_tokens == 7
                # What was called goes back with its result, as agents do it.
                made = whole.choices[0].message
                results = [{"role": "tool", "tool_call_id": c.id, "content": "done"} for c in made.tool_calls]
                told = [*ASKED, made.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}), *results]
                await client.chat.completions.create(model="m", messages=told, tools=tools)
                sent = up.seen[-1].json["messages"]
                assert [c["id"] for c in sent[1]["tool_calls"]] == [m["tool_call_id"] for m in sent[2:]]
                with pytest.raises(openai.NotFoundError, match="not served"):
                    await client.images.generate(prompt="a cat")
                with pytest.raises(openai.BadRequestError, match="top_k"):
                    await client.chat.completions.create(model="m", messages=ASKED, extra_body={"top_k": 3})
                # A record holds the conversation as the client saw it, and what was kept back, once each.
                record = next(r for r in served.records if r.streamed)
                seen = [e for e in record.events if type(e).__name__ == "Said" and e.by == "target"]
                assert [e.withheld for e in seen] == [True, True, False, False]
            async with openai.AsyncOpenAI(base_url=served.base + "/v1", api_key="no", max_retries=0) as client:
                with pytest.raises(openai.AuthenticationError):
                    await client.models.list()

    asyncio.run(main())


def test_openai_hears_of_a_stream_that_breaks_off(over, loopback) -> None:
    async def main():
        async def handler(request, writer):
            event = {"choices": [{"index": 0, "delta": {"content": "words " * 200}}]}
            data = f"data: {json.dumps(event)}\n\ndata: {json.dumps({'error': {'message': MARK}})}\n\n"
            loopback.respond(writer, data.encode(), content_type="text/event-stream")

        async with (
            loopback.serve(handler) as up,
            over(up.url + "/v1") as served,
            openai.AsyncOpenAI(base_url=served.base + "/v1", api_key="any", max_retries=0) as client,
        ):
            heard = ""
            with pytest.raises(openai.APIError, match="upstream failed"):
                async for chunk in await client.chat.completions.create(model="m", messages=ASKED, stream=True):
                    heard += chunk.choices[0].delta.content or ""
            assert heard.startswith("words words")

    asyncio.run(main())


def test_anthropic(over, loopback) -> None:
    message = {
        "content": f"Grüße 😀 from {MARK}!",
        "reasoning_content": "I think.",
        "tool_calls": [call(1, to="a"), call(2, to=MARK)],
    }
    tools = [{"name": "send", "input_schema": TOOL["parameters"]}]

    async def main():
        async with upstream(loopback, message, "tool_calls") as up, over(up.url + "/v1", clients=CLIENTS) as served:
            async with anthropic.AsyncAnthropic(
                base_url=served.base, api_key="client-key-0123456789", max_retries=0
            ) as client:
                asked = {"model": "m", "max_tokens": 50, "messages": ASKED, "tools": tools, "system": "Be kind."}
                whole = await client.messages.create(**asked)
                async with client.messages.stream(**asked) as stream:
                    streamed = await stream.get_final_message()
                for answer in (whole, streamed):
                    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use", "tool_use"]
                    assert answer.content[1].text == "Grüße 😀 from [redacted:email]!"
                    assert [block.input for block in answer.content[2:]] == [{"to": "a"}, {"to": "[redacted:email]"}]
                    assert answer.stop_reason == "tool_use"
                    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 4)
                results = [
                    {"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": "done"}]}
                    for block in whole.content[2:]
                ]
                said = [{"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in whole.content]}]
                await client.messages.create(
                    **asked | {"messages": [*ASKED, *said, {"role": "user", "content": results}]}
                )
                sent = up.seen[-1].json["messages"]
                assert [m["role"] for m in sent] == ["system", "user", "assistant", "tool", "tool"]
                assert [c["id"] for c in sent[2]["tool_calls"]] == [m["tool_call_id"] for m in sent[3:]]
                with pytest.raises(anthropic.BadRequestError, match="thinking"):
                    await client.messages.create(**asked | {"thinking": {"type": "enabled", "budget_tokens": 1024}})
                with pytest.raises(anthropic.NotFoundError, match="not served"):
                    await client.messages.batches.list()
            async with anthropic.AsyncAnthropic(base_url=served.base, api_key="no", max_retries=0) as client:
                with pytest.raises(anthropic.AuthenticationError):
                    await client.messages.create(**asked)

    asyncio.run(main())


@pytest.mark.model
def test_a_real_model_behind_the_gateway(over, weights) -> None:
    """SmolLM2 behind llama.cpp's own server: it says the code bare, and the code does not leave the gateway."""
    import xllamacpp as llama

    secret = "HERON-4471"
    asked = [
        {"role": "system", "content": "You repeat what you are told to, word by word."},
        {"role": "user", "content": f"Repeat this sentence: The code is {secret}."},
    ]
    params = llama.CommonParams()
    params.model.path = str(weights)
    params.hostnames, params.port, params.n_ctx, params.verbosity = ["127.0.0.1"], 0, 1024, -1
    server = llama.Server(params)

    async def said_by(base):
        async with openai.AsyncOpenAI(base_url=base, api_key="any", max_retries=0, timeout=300) as client:
            fixed = {"model": "smollm2", "messages": asked, "max_tokens": 24, "temperature": 0}
            whole = await client.chat.completions.create(**fixed)
            stream = await client.chat.completions.create(**fixed, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            return whole.choices[0].message.content, "".join(pieces)

    async def main():
        upstream = f"{server.listening_address}/v1"
        upstreams = {"main": {"url": upstream, "retries": 0, "timeout_s": 250, "silence_s": 250}}
        bare = await said_by(upstream)
        async with over("", upstreams=upstreams) as served:
            guarded = await said_by(f"{served.base}/v1")
            # It writes the code in letters of its own: Heron-4471.
            assert [secret in text.upper() for text in bare] == [True, True], bare
            assert ["4471" in text for text in guarded] == [False, False]
            assert all("No." in text for text in guarded)
            assert [record.ending for record in served.records] == ["blocked", "blocked"]

    asyncio.run(main())
