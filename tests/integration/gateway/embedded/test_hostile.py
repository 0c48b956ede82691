"""What goes wrong around guards in a product: upstreams that break, clients that leave, operators that stop."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from tests.integration.gateway.embedded.ways import WAYS, bare_app, write

from shipworthy.core.errors import StoreError, UsageError, WorkspaceError
from shipworthy.gateway.embedded.asgi import GuardMiddleware
from shipworthy.gateway.embedded.guarded import Guarded
from shipworthy.gateway.levers import pull, release
from shipworthy.store.traffic import read

ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
CHAT = "/v1/chat/completions"
MARK = "mark@leak.example.org"


def records(folder):
    return [line.served for line in read(folder / ".shipworthy/gateway/traffic")]


def chunk(text):
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n".encode()


def begin(writer, status=200, **headers):
    given = {"content-type": "text/event-stream", "transfer-encoding": "chunked"} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())


def write_chunk(writer, data):
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


async def breaks_off(request, writer):
    begin(writer)
    for _ in range(40):
        write_chunk(writer, chunk("It is a fine day for a walk by the sea. "))
    await writer.drain()
    writer.transport.abort()


async def packed(request, writer):
    body = gzip.compress(json.dumps({"choices": [{"message": {"content": MARK}}]}).encode())
    writer.write(
        b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
        % len(body)
    )
    writer.write(body)


async def elsewhere(request, writer):
    writer.write(b"HTTP/1.1 307 X\r\nlocation: http://elsewhere.example/\r\ncontent-length: 0\r\n\r\n")


async def no_json(request, writer):
    writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/html\r\ncontent-length: 21\r\n\r\n" + MARK.encode())


async def closes(request, writer):
    writer.transport.abort()


async def limited(request, writer):
    body = json.dumps({"error": {"message": MARK, "type": MARK}}).encode()
    writer.write(b"HTTP/1.1 429 X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("handler", "stream", "status"),
    [(packed, False, 502), (elsewhere, False, 502), (no_json, False, 502), (closes, True, 502), (limited, False, 429)],
)
def test_an_upstream_that_fails_is_an_error_in_the_clients_dialect(loopback, tmp_path, way, handler, stream, status):
    async def main():
        async with loopback.serve(handler) as up, WAYS[way](Guarded(write(tmp_path)), up.url) as ask:
            return await ask(CHAT, ASKED | {"stream": stream})

    came = asyncio.run(main())
    assert (came.status, came.values()[0]["error"]["code"]) == (status, "upstream")
    assert MARK not in came.text
    (record,) = records(tmp_path)
    assert record.ending == "upstream_error" and MARK not in repr(record)


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_that_breaks_off_ends_with_an_error(loopback, tmp_path, way) -> None:
    async def main():
        async with loopback.serve(breaks_off) as up, WAYS[way](Guarded(write(tmp_path)), up.url) as ask:
            return await ask(CHAT, ASKED | {"stream": True})

    came = asyncio.run(main())
    assert came.values()[-1]["error"]["code"] == "upstream" and "[DONE]" not in came.text
    assert [r.ending for r in records(tmp_path)] == ["upstream_error"]


async def endless(request, writer):
    begin(writer)
    while not writer.is_closing():
        write_chunk(writer, chunk("It is a fine day for a walk by the sea. "))
        await writer.drain()
        await asyncio.sleep(0.005)


async def until(true, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def test_a_client_that_leaves_ends_the_upstream_and_is_on_record(loopback, tmp_path) -> None:
    import httpx2

    from shipworthy.gateway.embedded.httpx import GuardedAsyncTransport

    async def main():
        transport = GuardedAsyncTransport(Guarded(write(tmp_path)), httpx2.AsyncHTTPTransport())
        async with loopback.serve(endless) as up, httpx2.AsyncClient(transport=transport) as client:
            async with client.stream("POST", up.url + CHAT, json=ASKED | {"stream": True}) as answer:
                await anext(answer.aiter_bytes())
            await until(lambda: up.open == 0)
            assert [r.ending for r in records(tmp_path)] == ["gone"]
            # One that gives up before the first byte, too.
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.post(up.url + CHAT, json=ASKED)
            await until(lambda: up.open == 0)

    asyncio.run(main())
    assert [r.ending for r in records(tmp_path)] == ["gone", "gone"]


def test_a_synchronous_client_that_leaves(loopback, tmp_path) -> None:
    import httpx2

    from shipworthy.gateway.embedded.httpx import GuardedTransport

    def leave(url):
        transport = GuardedTransport(Guarded(write(tmp_path)), httpx2.HTTPTransport())
        with httpx2.Client(transport=transport) as client:
            with client.stream("POST", url + CHAT, json=ASKED | {"stream": True}) as answer:
                next(answer.iter_bytes())
            return [r.ending for r in records(tmp_path)]

    async def main():
        async with loopback.serve(endless) as up:
            assert await asyncio.to_thread(leave, up.url) == ["gone"]
            await until(lambda: up.open == 0)

    asyncio.run(main())


def test_a_client_that_leaves_an_app_ends_it(loopback, tmp_path) -> None:
    async def main():
        async with loopback.serve(endless) as up:
            guarded, sent, leave = Guarded(write(tmp_path)), [], asyncio.Event()
            body = json.dumps(ASKED | {"stream": True}).encode()
            coming = iter([{"type": "http.request", "body": body[:9], "more_body": True},
                           {"type": "http.request", "body": body[9:]}])  # fmt: skip

            async def receive():
                if (message := next(coming, None)) is not None:
                    return message
                await leave.wait()
                return {"type": "http.disconnect"}

            async def send(message):
                sent.append(message)
                if len(sent) == 3:
                    leave.set()

            scope = {
                "type": "http", "method": "POST", "path": CHAT, "query_string": b"",
                "headers": [(b"content-type", b"application/json")],
            }  # fmt: skip
            async with asyncio.timeout(5):
                await GuardMiddleware(bare_app(up.url), guarded)(scope, receive, send)
            await until(lambda: up.open == 0)
            # One that leaves in the middle of its body asks nothing.
            coming = iter([{"type": "http.request", "body": body[:9], "more_body": True}])
            async with asyncio.timeout(5):
                await GuardMiddleware(bare_app(up.url), guarded)(scope, receive, send)
            assert len(up.seen) == 1
            await guarded.close()

    asyncio.run(main())
    assert [r.ending for r in records(tmp_path)] == ["gone", "gone"]


def test_an_app_that_fails_and_what_is_no_request(tmp_path) -> None:
    told, sent = [], []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        raise RuntimeError(MARK)

    async def main():
        guarded = Guarded(write(tmp_path), tell=told.append)
        guards = GuardMiddleware(app, guarded)
        body = json.dumps(ASKED).encode()

        async def receive():
            if sent:
                await asyncio.Event().wait()
            sent.append({})
            return {"type": "http.request", "body": body}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": CHAT, "headers": [(b"content-type", b"application/json")]}
        await guards(scope, receive, send)

        async def connect():
            return {"type": "websocket.connect"}

        await guards({"type": "websocket", "path": "/ws", "headers": []}, connect, send)
        await guards({"type": "lifespan"}, receive, send)

    asyncio.run(main())
    assert sent[1]["status"] == 502 and MARK not in repr(sent)
    assert sent[-1] == {"type": "websocket.close", "code": 1008, "reason": "this path is not guarded"}
    assert told == ["the app failed: RuntimeError"]


@pytest.mark.parametrize("way", WAYS)
def test_the_kill_switch_ends_what_is_in_flight_and_what_comes(loopback, tmp_path, way) -> None:
    async def main():
        path = write(tmp_path)
        state = tmp_path / ".shipworthy/gateway"
        guarded = Guarded(path, unguarded=["/*"])
        async with loopback.serve(endless) as up, WAYS[way](guarded, up.url) as ask:
            asked = asyncio.create_task(ask(CHAT, ASKED | {"stream": True}))
            await until(lambda: up.seen)
            pull(state, "stop", "ann", "")
            async with asyncio.timeout(5):
                came = await asked
            assert came.values()[-1]["error"]["code"] == "stopped"
            assert (await ask(CHAT, ASKED)).status == 503
            assert (await ask("/v1/other", ASKED)).status == 404  # nothing passes unread either
            assert len(up.seen) == 1
            release(state, "stop", "ann", "")
            assert guarded.stopped is False

    asyncio.run(main())
    assert [r.ending for r in records(tmp_path)] == ["stopped", "stopped"]


def test_levers_and_changed_files_hold_for_the_next_request(loopback, tmp_path) -> None:
    async def says(request, writer):
        choice = {"index": 0, "message": {"content": f"From {MARK}!"}, "finish_reason": "stop"}
        loopback.respond(writer, {"choices": [choice]})

    async def main():
        rule = {"id": "GD-pii", "use": "pii_output", "mode": "shadow"}
        path = write(tmp_path, [rule], levers={"tight": {"GD-pii": "enforce"}})
        guarded, state = Guarded(path, tell=lambda line: None), tmp_path / ".shipworthy/gateway"
        async with loopback.serve(says) as up, WAYS["httpx"](guarded, up.url) as ask:
            before = guarded.digest
            assert MARK in (await ask(CHAT, ASKED)).text
            pull(state, "tight", "ann", "")
            came = await ask(CHAT, ASKED)
            assert MARK not in came.text and came.headers["x-shipworthy-guards"] == guarded.digest != before
            release(state, "tight", "ann", "")
            assert MARK in (await ask(CHAT, ASKED)).text
            write(tmp_path, [rule | {"mode": "enforce"}])
            await until(lambda: guarded.digest != before)
            assert MARK not in (await ask(CHAT, ASKED)).text

    asyncio.run(main())


def test_what_cannot_be_recorded_is_not_answered(loopback, tmp_path, monkeypatch) -> None:
    async def says(request, writer):
        loopback.respond(writer, {"choices": [{"index": 0, "message": {"content": "Fine."}, "finish_reason": "stop"}]})

    async def main():
        guarded = Guarded(write(tmp_path), tell=lambda line: None)

        async def full(sealed):
            raise StoreError("the disk is full")

        monkeypatch.setattr(guarded._log, "append", full)
        async with loopback.serve(says) as up, WAYS["httpx"](guarded, up.url) as ask:
            came = await ask(CHAT, ASKED)
            assert (came.status, came.values()[0]["error"]["code"]) == (503, "not_recorded")

    asyncio.run(main())


def test_one_loop_one_process(tmp_path) -> None:
    guarded = Guarded(write(tmp_path), records=False)

    async def ask():
        async def body():
            yield b"{}"

        return (await guarded.answer("POST", "/v1/other", {}, body(), None)).status

    async def twice():
        assert await ask() == 404
        with pytest.raises(UsageError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, ask())

    asyncio.run(twice())
    assert asyncio.run(ask()) == 404  # the first loop is over
    guarded._process = -1
    with pytest.raises(UsageError, match="forked"):
        asyncio.run(ask())


def test_files_that_are_wrong_are_told_before_anything_is_asked(tmp_path) -> None:
    with pytest.raises(WorkspaceError, match=r"gateway\.yaml:\d+: .*no rule 'GD-none'"):
        Guarded(write(tmp_path, levers={"tight": {"GD-none": "enforce"}}))
    with pytest.raises(WorkspaceError, match="decision"):
        Guarded(write(tmp_path, decision="RD-none"))
    # Whom a gateway would ask, and who may ask it, is not looked up.
    upstreams = {"main": {"url": "https://api.example.org/v1", "key": "env:NOT_SET"}}
    clients = {"web": {"key": "env:NOT_SET_EITHER"}}
    assert Guarded(write(tmp_path, upstreams=upstreams, clients=clients), records=False).digest.startswith("sha256:")
