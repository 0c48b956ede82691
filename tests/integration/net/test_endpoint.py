"""Endpoints over real sockets: shared limits, streams and their bounds, TLS, proxies."""

from __future__ import annotations

import asyncio
import datetime
import os
import ssl
import time
from contextlib import aclosing, asynccontextmanager
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shipworthy.core.errors import TargetError, TargetTimeout, UsageError
from shipworthy.net import retry
from shipworthy.net.endpoint import Endpoint, NoStream
from shipworthy.net.options import HttpOptions

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retry, "BACKOFF_S", 0.001)
    monkeypatch.setenv("TEST_KEY", "sk-hidden-value")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def stream(loopback, handler, **options):
    """Read one stream; return the data of its events, the error that ended it (or None), and what the server saw."""

    async def main():
        async with loopback.serve(handler) as served:
            endpoint = Endpoint(served.url + "/v1", HttpOptions(**options))
            data: list[str] = []
            failed = None
            try:
                async with aclosing(endpoint.events({"stream": True})) as events:
                    async for event in events:
                        data.append(event.data)  # noqa: PERF401 - kept when it breaks off
            except (TargetError, NoStream) as error:
                failed = error
            await endpoint.close()
            return data, failed, served

    return asyncio.run(main())


def test_events_arrive_as_they_are_sent(loopback):
    gaps = []

    async def handler(request, writer):
        assert request.headers["accept"] == "text/event-stream"
        writer.write(HEAD)
        for n in range(3):
            writer.write(chunk(b"data: %d\n\n" % n))
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.write(END)

    async def main():
        async with loopback.serve(handler) as served:
            endpoint = Endpoint(served.url)
            gaps.extend([(event.data, time.monotonic()) async for event in endpoint.events({})])
            again = [event.data async for event in endpoint.events({})]
            await endpoint.close()
            return again, served.connections

    again, connections = asyncio.run(main())
    assert [data for data, _ in gaps] == again == ["0", "1", "2"]
    assert gaps[2][1] - gaps[0][1] > 0.15, "the first was not held back until the last was here"
    assert connections == 1, "a stream that was read to its end gives its connection back"


def test_a_stream_is_tried_again_before_its_first_byte(loopback):
    async def handler(request, writer):
        if request.number == 0:
            loopback.respond(writer, {}, 503)
        elif request.number == 1:
            raise ConnectionError
        elif request.number == 2:
            writer.write(HEAD)
            await writer.drain()
            raise ConnectionError
        else:
            writer.write(HEAD + chunk(b"data: a\n\n") + END)

    data, failed, served = stream(loopback, handler)
    assert (data, failed, len(served.seen)) == (["a"], None, 4)


def test_and_not_after_it(loopback):
    async def handler(request, writer):
        writer.write(HEAD + chunk(b"data: a\n\ndata: b\n\n") + b"5\r\nda")
        await writer.drain()
        raise ConnectionError

    data, failed, served = stream(loopback, handler)
    assert data == ["a", "b"]
    assert type(failed) is TargetError
    assert "broke off after 2 events and" in str(failed)
    assert len(served.seen) == 1


@pytest.mark.parametrize(("body", "status"), [({"error": {"code": "bad"}}, 400), ({"choices": []}, 200)])
def test_an_answer_that_is_no_stream_is_handed_over_whole(loopback, body, status):
    async def handler(request, writer):
        loopback.respond(writer, body, status)

    data, failed, _ = stream(loopback, handler)
    assert data == []
    assert isinstance(failed, NoStream)
    assert (failed.answer.status, failed.answer.body) == (status, body)


def test_a_stream_that_falls_silent(loopback):
    async def handler(request, writer):
        writer.write(HEAD + chunk(b"data: a\n\n"))
        for _ in range(100):  # bytes that never end a line are no sign of life
            writer.write(chunk(b":"))
            await writer.drain()
            await asyncio.sleep(0.05)

    began = time.monotonic()
    data, failed, _ = stream(loopback, handler, silence=0.4)
    assert data == ["a"]
    assert type(failed) is TargetTimeout
    assert "was silent for 0.4 s, after 1 events" in str(failed)
    assert time.monotonic() - began < 3


def test_keep_alives_are_signs_of_life_until_the_time_is_up(loopback):
    async def handler(request, writer):
        writer.write(HEAD)
        for _ in range(100):
            writer.write(chunk(b": keep-alive\n\n"))
            await writer.drain()
            await asyncio.sleep(0.05)

    data, failed, _ = stream(loopback, handler, silence=0.3, timeout=1.0)
    assert data == []
    assert type(failed) is TargetTimeout
    assert "took longer than 1 s" in str(failed)


def test_a_stream_without_end_is_cut_off(loopback):
    async def handler(request, writer):
        writer.write(HEAD)
        for _ in range(1000):
            writer.write(chunk(b"data: " + b"x" * 10_000 + b"\n\n"))
            await writer.drain()

    data, failed, _ = stream(loopback, handler, max_bytes=100_000)
    assert "more than 100000 bytes" in str(failed)
    assert len(data) <= 10


