"""What goes over the wire, and what the client makes of unusual answers, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from shipworthy.net.client import Broken, Client


class Server:
    """Answers every request with one script, and keeps what it was sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.heads, self.bodies, self.connections = answer, [], [], 0

    async def __aenter__(self) -> Server:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1/ask?q=a%20b"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lengths = [
                    line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-l")
                ]
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(lengths[0]) if lengths else 0))
                writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(answer: bytes, *requests: tuple[str, Mapping[str, str], bytes]) -> tuple[list[tuple[int, bytes]], Server]:
    async def main() -> tuple[list[tuple[int, bytes]], Server]:
        async with Server(answer) as server:
            client, answers = Client(), []
            try:
                for method, headers, payload in requests:
                    async with asyncio.timeout(5):
                        response = await client.open(method, server.url, headers, payload)
                        answers.append((response.status, await client.read(response, 1_000_000)))
            finally:
                await client.close()
            return answers, server

    return asyncio.run(main())


def fields(head: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in head.split("\r\n")[1:]:
        if line:
            name, _, value = line.partition(": ")
            found.setdefault(name.lower(), []).append(value)
    return found


def test_a_request_is_one_head_and_one_body():
    sent = {"Authorization": "Bearer k", "Content-Type": "application/json", "X-Own": "ümlaut"}
    _, server = ask(OK, ("POST", sent, b'{"a":1}'), ("GET", sent, b""), ("POST", sent, b""))
    first, second, third = server.heads
    assert first.startswith("POST /v1/ask?q=a%20b HTTP/1.1\r\n")
    assert second.startswith("GET /v1/ask?q=a%20b HTTP/1.1\r\n")
    assert fields(first)["host"] == [f"127.0.0.1:{server.port}"]
    for name, value in sent.items():
        assert [fields(head)[name.lower()] for head in server.heads] == [[value]] * 3
    assert [fields(head).get("content-length") for head in server.heads] == [["7"], None, ["0"]]
    assert server.bodies == [b'{"a":1}', b"", b""]
    assert fields(third).keys() == fields(first).keys()


def test_requests_with_other_headers_do_not_share_a_head():
    requests = [("POST", {"X-Own": str(number), "Accept": "a/b"}, b"x" * number) for number in range(1, 100)]
    _, server = ask(OK, *requests, *requests)
    assert [fields(head)["x-own"] for head in server.heads] == [[str(n)] for n in range(1, 100)] * 2
    assert [len(body) for body in server.bodies] == [*range(1, 100)] * 2
    assert server.connections == 1


def test_how_long_a_body_is_is_ours_to_say():
    framing = {"Content-Length": "1", "content-length": "2", "Transfer-Encoding": "chunked"}
    (answer,), server = ask(OK, ("POST", framing, b"12345"))
    assert (answer, server.bodies) == ((200, b"ok"), [b"12345"])
    assert fields(server.heads[0])["content-length"] == ["5"]
    assert "transfer-encoding" not in fields(server.heads[0])


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\0"])
def test_no_header_smuggles_another_one_in(value):
    with pytest.raises(ValueError, match=r"line break|[Ii]nvalid|control"):
        ask(OK, ("POST", {"X-Own": value}, b""))


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + OK, 200, b"ok"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", 404, b"no"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000, 200, b"x" * 300_000),
    ],
)
def test_answers_are_taken_as_they_are(answer, status, body):
    answers, server = ask(answer, *[("POST", {}, b"")] * 3)
    assert answers == [(status, body)] * 3
    assert server.connections == 1


def test_an_answer_that_closes_its_connection_leaves_none_behind():
    answers, server = ask(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", *[("POST", {}, b"")] * 3
    )
    assert answers == [(200, b"ok")] * 3
    assert server.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
        b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nok",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_no_http_is_a_broken_connection(answer):
    with pytest.raises(Broken):
        ask(answer, ("POST", {}, b""))
