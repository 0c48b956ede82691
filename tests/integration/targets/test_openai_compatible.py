from __future__ import annotations

import asyncio
import email.utils
import time
import traceback

import pytest

from shipworthy.core.errors import (
    CredentialError,
    InvalidOutput,
    TargetError,
    TargetFiltered,
    TargetTimeout,
    UsageError,
)
from shipworthy.core.records import Audio, Document, Image, Message, Request, Text, ToolCall, ToolResult, say
from shipworthy.core.registry import create
from shipworthy.net import retry

KEY = "sk-test-0123456789abcdef"
SECRET_TEXT = "the-text-of-the-evaluation"
HELLO = Request(messages=(say("user", SECRET_TEXT),), seed=5)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retry, "BACKOFF_S", 0.001)
    monkeypatch.setenv("TEST_KEY", KEY)


def target(url, **params):
    return create(
        "target", "openai_compatible", {"base_url": url + "/v1", "model": "m", "key": "env:TEST_KEY", **params}
    )


def ask(loopback, handler, request=HELLO, **params):
    """Send one request; return what came back (a reply or an exception) and the requests the server saw."""

    async def main():
        async with loopback.serve(handler) as served:
            made = target(served.url, **params)
            try:
                return await made.send(request), served.seen
            except TargetError as error:
                return error, served.seen
            finally:
                await made.close()

    result, seen = asyncio.run(main())
    if isinstance(result, Exception):
        told = "".join(traceback.format_exception(result))
        assert KEY not in told
        assert SECRET_TEXT not in told
    return result, seen


def test_a_request_as_the_api_wants_it(loopback):
    async def handler(request, writer):
        loopback.respond(writer, loopback.completion("hi"))

    request = Request(
        messages=(
            say("system", "Be kind."),
            Message("user", (Text("look"), Image("image/png", data="aGk="), Audio("audio/mpeg", "aGk="))),
            Message("assistant", (ToolCall("c1", "search", {"q": "ä"}),)),
            Message("tool", (ToolResult("c1", "search", "found"), ToolResult("c2", "search", "nothing"))),
        ),
        documents=(Document("d1", "Boats are red.", "Boats"),),
        seed=2**40 + 3,
        schema={"type": "object"},
        max_tokens=11,
        temperature=0.5,
    )
    tools = [{"type": "function", "function": {"name": "search"}}]
    reply, (seen,) = ask(loopback, handler, request, tools=tools, extra={"top_p": 0.5}, query={"api-version": "1"})
    assert (reply.messages, reply.model, reply.finish) == ((say("assistant", "hi"),), "m-1", "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 2)
    assert seen.path == "/v1/chat/completions?api-version=1"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.json == {
        "model": "m",
        "stream": False,
        "temperature": 0.5,
        "max_tokens": 11,
        "seed": (2**40 + 3) & 0x7FFFFFFF,
        "top_p": 0.5,
        "tools": tools,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}},
        },
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "[1] Boats\n\nBoats are red.\n\nlook"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                    {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "ä"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
            {"role": "tool", "tool_call_id": "c2", "content": "nothing"},
        ],
    }


