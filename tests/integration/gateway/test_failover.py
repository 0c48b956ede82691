"""An upstream that fails: left for the next one that fits, then left alone, then tried again."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

ONE_FAILURE = {"failures": 2, "open_s": 3600}


def event(text, **more):
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}, **more}]}).encode() + b"\n\n"


class Upstream:
    """One whose answer a test changes: ``well``, ``broken``, ``cut`` (in mid-stream), ``error`` (in a stream),
    ``silent``, ``odd`` (nothing that can be passed on), or a status."""

    def __init__(self, loopback, says) -> None:
        self.loopback, self.says, self.how = loopback, says, "well"

    async def __call__(self, request, writer) -> None:
        loopback, stream = self.loopback, bool(request.json.get("stream"))
        if self.how == "broken" or isinstance(self.how, int):
            status = 500 if self.how == "broken" else self.how
            loopback.respond(writer, {"error": {"message": "no"}}, status=status)
        elif self.how == "odd":
            loopback.respond(writer, {"choices": "none"})
        elif self.how == "error":
            data = b'data: {"error": {"type": "overloaded"}}\n\n'
            loopback.respond(writer, data, content_type="text/event-stream")
        elif self.how == "silent":
            await asyncio.sleep(300)
        elif "input" in (request.json or {}):
            data = [{"index": i, "embedding": [1.0]} for i in range(len(request.json["input"]))]
            loopback.respond(writer, {"data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}})
        elif stream:
            head = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
            end = b"" if self.how == "cut" else event("", finish_reason="stop") + b"data: [DONE]\n\n"
            writer.write(head + event(self.says + " " * 600) + end)
            await writer.drain()
            writer.close()
        else:
            loopback.respond(writer, loopback.completion(self.says))


@asynccontextmanager
async def two(over, loopback, breaker=None, **second):
    first, other = Upstream(loopback, "first"), Upstream(loopback, "second")
    spec = {"retries": 0, "timeout_s": 20, "breaker": breaker or ONE_FAILURE}
    async with loopback.serve(first) as a, loopback.serve(other) as b:
        ups = {"main": {"url": a.url, **spec}, "spare": {"url": b.url, **spec, **second}}
        async with over("", upstreams=ups) as served:
            yield served, first, other, a, b


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_one_that_fits_answers_and_the_record_says_which(over, loopback, stream) -> None:
    async def main():
        async with two(over, loopback) as (served, first, _, a, _b):
            assert "first" in (await served.ask(stream=stream)).text
            first.how = "broken"
            for _ in range(4):
                answer = await served.ask(stream=stream)
                assert (answer.status, "second" in answer.text) == (200, True)
            # After two failures it is not even asked.
            assert len(a.seen) == 3
            assert [record.upstream for record in served.records] == ["main"] + ["spare"] * 4
            health = (await served.get("/health")).json
            assert health["worker"]["breakers"]["main"]["state"] == "open"
            assert health["worker"]["breakers"]["spare"]["state"] == "closed"
            assert health["worker"]["of"] == 1

    asyncio.run(main())


def test_embeddings_fail_over_too(over, loopback) -> None:
    async def main():
        async with two(over, loopback) as (served, first, *_):
            first.how = "broken"
            answer = await served.ask("/v1/embeddings", input="hello", messages=None)
            assert answer.status == 400  # messages are no field of it
            answer = await served.session.post(served.base + "/v1/embeddings", json={"model": "m", "input": "hello"})
            assert answer.status == 200
            assert served.records[-1].upstream == "spare"

    asyncio.run(main())


def test_with_none_left_a_client_reads_when_to_come_back_in_its_dialect(over, loopback) -> None:
    async def main():
        async with two(over, loopback, models=["other"]) as (served, first, *_):
            first.how = "broken"
            assert [(await served.ask()).status for _ in range(2)] == [502, 502]
            plain = await served.ask()
            assert (plain.status, plain.json["error"]["code"]) == (503, "upstream_open")
            assert 3000 < int(plain.headers["retry-after"]) <= 3600
            streamed = await served.ask(stream=True)
            assert (streamed.status, streamed.json["error"]["code"]) == (503, "upstream_open")
            other = await served.ask("/v1/messages", max_tokens=5)
            assert (other.status, other.json["type"], "retry-after" in other.headers) == (503, "error", True)
            assert [record.ending for record in served.records] == ["upstream_error"] * 5
            assert [record.upstream for record in served.records] == ["main"] * 2 + [""] * 3

    asyncio.run(main())


def test_it_is_tried_again_and_taken_back(over, loopback) -> None:
    async def main():
        async with two(over, loopback, {"failures": 1, "open_s": 0.3}) as (served, first, *_):
            first.how = "broken"
            await served.ask()
            first.how = "well"
            breaker = served.gateway.keeper.active.upstreams["main"].breaker
            async with asyncio.timeout(60):
                while breaker.state == "open":
                    await asyncio.sleep(0.02)
            assert breaker.state == "half_open"
            assert "first" in (await served.ask()).text
            assert breaker.state == "closed"

    asyncio.run(main())


def test_after_the_first_piece_nobody_else_is_asked(over, loopback) -> None:
    async def main():
        async with two(over, loopback) as (served, first, _, _a, b):
            first.how = "cut"
            answer = await served.ask(stream=True)
            assert "second" not in answer.text
            assert "[DONE]" not in answer.text
            assert b.seen == []
            assert [(record.upstream, record.ending) for record in served.records] == [("main", "upstream_error")]
            assert served.gateway.keeper.active.upstreams["main"].breaker.failed == 1

    asyncio.run(main())


def test_what_is_about_the_request_is_no_failure(over, loopback) -> None:
    async def main():
        async with two(over, loopback) as (served, first, *_):
            breaker = served.gateway.keeper.active.upstreams["main"].breaker
            for status in (400, 404, 422, 429):
                first.how = status
                assert (await served.ask()).status == status
            first.how = "odd"
            for stream in (False, True):
                assert (await served.ask(stream=stream)).status == 502
            assert breaker.failed == 0
            assert [record.upstream for record in served.records] == ["main"] * 6

    asyncio.run(main())


def test_an_error_in_a_stream_is_a_failure(over, loopback) -> None:
    async def main():
        async with two(over, loopback) as (served, first, *_):
            first.how = "error"
            answer = await served.ask(stream=True)
            assert (answer.status, "second" in answer.text) == (200, True)

    asyncio.run(main())


def test_a_timeout_is_a_failure(over, loopback) -> None:
    async def main():
        async with two(over, loopback) as (served, first, *_):
            first.how = "silent"
            served.gateway.keeper.active.upstreams["main"].endpoint("/chat/completions")._patience.seconds = 0.2
            answer = await served.ask()
            assert (answer.status, "second" in answer.text) == (200, True)

    asyncio.run(main())


def test_one_that_does_not_take_a_field_cannot_stand_in(over, loopback) -> None:
    async def main():
        first, other = Upstream(loopback, "first"), Upstream(loopback, "second")
        async with loopback.serve(first) as a, loopback.serve(other) as b:
            ups = {"main": {"url": a.url, "retries": 0, "pass": ["top_k"]}, "spare": {"url": b.url, "retries": 0}}
            async with over("", upstreams=ups) as served:
                first.how = "broken"
                assert (await served.ask(top_k=3)).status == 502
                assert (await served.ask()).status == 200

    asyncio.run(main())