def test_the_readers_own_time_is_not_the_servers_silence(loopback):
    async def handler(request, writer):
        writer.write(HEAD + b"".join(chunk(b"data: %d\n\n" % n) for n in range(3)) + END)

    async def main():
        async with loopback.serve(handler) as served:
            endpoint = Endpoint(served.url, HttpOptions(silence=0.2))
            data = []
            async for event in endpoint.events({}):
                await asyncio.sleep(0.3)
                data.append(event.data)
            await endpoint.close()
            return data

    assert asyncio.run(main()) == ["0", "1", "2"]


def test_who_stops_early_closes_the_connection_and_gives_its_turn_back(loopback):
    closed = []

    async def handler(request, writer):
        writer.write(HEAD)
        try:
            while True:
                writer.write(chunk(b"data: a\n\n"))
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            closed.append(request.number)

    async def main():
        async with loopback.serve(handler) as served:
            endpoint = Endpoint(served.url, HttpOptions(concurrency=1))
            for _ in range(2):
                async with asyncio.timeout(5), aclosing(endpoint.events({})) as events:
                    await anext(events)
            await asyncio.sleep(0.2)
            await endpoint.close()

    asyncio.run(main())
    assert closed == [0, 1]


def test_two_endpoints_of_one_account_share_connections_and_turns(loopback):
    async def handler(request, writer):
        await asyncio.sleep(0.01)
        loopback.respond(writer, {})

    async def main():
        async with loopback.serve(handler) as served:
            key = {"Authorization": ("env:TEST_KEY", "Bearer ")}
            one = Endpoint(served.url + "/a", HttpOptions(concurrency=5), credentials=key)
            two = Endpoint(served.url + "/b", HttpOptions(concurrency=2), credentials=key)
            await asyncio.gather(*[e.ask({}) for e in (one, two) for _ in range(10)])
            await one.close()
            await two.ask({})
            await two.close()
            return served

    served = asyncio.run(main())
    assert len(served.seen) == 21
    assert (served.most_open, served.connections) == (2, 2)


def test_one_refusal_holds_every_endpoint_of_the_account(loopback):
    async def handler(request, writer):
        if request.number == 0:
            loopback.respond(writer, {}, 429, retry_after_ms="400")
        else:
            loopback.respond(writer, {})

    async def main():
        async with loopback.serve(handler) as served:
            one, two = Endpoint(served.url + "/a"), Endpoint(served.url + "/b")
            first = asyncio.create_task(one.ask({}))
            while not served.seen:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            began = time.monotonic()
            await two.ask({})
            await first
            await one.close()
            await two.close()
            return time.monotonic() - began

    assert asyncio.run(main()) > 0.25


