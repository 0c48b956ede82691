"""Raw bytes where an HTTP answer should be: an answer, a stream's events, or an error of the target's."""

import asyncio
import socketserver
import threading
from contextlib import aclosing
from pathlib import Path
from typing import Any

from shipworthy.core.errors import TargetError
from shipworthy.net.endpoint import Endpoint, NoStream
from shipworthy.net.options import HttpOptions


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    data = b""


class _Raw(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := self.request.recv(65536)):
                    return
                head += piece
            self.request.sendall(self.server.data)  # type: ignore[attr-defined]
        except OSError:
            pass


def prepare(folder: Path) -> Any:
    server = _Server(("127.0.0.1", 0), _Raw)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    loop = asyncio.new_event_loop()
    # Told by nobody: a task that ended badly, a callback that raised.
    told: list[str] = []
    loop.set_exception_handler(lambda _, context: told.append(str(context.get("message"))))
    return server, loop, told


def feed(data: bytes, ready: Any) -> str:
    server, loop, told = ready
    server.data, told[:] = data, []
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"

    async def ask() -> str:
        endpoint = Endpoint(address, HttpOptions(timeout=2, silence=1, retries=0, max_bytes=100_000))
        came = "refused"
        try:
            answer = await endpoint.ask({})
            assert 100 <= answer.status <= 999
            came = "accepted"
        except TargetError as error:
            assert str(error)
        try:
            async with aclosing(endpoint.events({})) as events:
                async for event in events:
                    assert isinstance(event.data, str)
                    came = "accepted"
        except (TargetError, NoStream) as error:
            assert isinstance(error, NoStream) or str(error)
        finally:
            await endpoint.close()
        return came

    came = loop.run_until_complete(ask())
    assert not told, told
    return came
