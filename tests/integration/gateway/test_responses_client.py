"""The `openai` client asks for responses, whole and as events, and reads them by its own types."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("openai")

import openai
from tests.integration.gateway.upstreams import call, upstream

MARK = "mark@leak.example.org"
KEY = "client-key-0123456789"
SEND = {
    "type": "function",
    "name": "send",
    "parameters": {"type": "object", "properties": {"to": {"type": "string"}}},
    "strict": False,
}


@asynccontextmanager
async def client_over(over, up, **more):
    async with (
        over(up.url + "/v1", **more) as served,
        openai.AsyncOpenAI(base_url=served.base + "/v1", api_key=KEY, max_retries=0) as client,
    ):
        yield served, client


def test_an_answer_whole_and_as_events(over, loopback, monkeypatch) -> None:
    monkeypatch.setenv("GW_WEB", KEY)
    message = {
        "content": f"Grüße 😀 from {MARK}!",
        "reasoning_content": f"I think of {MARK}.",
        "tool_calls": [call(1, to="a"), call(2, to=MARK)],
    }

    async def main():
        clients = {"web": {"key": "env:GW_WEB"}}
        async with (
            upstream(loopback, message, "tool_calls") as up,
            client_over(over, up, clients=clients) as (_, client),
        ):
            asked = {"model": "m", "input": "Hello", "instructions": "Be kind.", "tools": [SEND], "store": False}
            whole = await client.responses.create(**asked)
            async with client.responses.stream(**asked) as stream:
                heard = ""
                async for event in stream:
                    heard += event.delta if event.type == "response.output_text.delta" else ""
                streamed = await stream.get_final_response()
            assert heard == streamed.output_text
            for answer in (whole, streamed):
                assert answer.status == "completed"
                assert answer.output_text == "Grüße 😀 from [redacted:email]!"
                assert [item.type for item in answer.output] == ["reasoning", "message", *["function_call"] * 2]
                assert answer.output[0].content[0].text == "I think of [redacted:email]."
                calls = answer.output[2:]
                assert [json.loads(c.arguments)["to"] for c in calls] == ["a", "[redacted:email]"]
                assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 4)
                assert MARK not in answer.model_dump_json()
            # What was called goes back with its result, as agents do it: all items of the answer, reasoning among them.
            items = [{"role": "user", "content": "Hello"}, *(i.model_dump(exclude_none=True) for i in whole.output)]
            items += [
                {"type": "function_call_output", "call_id": c.call_id, "output": "done"} for c in whole.output[2:]
            ]
            await client.responses.create(**asked | {"input": items})
            sent = up.seen[-1].json["messages"]
            assert [m["role"] for m in sent] == ["system", "user", "assistant", "tool", "tool"]
            assert [c["id"] for c in sent[2]["tool_calls"]] == [m["tool_call_id"] for m in sent[3:]]
            parsed = await client.responses.create(**asked, text={"format": {"type": "json_object"}})
            assert parsed.status == "completed"
            assert up.seen[-1].json["response_format"] == {"type": "json_object"}

    asyncio.run(main())


def test_a_refusal_and_a_cut_answer_are_told_as_such(over, loopback) -> None:
    async def main():
        async with (
            upstream(loopback, {"content": None, "refusal": f"Not for {MARK}."}) as up,
            client_over(over, up) as (_, client),
        ):
            whole = await client.responses.create(model="m", input="Hello")
            pieces = [e async for e in await client.responses.create(model="m", input="Hello", stream=True)]
            for answer in (whole, pieces[-1].response):
                [part] = answer.output[0].content
                assert (part.type, part.refusal) == ("refusal", "Not for [redacted:email].")
            assert "".join(e.delta for e in pieces if e.type == "response.refusal.delta") == "Not for [redacted:email]."
        async with upstream(loopback, {"content": "Half of"}, "length") as up, client_over(over, up) as (_, client):
            whole = await client.responses.create(model="m", input="Hello", max_output_tokens=2)
            assert (whole.status, whole.incomplete_details.reason) == ("incomplete", "max_output_tokens")
            assert up.seen[-1].json["max_tokens"] == 2

    asyncio.run(main())


def test_a_block_in_mid_stream_ends_the_answer(over, loopback) -> None:
    guards = {"block_message": "No.", "rules": [{"id": "GD-pii", "use": "pii_output", "action": "block"}]}

    async def main():
        text = "It is a fine day for a walk by the sea. " * 20 + f"Write to {MARK}."
        async with (
            upstream(loopback, {"content": text}) as up,
            client_over(over, up, guards=guards) as (served, client),
        ):
            pieces = [e async for e in await client.responses.create(model="m", input="Hello", stream=True)]
            assert pieces[-1].type == "response.incomplete"
            answer = pieces[-1].response
            assert answer.incomplete_details.reason == "content_filter"
            assert answer.output_text.startswith("It is a fine day")
            assert answer.output_text.endswith("\nNo.")
            assert MARK not in repr(pieces)
            whole = await client.responses.create(model="m", input="Hello")
            assert (whole.status, whole.output_text) == ("incomplete", "No.")
            assert [record.ending for record in served.records] == ["blocked", "blocked"]

    asyncio.run(main())


def test_errors_are_in_its_words(over, loopback) -> None:
    async def main():
        async def breaks(request, writer):
            if not request.json.get("stream"):
                loopback.respond(writer, {"error": {"message": MARK}}, 500)
                return
            event = {"choices": [{"index": 0, "delta": {"content": "words " * 200}}]}
            data = f"data: {json.dumps(event)}\n\ndata: {json.dumps({'error': {'message': MARK}})}\n\n"
            loopback.respond(writer, data.encode(), content_type="text/event-stream")

        async with loopback.serve(breaks) as up, client_over(over, up) as (served, client):
            with pytest.raises(openai.InternalServerError, match="upstream failed"):
                await client.responses.create(model="m", input="Hello")
            pieces = [e async for e in await client.responses.create(model="m", input="Hello", stream=True)]
            assert pieces[-1].type == "response.failed"
            assert pieces[-1].response.error.message.startswith("the upstream failed")
            assert pieces[-1].response.output_text.startswith("words words")
            assert MARK not in repr(pieces)
            for wrong, said in (
                ({"store": True}, "store"),
                ({"previous_response_id": "resp_1"}, "previous_response_id"),
                ({"background": True}, "background"),
                ({"tools": [{"type": "web_search"}]}, "web_search"),
            ):
                with pytest.raises(openai.BadRequestError, match=said):
                    await client.responses.create(model="m", input="Hello", **wrong)
            with pytest.raises(openai.NotFoundError, match="not served"):
                await client.responses.retrieve("resp_1")
            assert len(up.seen) == 2
            assert [r.ending for r in served.records] == ["upstream_error"] * 2 + ["refused"] * 4

    asyncio.run(main())
