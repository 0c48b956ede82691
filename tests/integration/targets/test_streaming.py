"""`openai_compatible` answers piece by piece: what arrives, when, and what happens when it breaks off."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from contextlib import aclosing
from typing import Any

import pytest

from shipworthy.core.errors import TargetError, TargetFiltered, TargetTimeout
from shipworthy.core.records import Delta, Reply, Request, Usage, say
from shipworthy.core.registry import create
from shipworthy.net import retry

KEY, SECRET_TEXT = "sk-test-0123456789abcdef", "the-text-of-the-evaluation"
HELLO = Request(messages=(say("user", SECRET_TEXT),), seed=5)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retry, "BACKOFF_S", 0.001)
    monkeypatch.setenv("TEST_KEY", KEY)


def event(delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return b"data: %s\n\n" % json.dumps({"model": "m-1", "choices": [choice]}, ensure_ascii=False).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def made(url: str, **params: Any) -> Any:
    return create(
        "target", "openai_compatible", {"base_url": url + "/v1", "model": "m", "key": "env:TEST_KEY", **params}
    )


def listen(loopback, handler, **params: Any) -> tuple[list[Delta | Reply], TargetError | None, Any]:
    """Take a stream to its end; return the pieces, what ended it if it was an error, and the server."""

    async def main():
        async with loopback.serve(handler) as served:
            target = made(served.url, **params)
            pieces: list[Delta | Reply] = []
            failed = None
            try:
                async for piece in target.stream(HELLO):
                    pieces.append(piece)  # noqa: PERF401 - kept when it breaks off
            except TargetError as error:
                failed = error
            await target.close()
            return pieces, failed, served

    pieces, failed, served = asyncio.run(main())
    if failed is not None:
        told = "".join(traceback.format_exception(failed))
        assert KEY not in told
        assert SECRET_TEXT not in told
    return pieces, failed, served


def sends(*data: bytes, end: bytes = b"0\r\n\r\n"):
    async def handler(request, writer):
        writer.write(HEAD + b"".join(chunk(d) for d in data) + end)

    return handler


USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}\n\n'
DONE = b"data: [DONE]\n\n"
WHOLE = (event({"content": "he"}), event({"content": "llo"}), event({}, "stop"), USAGE, DONE)


def test_pieces_then_the_whole_reply(loopback):
    pieces, failed, served = listen(loopback, sends(*WHOLE))
    assert failed is None
    assert pieces == [
        Delta("he"),
        Delta("llo"),
        Reply(messages=(say("assistant", "hello"),), usage=Usage(7, 2), model="m-1"),
    ]
    (request,) = served.seen
    assert request.json["stream"] is True
    assert request.json["stream_options"] == {"include_usage": True}
    assert request.json["seed"] == 5


def test_where_an_endpoint_refuses_to_count(loopback):
    pieces, _, served = listen(loopback, sends(*WHOLE[:3], DONE), stream_usage=False)
    assert "stream_options" not in served.seen[0].json
    assert pieces[-1].usage == Usage()


def test_a_piece_is_here_before_the_next_is_sent(loopback):
    async def handler(request, writer):
        writer.write(HEAD)
        for data in WHOLE:
            writer.write(chunk(data))
            await writer.drain()
            await asyncio.sleep(0.15)
        writer.write(b"0\r\n\r\n")

    async def main():
        async with loopback.serve(handler) as served:
            target = made(served.url)
            times = [time.monotonic() async for _ in target.stream(HELLO)]
            await target.close()
            return times

    first, second, *_, last = asyncio.run(main())
    assert second - first > 0.1
    assert last - first > 0.3


def test_every_byte_by_itself_in_every_line_ending(loopback):
    text = "añ😀\u2028b"
    data = b": hello\n\n" + event({"content": text[:3]}) + event({"content": text[3:]}) + event({}, "stop") + DONE
    for end in (b"\n", b"\r\n", b"\r"):
        stream = data.replace(b"\n", end)
        pieces, failed, _ = listen(loopback, sends(*(stream[i : i + 1] for i in range(len(stream)))))
        assert failed is None
        assert pieces[-1].text == text


def test_one_event_over_several_lines(loopback):
    data = b'data: {"choices": [{"index": 0,\ndata:  "delta": {"content": "hi"}, "finish_reason": "stop"}]}\n\n'
    pieces, failed, _ = listen(loopback, sends(data))
    assert (failed, pieces[-1].text) == (None, "hi")


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_before_the_stream_is_tried_again(loopback, status):
    async def handler(request, writer):
        if request.number == 0:
            loopback.respond(writer, {"error": {"message": SECRET_TEXT}}, status)
        else:
            await sends(*WHOLE)(request, writer)

    pieces, failed, served = listen(loopback, handler)
    assert (failed, pieces[-1].text, len(served.seen)) == (None, "hello", 2)


@pytest.mark.parametrize(
    ("status", "error", "kind", "says"),
    [
        (
            401,
            {"code": "invalid_api_key", "message": KEY},
            TargetError,
            r"status 401 \(invalid_api_key\): check the key",
        ),
        (400, {"code": "content_filter", "message": SECRET_TEXT}, TargetFiltered, "filter refused the prompt"),
    ],
)
def test_an_error_before_the_stream_is_that_of_a_whole_answer(loopback, status, error, kind, says):
    async def handler(request, writer):
        loopback.respond(writer, {"error": error}, status)

    pieces, failed, _ = listen(loopback, handler)
    assert pieces == []
    assert type(failed) is kind
    with pytest.raises(kind, match=says):
        raise failed


def test_an_endpoint_that_does_not_stream_is_borne(loopback):
    async def handler(request, writer):
        loopback.respond(writer, loopback.completion("hello", reasoning="hm"))

    pieces, failed, _ = listen(loopback, handler)
    assert failed is None
    assert pieces[:2] == [Delta("hm", "reasoning"), Delta("hello")]
    assert (pieces[2].text, pieces[2].usage) == ("hello", Usage(7, 2))


@pytest.mark.parametrize(
    ("data", "end", "kind", "says"),
    [
        ((event({"content": "he"}),), b"0\r\n\r\n", TargetError, "mid-answer, after 2 characters"),
        ((), b"0\r\n\r\n", TargetError, "mid-answer, after 0 characters"),
        ((event({"content": "he"}),), b"9\r\nda", TargetError, "broke off after 1 events and"),
        (
            (
                event({"content": "he"}),
                b'data: {"error": {"code": "server_error", "message": "%s"}}\n\n' % SECRET_TEXT.encode(),
            ),
            b"0\r\n\r\n",
            TargetError,
            r"error \(server_error\), after 2 characters",
        ),
        ((event({"content": "he"}), event({}, "content_filter"), DONE), b"0\r\n\r\n", TargetFiltered, "filter cut"),
        ((event({"content": "he"}), b"data: <html>\n\n"), b"0\r\n\r\n", TargetError, "not a chat completion"),
    ],
)
def test_what_breaks_off_is_no_reply(loopback, data, end, kind, says):
    async def handler(request, writer):
        await sends(*data, end=end)(request, writer)
        await writer.drain()
        raise ConnectionError

    pieces, failed, served = listen(loopback, handler)
    assert not any(isinstance(piece, Reply) for piece in pieces)
    assert type(failed) is kind
    with pytest.raises(kind, match=says):
        raise failed
    assert len(served.seen) == 1, "what has begun is not asked for again"


def test_a_stream_that_stalls_is_a_timeout(loopback):
    async def handler(request, writer):
        writer.write(HEAD + chunk(event({"content": "he"})))
        await writer.drain()
        await asyncio.sleep(30)

    pieces, failed, _ = listen(loopback, handler, silence=0.3)
    assert pieces == [Delta("he")]
    assert type(failed) is TargetTimeout


def test_who_has_heard_enough_hangs_up(loopback):
    async def main():
        hung_up = asyncio.Event()

        async def handler(request, writer):
            writer.write(HEAD)
            try:
                while True:
                    writer.write(chunk(event({"content": "on and on"})))
                    await writer.drain()
                    await asyncio.sleep(0.01)
            finally:
                hung_up.set()

        async with loopback.serve(handler) as served:
            target = made(served.url)
            async with aclosing(target.stream(HELLO)) as pieces:
                first = await anext(pieces)
            async with asyncio.timeout(5):
                await hung_up.wait()
            await target.close()
            return first

    assert asyncio.run(main()) == Delta("on and on")


def test_tokens_a_minute_count_what_streams_used(loopback):
    """Six seconds' worth, 600, may be taken at once: two answers as expected, or all eight as they came."""

    async def main():
        async with loopback.serve(sends(*WHOLE)) as served:
            target = made(served.url, max_tokens=200, tokens_per_minute=6000)
            began = time.monotonic()
            for _ in range(8):
                _ = [piece async for piece in target.stream(HELLO)]
            took = time.monotonic() - began
            await target.close()
            return took

    assert asyncio.run(main()) < 2


def test_targets_on_one_endpoint_say_so(loopback):
    one, two = made("http://127.0.0.1:9", concurrency=4), made("http://127.0.0.1:9", concurrency=2, model="other")
    other = create("target", "openai_compatible", {"base_url": "http://127.0.0.1:9/v1", "model": "m"})
    assert one.endpoint == two.endpoint == "http://127.0.0.1:9 env:TEST_KEY"
    assert other.endpoint == "http://127.0.0.1:9"
    assert (one.concurrency, two.concurrency, other.concurrency) == (2, 2, None)
