"""The vendors' own clients with guards in their transports, and an app behind a real ASGI server."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

import anthropic
import httpx2
import openai

if not issubclass(openai.DefaultHttpxClient, httpx2.Client):
    pytest.skip("these clients are built on httpx, and the tests take their newer ones", allow_module_level=True)

from tests.integration.gateway.embedded.ways import PII, write
from tests.integration.gateway.upstreams import call, upstream

from shipworthy.gateway.embedded.asgi import GuardMiddleware
from shipworthy.gateway.embedded.guarded import Guarded
from shipworthy.gateway.embedded.httpx import GuardedAsyncTransport, GuardedTransport
from shipworthy.store.traffic import read

MARK = "mark@leak.example.org"
TOOL = {"name": "send", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}
ASKED = [{"role": "user", "content": "Hello"}]
KEY = "sk-own-key-0123456789"


def records(folder):
    return [line.served for line in read(folder / ".shipworthy/gateway/traffic")]


def over(guarded, library=httpx2):
    return library.AsyncClient(transport=GuardedAsyncTransport(guarded, library.AsyncHTTPTransport()))


def test_openai(loopback, tmp_path) -> None:
    message = {"content": f"Grüße 😀 from {MARK}!", "tool_calls": [call(1, to="a"), call(2, to=MARK)]}

    async def main():
        guarded = Guarded(write(tmp_path), client="web")
        async with (
            upstream(loopback, message, "tool_calls") as up,
            openai.AsyncOpenAI(
                base_url=up.url + "/v1", api_key=KEY, max_retries=0, http_client=over(guarded)
            ) as client,
        ):
            tools = [{"type": "function", "function": TOOL}]
            whole = await client.chat.completions.with_raw_response.create(model="m", messages=ASKED, tools=tools, n=2)
            assert whole.headers["x-shipworthy-guards"] == guarded.digest
            whole = whole.parse()
            assert [c.message.content for c in whole.choices] == ["Grüße 😀 from [redacted:email]!"] * 2
            called = [json.loads(c.function.arguments)["to"] for c in whole.choices[0].message.tool_calls]
            assert called == ["a", "[redacted:email]"]
            text = ""
            async for chunk in await client.chat.completions.create(model="m", messages=ASKED, stream=True):
                text += "".join(choice.delta.content or "" for choice in chunk.choices)
            assert text == "Grüße 😀 from [redacted:email]!"
            said = await client.responses.create(model="m", input="Hello", store=False)
            assert said.output_text == "Grüße 😀 from [redacted:email]!"
            assert [request.path for request in up.seen] == ["/v1/chat/completions"] * 3
            assert {request.headers["authorization"] for request in up.seen} == {f"Bearer {KEY}"}
            with pytest.raises(openai.NotFoundError, match="/v1/models is not guarded"):
                await client.models.list()
            with pytest.raises(openai.BadRequestError, match="top_k"):
                await client.chat.completions.create(model="m", messages=ASKED, extra_body={"top_k": 3})
            assert len(up.seen) == 3

    asyncio.run(main())
    assert [(r.client, r.ending, r.streamed) for r in records(tmp_path)] == [
        ("web", "answered", False), ("web", "answered", True), ("web", "answered", False), ("web", "refused", False),
    ]  # fmt: skip
    assert not any(MARK in repr(r) or KEY in repr(r) for r in records(tmp_path))


def test_what_is_named_passes(loopback, tmp_path) -> None:
    async def models(request, writer):
        loopback.respond(writer, {"object": "list", "data": []})

    async def main():
        guarded = Guarded(write(tmp_path), unguarded=["/v1/models", "/v1/*"], records=False)
        async with loopback.serve(models) as up, over(guarded) as client:
            assert (await client.get(up.url + "/v1/models")).json() == {"object": "list", "data": []}
            # However it is written, what is a conversation does not pass unread.
            for path in ("/v1/chat/completions/", "/v1/CHAT/completions", "/v1/chat/completion%73", "/v1/messages//"):
                assert (await client.post(up.url + path, json={})).status_code in (404, 400)
            assert (await client.get(up.url + "/v1/messages")).status_code == 405
            assert len(up.seen) == 1

    asyncio.run(main())
    assert not (tmp_path / ".shipworthy").exists()


def test_embeddings(loopback, tmp_path) -> None:
    async def vectors(request, writer):
        rows = [{"index": n, "embedding": [0.5, 1.0]} for n, _ in enumerate(request.json["input"])]
        loopback.respond(writer, {"data": rows, "model": MARK, "usage": {"prompt_tokens": 1, "total_tokens": 1}})

    async def main():
        guarded = Guarded(write(tmp_path, [{"id": "GD-in", "use": "pii", "stages": ["input"]}]))
        async with (
            loopback.serve(vectors) as up,
            openai.AsyncOpenAI(base_url=up.url + "/v1", api_key=KEY, http_client=over(guarded)) as client,
        ):
            found = await client.embeddings.create(model="m", input=[f"Write to {MARK}"], encoding_format="float")
            assert found.data[0].embedding == [0.5, 1.0] and found.model == "m"
            assert MARK not in repr(up.seen[0].json)

    asyncio.run(main())


def test_anthropic(loopback, tmp_path) -> None:
    content = [
        {"type": "thinking", "thinking": f"Of {MARK}.", "signature": "s"},
        {"type": "text", "text": f"From {MARK}!"},
        {"type": "tool_use", "id": "toolu_up", "name": "send", "input": {"to": MARK}},
    ]

    async def messages(request, writer):
        usage = {"input_tokens": 3, "output_tokens": 4}
        head = {"id": "x", "type": "message", "role": "assistant", "model": "up", "usage": usage}
        if not request.json.get("stream"):
            loopback.respond(writer, {**head, "content": content, "stop_reason": "tool_use"})
            return
        events = [{"type": "message_start", "message": {**head, "content": []}}]
        for n, block in enumerate(content):
            kind = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}[block["type"]]
            field = {"tool_use": "partial_json"}.get(block["type"], block["type"])
            said = json.dumps(block["input"]) if block["type"] == "tool_use" else block[block["type"]]
            empty = {"input": {}} if block["type"] == "tool_use" else {block["type"]: ""}
            events.append({"type": "content_block_start", "index": n, "content_block": {**block, **empty}})
            for piece in (said[:9], said[9:]):
                delta = {"type": kind, field: piece}
                events.append({"type": "content_block_delta", "index": n, "delta": delta})
            events.append({"type": "content_block_stop", "index": n})
        events += [
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": usage},
            {"type": "message_stop"},
        ]
        data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        loopback.respond(writer, data.encode(), content_type="text/event-stream")

    async def main():
        guarded = Guarded(write(tmp_path))
        async with (
            loopback.serve(messages) as up,
            anthropic.AsyncAnthropic(base_url=up.url, api_key=KEY, http_client=over(guarded)) as client,
        ):
            tools = [{"name": "send", "input_schema": TOOL["parameters"]}]
            asked = {"model": "m", "max_tokens": 50, "system": "Be kind.", "messages": ASKED, "tools": tools}
            whole = await client.messages.create(**asked, stop_sequences=["END"])
            async with client.messages.stream(**asked) as stream:
                streamed = await stream.get_final_message()
            for found in (whole, streamed):
                thought, text, used = found.content
                assert (thought.thinking, text.text) == ("Of [redacted:email].", "From [redacted:email]!")
                assert (used.name, used.input) == ("send", {"to": "[redacted:email]"})
                assert (found.stop_reason, found.usage.output_tokens) == ("tool_use", 4)
            sent = up.seen[0].json
            assert up.seen[0].path == "/v1/messages" and up.seen[0].headers["authorization"] == f"Bearer {KEY}"
            assert (sent["system"], sent["max_tokens"], sent["stop_sequences"]) == ("Be kind.", 50, ["END"])
            assert sent["tools"][0]["input_schema"] == TOOL["parameters"]
            # What was called goes back with its result, as agents do it.
            result = {"type": "tool_result", "tool_use_id": used.id, "content": "done"}
            made = [b.model_dump(include={"type", "text", "id", "name", "input"}) for b in (text, used)]
            told = [*ASKED, {"role": "assistant", "content": made}, {"role": "user", "content": [result]}]
            await client.messages.create(**{**asked, "messages": told})
            *_, assistant, user = up.seen[-1].json["messages"]
            assert assistant["content"][1]["id"] == user["content"][0]["tool_use_id"] == used.id
            assert user["content"] == [result]

    asyncio.run(main())


def test_synchronous_clients(loopback, tmp_path) -> None:
    async def main():
        async with upstream(loopback, {"content": f"From {MARK}!"}) as up:
            return await asyncio.to_thread(ask, up.url)

    def ask(url):
        transport = GuardedTransport(Guarded(write(tmp_path)), httpx2.HTTPTransport())
        http = httpx2.Client(transport=transport)
        with openai.OpenAI(base_url=url + "/v1", api_key=KEY, http_client=http) as client:
            whole = client.chat.completions.create(model="m", messages=ASKED)
            stream = client.chat.completions.create(model="m", messages=ASKED, stream=True)
            pieces = [c.choices[0].delta.content or "" for c in stream if c.choices]
            return whole.choices[0].message.content, "".join(pieces)

    assert asyncio.run(main()) == ("From [redacted:email]!",) * 2
    assert [r.ending for r in records(tmp_path)] == ["answered", "answered"]


def test_an_app_behind_a_server(loopback, tmp_path) -> None:
    """Starlette behind uvicorn: the vendors' clients ask the product, and what it answers is guarded."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse, StreamingResponse
    from starlette.routing import Route

    heard, after = [], []

    async def chat(request):
        body = await request.json()
        heard.append((body["messages"][-1]["content"], request.headers.get("authorization")))
        if not body["stream"]:
            message = {"role": "assistant", "content": f"From {MARK}!"}
            answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            return JSONResponse(answer, headers={"x-said": MARK}, background=BackgroundTask(after.append, "whole"))

        async def pieces():
            for text in ("From mark@", "leak.example", ".org!"):
                yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n"
            ends = {"index": 0, "delta": {}, "finish_reason": "stop"}
            yield f"data: {json.dumps({'choices': [ends]})}\n\ndata: [DONE]\n\n"

        background = BackgroundTask(after.append, "streamed")
        return StreamingResponse(pieces(), media_type="text/event-stream", background=background)

    async def home(request):
        return JSONResponse({"home": True})

    guarded = Guarded(
        write(tmp_path, [PII, {"id": "GD-in", "use": "pii", "stages": ["input"]}]), unguarded=["/"], client="app"
    )
    routes = [Route("/v1/chat/completions", chat, methods=["POST"]), Route("/", home)]
    app = Starlette(routes=routes, middleware=[Middleware(GuardMiddleware, guarded=guarded)])

    async def main():
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            async with openai.AsyncOpenAI(base_url=url + "/v1", api_key=KEY, max_retries=0) as client:
                asked = [{"role": "user", "content": f"I am {MARK}"}]
                whole = await client.chat.completions.create(model="m", messages=asked)
                assert whole.choices[0].message.content == "From [redacted:email]!"
                stream = await client.chat.completions.create(model="m", messages=asked, stream=True)
                said = [c.choices[0].delta.content or "" async for c in stream if c.choices]
                assert "".join(said) == "From [redacted:email]!"
                with pytest.raises(openai.NotFoundError, match="not guarded"):
                    await client.models.list()
            async with httpx2.AsyncClient(base_url=url) as plain:
                assert (await plain.get("/")).json() == {"home": True}
            assert after == ["whole", "streamed"]  # what an app does after its answer is not cut off
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    asyncio.run(main())
    assert heard == [("I am [redacted:email]", f"Bearer {KEY}")] * 2
    assert [(r.client, r.ending) for r in records(tmp_path)] == [("app", "answered")] * 2