def test_tool_calls_are_read(loopback):
    call = {"id": "c9", "type": "function", "function": {"name": "reset", "arguments": '{"user": "a"}'}}

    async def handler(request, writer):
        loopback.respond(writer, loopback.completion(None, "tool_calls", tool_calls=[call]))

    reply, _ = ask(loopback, handler)
    assert reply.tool_calls == (ToolCall("c9", "reset", {"user": "a"}),)
    assert reply.finish == "tool_calls"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_passing_failures_are_tried_again(loopback, status):
    async def handler(request, writer):
        if request.number < 2:
            loopback.respond(writer, {"error": {"message": SECRET_TEXT + KEY}}, status)
        else:
            loopback.respond(writer, loopback.completion())

    reply, seen = ask(loopback, handler)
    assert reply.text == "hello"
    assert len(seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_lasting_failures_are_not(loopback, status):
    async def handler(request, writer):
        loopback.respond(
            writer, {"error": {"message": SECRET_TEXT + KEY, "type": "invalid_request_error", "code": KEY}}, status
        )

    error, seen = ask(loopback, handler)
    assert type(error) is TargetError
    assert f"status {status} (invalid_request_error)" in str(error)
    assert len(seen) == 1


def test_it_gives_up_after_the_retries(loopback):
    async def handler(request, writer):
        loopback.respond(writer, b"<html>bad gateway</html>", 502, content_type="text/html")

    error, seen = ask(loopback, handler, retries=2)
    assert type(error) is TargetError
    assert "502" in str(error)
    assert len(seen) == 3


@pytest.mark.parametrize("form", ["seconds", "milliseconds", "date"])
def test_retry_after_is_honoured(loopback, form):
    times = []

    async def handler(request, writer):
        times.append(time.time())
        if request.number:
            loopback.respond(writer, loopback.completion())
            return
        headers = {
            "seconds": {"retry_after": "1"},
            "milliseconds": {"retry_after_ms": "300", "retry_after": "50"},
            "date": {"retry_after": email.utils.formatdate(time.time() + 2, usegmt=True)},
        }[form]
        loopback.respond(writer, {}, 429, **headers)

    reply, _ = ask(loopback, handler)
    assert reply.text == "hello"
    least = {"seconds": 1.0, "milliseconds": 0.3, "date": 0.9}[form]
    assert times[1] - times[0] >= least


def test_a_wait_that_is_too_long_is_not_begun(loopback):
    async def handler(request, writer):
        loopback.respond(writer, {}, 429, retry_after="3600")

    error, seen = ask(loopback, handler, longest_wait=5)
    assert "requests_per_minute" in str(error)
    assert len(seen) == 1


def test_one_refusal_holds_everybody(loopback):
    """Once one request was told to wait, no other is sent before the time is up."""
    until = [0.0]

    async def handler(request, writer):
        if until[0] == 0.0:
            until[0] = time.monotonic() + 0.5
            loopback.respond(writer, {}, 429, retry_after_ms="500")
        elif time.monotonic() < until[0] - 0.05:
            loopback.respond(writer, {"early": True}, 400)
        else:
            loopback.respond(writer, loopback.completion())

    async def main():
        async with loopback.serve(handler) as served:
            made = target(served.url)
            first = asyncio.create_task(made.send(HELLO))
            while not until[0]:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
            replies = await asyncio.gather(first, *[made.send(HELLO) for _ in range(5)])
            await made.close()
            return replies

    assert len(asyncio.run(main())) == 6


def test_a_slow_endpoint_is_a_timeout_even_if_it_trickles(loopback):
    async def handler(request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    error, seen = ask(loopback, handler, timeout=0.4)
    assert type(error) is TargetTimeout
    assert len(seen) == 1


def test_a_connection_dropped_in_mid_body_is_tried_again(loopback):
    async def handler(request, writer):
        if request.number == 0:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")
            await writer.drain()
            raise ConnectionError
        loopback.respond(writer, loopback.completion())

    reply, seen = ask(loopback, handler)
    assert reply.text == "hello"
    assert len(seen) == 2


def test_nobody_listens():
    made = target("http://127.0.0.1:9", retries=1)
    with pytest.raises(TargetError, match="ConnectionRefusedError") as caught:
        asyncio.run(made.send(HELLO))
    assert type(caught.value) is TargetError


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "no json"}}]}}]}',
        b'{"choices": [{"message": {"content": "x", "tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]}}]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_an_answer_that_is_no_completion_is_an_error(loopback, body):
    async def handler(request, writer):
        loopback.respond(writer, body)

    error, _ = ask(loopback, handler)
    assert type(error) is TargetError


def test_a_web_page_says_what_is_wrong(loopback):
    async def handler(request, writer):
        loopback.respond(writer, b"<html>Welcome</html>", content_type="text/html; charset=utf-8")

    error, _ = ask(loopback, handler)
    assert "text/html" in str(error)
    assert "/v1" in str(error)