# ---- TLS and proxies -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """Make certificates that sign themselves: each its file, and a server's TLS settings."""

    def make(host: str = "127.0.0.1", days: int = 1) -> SimpleNamespace:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
        now = datetime.datetime.now(datetime.UTC)
        alternative = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(host))])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=9))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(alternative, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        file = tmp_path_factory.mktemp("tls") / "own.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return SimpleNamespace(file=str(file), context=context)

    return make


@pytest.fixture(scope="module")
def certificate(certified):
    """A certificate of 127.0.0.1."""
    return certified()


def secure(loopback, certificate, **options):
    async def handler(request, writer):
        loopback.respond(writer, {"said": request.headers.get("authorization")})

    async def main():
        async with loopback.serve(handler, tls=certificate.context) as served:
            endpoint = Endpoint(
                served.url,
                HttpOptions(retries=0, **options),
                credentials={"Authorization": ("env:TEST_KEY", "Bearer ")},
            )
            try:
                return (await endpoint.ask({})).body
            finally:
                await endpoint.close()

    return asyncio.run(main())


def test_a_certificate_that_nobody_signed_is_refused_and_the_setting_named(loopback, certificate):
    with pytest.raises(TargetError, match=r"not trusted: it is signed by itself; .* `ca_file: FILE\.pem`"):
        secure(loopback, certificate)


@pytest.mark.parametrize(
    ("made", "said"),
    [({"days": -1}, "it has expired"), ({"host": "127.0.0.9"}, "it is for another (host|address)")],
)
def test_a_certificate_that_is_not_right_is_refused_with_the_reason(loopback, certified, made, said):
    certificate = certified(**made)
    with pytest.raises(TargetError, match=f"no connection to https://.*not trusted: {said}") as caught:
        secure(loopback, certificate, ca_file=certificate.file)
    assert "ca_file" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"", "failed"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no connection to .*: it speaks no TLS that we do")],
)
def test_a_handshake_that_is_cut_or_none_is_an_error_in_time(answer, said):
    tried = []

    async def cut(reader, writer):
        tried.append(await reader.read(1))
        writer.write(answer)
        writer.close()

    async def main():
        server = await asyncio.start_server(cut, "127.0.0.1", 0)
        endpoint = Endpoint(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", HttpOptions(retries=1))
        try:
            await asyncio.wait_for(endpoint.ask({}), 30)
        finally:
            await endpoint.close()
            server.close()

    with pytest.raises(TargetError, match=said) as caught:
        asyncio.run(main())
    assert len(tried) == (2 if said == "failed" else 1), caught.value  # only what may pass is tried again


def test_an_authority_of_ones_own_is_trusted(loopback, certificate):
    assert secure(loopback, certificate, ca_file=certificate.file) == {"said": "Bearer sk-hidden-value"}


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_is_none_is_a_users_mistake(loopback, certificate, tmp_path, content):
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(UsageError, match="ca_file"):
        secure(loopback, certificate, ca_file=str(file))


def test_an_authority_without_an_end_is_not_read(loopback, certificate, tmp_path):
    (tmp_path / "holes.pem").write_bytes(b"")
    os.truncate(tmp_path / "holes.pem", 50 << 30)
    for file, why in (
        ("/dev/zero", "no plain file"),
        (str(tmp_path / "holes.pem"), "larger than 8 MB"),
        ("a\0b", "ca_file"),
    ):
        with pytest.raises(UsageError, match=why):
            secure(loopback, certificate, ca_file=file)


@asynccontextmanager
async def proxy():
    """A forward proxy that keeps what it was asked for: plain requests, and tunnels by CONNECT."""
    seen: list[tuple[str, dict[str, str]]] = []

    async def pump(source, goal):
        try:
            while data := await source.read(65_536):
                goal.write(data)
                await goal.drain()
        except ConnectionError:
            pass
        finally:
            goal.close()

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        seen.append((first, headers))
        method, goal, _ = first.split()
        host, _, port = goal.removeprefix("http://").partition("/")[0].rpartition(":")
        there, out = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            out.write(head.encode())
        await asyncio.gather(pump(reader, out), pump(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield SimpleNamespace(seen=seen, address=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    server.close()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("named", ["", "user:pass@"])
def test_a_proxy_of_the_environment_is_used_when_told(loopback, certificate, monkeypatch, tls, named):
    async def handler(request, writer):
        loopback.respond(writer, {"through": request.headers.get("proxy-authorization")})

    async def main():
        async with proxy() as between, loopback.serve(handler, tls=certificate.context if tls else None) as served:
            for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, f"http://{named}{between.address}")
            monkeypatch.setenv("no_proxy", "")
            monkeypatch.setenv("NO_PROXY", "")
            key = {"Authorization": ("env:TEST_KEY", "Bearer ")}
            endpoint = Endpoint(served.url, HttpOptions(proxies=True, ca_file=certificate.file), credentials=key)
            answer = await endpoint.ask({"a": 1})
            await endpoint.close()
            return answer, between.seen, served.seen

    answer, ((first, headers),), (request,) = asyncio.run(main())
    assert answer.status == 200
    assert first.startswith("CONNECT 127.0.0.1:" if tls else "POST http://127.0.0.1:")
    assert headers.get("proxy-authorization") == ("Basic dXNlcjpwYXNz" if named else None)
    assert request.headers["authorization"] == "Bearer sk-hidden-value"
    if tls:
        assert "authorization" not in headers, "the key is for the endpoint, inside the tunnel"


def test_a_proxy_that_is_not_there_does_not_show_its_password(loopback, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://user:proxy-password@127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://user:proxy-password@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")

    async def main():
        endpoint = Endpoint("http://127.0.0.1:10/", HttpOptions(proxies=True, retries=0))
        try:
            await endpoint.ask({})
        finally:
            await endpoint.close()

    with pytest.raises(TargetError, match="ConnectionRefusedError") as caught:
        asyncio.run(main())
    assert "proxy-password" not in str(caught.value)


def test_nor_does_one_of_a_kind_that_is_not_known(monkeypatch):
    monkeypatch.setenv("http_proxy", "socks5://user:proxy-password@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(UsageError, match="socks5 proxy") as caught:
        asyncio.run(Endpoint("http://127.0.0.1:10/", HttpOptions(proxies=True)).ask({}))
    assert "proxy-password" not in str(caught.value)


def test_netrc_gives_no_credential(loopback, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password from-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def handler(request, writer):
        loopback.respond(writer, {"said": request.headers.get("authorization")})

    async def main():
        async with loopback.serve(handler) as served:
            endpoint = Endpoint(served.url, HttpOptions(proxies=True))
            answer = await endpoint.ask({})
            await endpoint.close()
            return answer.body

    assert asyncio.run(main()) == {"said": None}


def test_cookies_are_not_kept(loopback):
    async def handler(request, writer):
        loopback.respond(writer, {"cookie": request.headers.get("cookie")}, set_cookie="a=b")

    async def main():
        async with loopback.serve(handler) as served:
            endpoint = Endpoint(served.url)
            answers = [(await endpoint.ask({})).body for _ in range(2)]
            await endpoint.close()
            return answers

    assert asyncio.run(main()) == [{"cookie": None}] * 2


@pytest.mark.parametrize("headers", [{"X-Bad": "line\r\nbreak"}, {"X Bad": "blank"}, {"": "none"}])
def test_what_no_header_can_carry_is_refused(headers):
    with pytest.raises(UsageError, match="cannot be sent"):
        Endpoint("http://127.0.0.1/", headers=headers)
