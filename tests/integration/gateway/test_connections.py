"""Clients that are slow, rude, or leave."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from urllib.parse import urlsplit

BODY = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}).encode()
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"


async def connect(served):
    return await asyncio.open_connection("127.0.0.1", urlsplit(served.base).port)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.02)


def endless(loopback, state):
    """An upstream that never stops talking, and says when it is hung up on."""

    async def handler(request, writer):
        state["asked"] = True
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        event = b'data: {"choices": [{"index": 0, "delta": {"content": "' + b"word " * 4000 + b'"}}]}\n\n'
        try:
            while not writer.is_closing():
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            state["ended"] = True

    return loopback.serve(handler)


def test_a_head_that_never_ends(over, loopback) -> None:
    async def main():
        async with over("http://127.0.0.1:1/v1", limits={"idle_s": 0.5}) as served:
            reader, writer = await connect(served)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ")
            async with asyncio.timeout(60):
                assert await reader.read() == b""  # hung up on
            assert served.records == []

    asyncio.run(main())


def test_a_second_head_that_never_ends(over, loopback) -> None:
    async def main():
        async with over("http://127.0.0.1:1/v1", limits={"idle_s": 0.5}) as served:
            reader, writer = await connect(served)
            writer.write(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            async with asyncio.timeout(60):
                assert b" 200 " in await reader.readline()
                writer.write(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ")
                await reader.read()  # to its end: it was hung up on

    asyncio.run(main())


def test_a_head_that_is_too_long(over, loopback) -> None:
    async def main():
        async with over("http://127.0.0.1:1/v1", limits={"header_bytes": 1000}) as served:
            reader, writer = await connect(served)
            writer.write(HEAD + b"x-long: " + b"a" * 5000 + b"\r\n\r\n")
            async with asyncio.timeout(60):
                assert b" 400 " in await reader.readline()

    asyncio.run(main())


def test_a_body_that_never_ends(over, loopback) -> None:
    async def main():
        async with over("http://127.0.0.1:1/v1", limits={"body_s": 0.3}) as served:
            reader, writer = await connect(served)
            writer.write(HEAD + b"content-length: 500\r\n\r\n{")
            async with asyncio.timeout(60):
                assert b" 408 " in await reader.readline()
            await until(lambda: served.records)
            assert [(r.ending, r.status) for r in served.records] == [("refused", 408)]

    asyncio.run(main())


def test_two_lengths_are_no_request(over, loopback) -> None:
    async def main():
        async with over("http://127.0.0.1:1/v1") as served:
            for lengths in (
                b"content-length: 4\r\ncontent-length: 40\r\n",
                b"content-length: 4\r\ntransfer-encoding: chunked\r\n",
            ):
                reader, writer = await connect(served)
                writer.write(HEAD + lengths + b"\r\n{}{}")
                async with asyncio.timeout(60):
                    assert b" 400 " in await reader.readline()

    asyncio.run(main())


def test_a_client_that_does_not_read_is_cut_off_and_so_is_the_upstream(over, loopback) -> None:
    async def main():
        state = {}
        async with endless(loopback, state) as up, over(up.url + "/v1", limits={"write_s": 0.5}) as served:
            small = socket.socket()
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # or megabytes wait in the system
            small.connect(("127.0.0.1", urlsplit(served.base).port))
            small.sendall(HEAD + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY))
            async with asyncio.timeout(200):
                await until(lambda: state.get("ended"))
                await until(lambda: served.records)
            [record] = served.records
            assert record.ending == "gone"
            small.close()

    asyncio.run(main())


def test_a_client_that_leaves_ends_what_is_done_for_it(over, loopback) -> None:
    async def main():
        state = {}
        async with endless(loopback, state) as up, over(up.url + "/v1") as served:
            reader, writer = await connect(served)
            writer.write(HEAD + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY))
            await reader.readuntil(b"word")
            writer.transport.abort()
            async with asyncio.timeout(100):
                await until(lambda: state.get("ended"))
                await until(lambda: served.records)
            [record] = served.records
            assert record.ending == "gone"
            assert any(event.by == "target" for event in record.events if hasattr(event, "by"))

    asyncio.run(main())


def test_an_answer_that_takes_too_long_ends(over, loopback, read_events) -> None:
    async def main():
        state = {}
        async with endless(loopback, state) as up, over(up.url + "/v1", limits={"request_s": 0.6}) as served:
            answer = await served.ask(stream=True)
            assert read_events(answer.text)[-1]["error"]["code"] == "late"
            assert "[DONE]" not in answer.text
            assert [r.ending for r in served.records] == ["late"]

        async def never(request, writer):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

        async with loopback.serve(never) as up, over(up.url + "/v1", limits={"request_s": 0.3}) as served:
            assert (await served.ask()).status == 504

    asyncio.run(main())


def test_more_at_one_time_than_may_be_is_refused(over, loopback) -> None:
    async def main():
        state = {}
        async with endless(loopback, state) as up, over(up.url + "/v1", limits={"flying": 1}) as served:
            reader, writer = await connect(served)
            writer.write(HEAD + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY))
            await reader.readuntil(b"word")
            answer = await served.ask()
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            writer.transport.abort()

    asyncio.run(main())