def test_a_huge_answer_is_cut_off(loopback):
    sent = []

    async def handler(request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(1000):
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
            sent.append(65536)

    error, seen = ask(loopback, handler, max_bytes=1_000_000)
    assert "more than 1000000 bytes" in str(error)
    assert len(seen) == 1
    assert sum(sent) < 20_000_000


def test_a_redirect_is_not_followed(loopback):
    async def elsewhere(request, writer):
        loopback.respond(writer, loopback.completion("stolen"))

    async def main():
        async with loopback.serve(elsewhere) as thief:

            async def handler(request, writer):
                loopback.respond(
                    writer, b"", 307, location=thief.url.replace("127.0.0.1", "localhost") + "/v1/chat/completions"
                )

            async with loopback.serve(handler) as served:
                made = target(served.url)
                with pytest.raises(TargetError, match="redirects to localhost"):
                    await made.send(HELLO)
                await made.close()
            return thief.seen

    assert asyncio.run(main()) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}),
        (400, {"error": {"code": "content_filter", "message": SECRET_TEXT}}),
        (400, {"error": {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    ],
)
def test_a_providers_filter_is_neither_answer_nor_error(loopback, status, body):
    async def handler(request, writer):
        loopback.respond(writer, body, status)

    error, seen = ask(loopback, handler)
    assert type(error) is TargetFiltered
    assert len(seen) == 1


def test_concurrency_is_kept(loopback):
    async def handler(request, writer):
        await asyncio.sleep(0.02)
        loopback.respond(writer, loopback.completion())

    async def main():
        async with loopback.serve(handler) as served:
            made = target(served.url, concurrency=3)
            await asyncio.gather(*[made.send(HELLO) for _ in range(20)])
            await made.close()
            return served.most_open

    assert asyncio.run(main()) == 3


@pytest.mark.parametrize("limit", [{"requests_per_minute": 600.0}, {"tokens_per_minute": 5400.0}])
def test_rates_are_kept(loopback, limit):
    """600 requests a minute: 60 at once, then one each 0.1 s. A request costs 9 tokens: 5400 a minute is the same."""
    times = []

    async def handler(request, writer):
        times.append(time.monotonic())
        loopback.respond(writer, loopback.completion())

    async def main():
        async with loopback.serve(handler) as served:
            made = target(served.url, max_tokens=3, concurrency=1, **limit)
            for _ in range(65):
                await made.send(HELLO)
            await made.close()

    asyncio.run(main())
    assert times[-1] - times[0] >= 0.3


def test_another_event_loop_gets_a_client_of_its_own(loopback):
    async def handler(request, writer):
        loopback.respond(writer, loopback.completion())

    made, port = None, 0

    async def once():
        nonlocal made, port
        async with loopback.serve(handler, port) as served:
            port = int(served.url.rpartition(":")[2])
            made = made or target(served.url)
            return (await made.send(HELLO)).text

    assert [asyncio.run(once()), asyncio.run(once())] == ["hello", "hello"]


def test_the_environments_proxies_are_used_only_when_told(loopback, monkeypatch):
    async def handler(request, writer):
        loopback.respond(writer, loopback.completion("direct"))

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    reply, _ = ask(loopback, handler)
    assert reply.text == "direct"
    error, seen = ask(loopback, handler, proxies=True, retries=0)
    assert isinstance(error, TargetError)
    assert seen == []


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"base_url": "api.example/v1"}, "http://"),
        ({"base_url": "https://user:pass@api.example/v1"}, "reference"),
        ({"base_url": "http://api.example/v1"}, "unencrypted"),
        ({"base_url": "http://127.0.0.1:99999/v1"}, "not an address"),
        ({"timeout": 0}, "timeout"),
        ({"retries": -1}, "retries"),
        ({"concurrency": 0}, "concurrency"),
        ({"documents_template": "{{ message "}, "documents_template"),
        ({"documents_template": "{{ message }}"}, "documents_template"),
        ({"documents_template": "{{ documents.__class__ }}{{ message }}"}, "documents_template"),
        ({"modle": "m"}, "did you mean"),
    ],
)
def test_what_cannot_work_is_said_at_once(params, says):
    with pytest.raises(UsageError, match=says):
        create(
            "target",
            "openai_compatible",
            {"base_url": "https://api.example/v1", "model": "m", "key": "env:K", **params},
        )


def test_a_pasted_key_is_refused_and_not_repeated():
    made = create("target", "openai_compatible", {"base_url": "https://api.example/v1", "model": "m", "key": KEY})
    with pytest.raises(CredentialError) as caught:
        asyncio.run(made.send(HELLO))
    assert KEY not in str(caught.value)


def test_the_description_names_what_changes_answers_and_no_key():
    params = {"base_url": "https://api.example/v1", "model": "m", "key": "env:TEST_KEY"}
    one = create("target", "openai_compatible", params).describe()
    assert "TEST_KEY" not in str(one)
    assert one == create("target", "openai_compatible", {**params, "timeout": 5.0, "retries": 0}).describe()
    for change in (
        {"model": "n"},
        {"temperature": 1.0},
        {"system": "s"},
        {"extra": {"top_k": 1}},
        {"query": {"v": "2"}},
    ):
        assert one != create("target", "openai_compatible", {**params, **change}).describe()


def test_an_answer_that_breaks_the_targets_schema_is_an_error(loopback):
    schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}

    def says(text):
        async def handler(request, writer):
            loopback.respond(writer, loopback.completion(text))

        return handler

    reply, seen = ask(loopback, says('{"sure": true}'), schema=schema)
    assert reply.text == '{"sure": true}'
    assert seen[0].json["response_format"]["json_schema"]["schema"] == schema
    for text in ("I am sure.", '{"sure": "very"}'):
        result, _ = ask(loopback, says(text), schema=schema)
        assert isinstance(result, InvalidOutput)
