"""The HTTP client against servers that behave badly, over real sockets."""

from __future__ import annotations

import asyncio
import zlib
from typing import NamedTuple

import pytest

from shipworthy.net.client import Broken, Client, TooLong

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next script: bytes to send, then close (`None`) or keep."""

    def __init__(self, *scripts: tuple[bytes, bool], trailing: float = 0.0) -> None:
        self.scripts, self.connections, self.requests, self.writers = list(scripts), 0, [], []
        self.trailing = trailing

    async def __aenter__(self) -> Server:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/v1?a=b"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                self.requests.append((head, await reader.readexactly(length)))
                data, keep = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                writer.write(data)
                await writer.drain()
                if not keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Answer(NamedTuple):
    status: int
    body: bytes


async def send(client: Client, url: str, payload: bytes = b'{"a":1}', most: int = 10_000) -> Answer:
    response = await client.open("POST", url, {"Authorization": "Bearer k"}, payload)
    return Answer(response.status, await client.read(response, most))


def ask(*scripts: tuple[bytes, bool], times: int = 1):
    async def main():
        async with Server(*scripts) as server:
            client = Client()
            answers = []
            try:
                for _ in range(times):
                    answers.append(await send(client, server.url))
                    await asyncio.sleep(0.02)
            finally:
                await client.close()
            return answers, server

    return asyncio.run(main())


def test_a_connection_is_used_again():
    answers, server = ask((OK, True), times=5)
    assert [a.body for a in answers] == [b"ok"] * 5
    assert server.connections == 1
    head, body = server.requests[0]
    assert head.startswith(b"POST /v1?a=b HTTP/1.1\r\n")
    assert b"Bearer k" in head
    assert body == b'{"a":1}'


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\n ok\r\n0\r\n\r\n", b"ok ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 2\r\n\r\n", b""),
    ],
)
def test_every_framing_is_read(answer, body):
    answers, server = ask((answer, True), times=2)
    assert [a.body for a in answers] == [body] * 2
    assert server.connections == 1


def test_an_answer_that_ends_with_its_connection():
    answers, server = ask((b"HTTP/1.1 200 OK\r\n\r\nok", False), times=2)
    assert [a.body for a in answers] == [b"ok", b"ok"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_half_an_answer_is_no_answer(answer):
    with pytest.raises(Broken):
        ask((answer, False))


def test_idle_connections_that_were_closed_are_replaced_unseen():
    answers, server = ask((OK, False), times=4)  # each is closed right after its answer
    assert len(answers) == server.connections == 4


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"]
)
def test_what_broke_off_on_a_used_connection_is_not_sent_again(begun):
    with pytest.raises(Broken):
        ask((OK, True), (begun, False), (OK, True), times=2)


def test_bytes_nobody_asked_for_are_never_the_next_answer():
    answers, server = ask((OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", True), (OK, True), times=3)
    assert [a.body for a in answers] == [b"ok"] * 3
    assert server.connections >= 2


def test_nor_are_those_that_arrive_on_an_idle_connection():
    """aiohttp alone reads them as the next answer: the stray one arrives after the connection went back to the pool."""

    async def main():
        async with Server((OK, True)) as server:
            client = Client()
            await send(client, server.url)
            server.writers[0].write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            await asyncio.sleep(0.05)
            answers = [await send(client, server.url) for _ in range(2)]
            await client.close()
            return [a.body for a in answers], server.connections

    assert asyncio.run(main()) == ([b"ok", b"ok"], 2)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_although_not_asked_for(encoding):
    packer = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    body = packer.compress(b"ok" * 1000) + packer.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    (answer,), _ = ask((head % (encoding.encode(), len(body)) + body, True))
    assert answer.body == b"ok" * 1000


def test_neither_a_long_body_nor_one_that_unpacks_to_much_fills_the_memory():
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(bytes(10_000_000)) + packer.flush()
    for head, body in ((b"", b"x" * 20_000), (b"Content-Encoding: gzip\r\n", bomb[:9_000])):
        with pytest.raises((TooLong, Broken)):
            ask((b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body), True))


def test_a_cancelled_request_leaves_no_answer_behind():
    async def main():
        async with Server((b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfir", True), (OK, True)) as server:
            client = Client()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await send(client, server.url)
            answer = await send(client, server.url)
            await client.close()
            return answer.body, server.connections

    assert asyncio.run(main()) == (b"ok", 2)


def test_nobody_there():
    async def main():
        client = Client()
        try:
            await send(client, "http://127.0.0.1:9/")
        finally:
            await client.close()

    with pytest.raises(Broken, match="ConnectionRefusedError"):
        asyncio.run(main())
