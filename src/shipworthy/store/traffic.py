"""The traffic log: one redacted line a request, hash-chained and on the disk before the request's answer ends.

A folder of files, each with one writer and a chain of its own that starts from the file's name. A line is
``{"hash":"<64 hex>","served":{…}}`` and a line feed, as in `store.line`. A torn last line is what a killed process
leaves of requests whose answers had not ended.

While a file is written to, zeros stand behind its last line: a sync of bytes that were there before need not wait for
the file system's own journal, in which everything else on the disk has its place, too. They go when the file is closed;
a killed process leaves them.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from shipworthy.core.errors import IntegrityError, StoreError
from shipworthy.core.rewrite import Rules, rewrite, rewrite_json
from shipworthy.core.served import Served
from shipworthy.detect.redact import Redacted
from shipworthy.store import chain
from shipworthy.store.files import make_directory, sync_directory
from shipworthy.store.line import frame

ROTATE_BYTES = 64 << 20
"""Bytes after which a writer goes on in a new file."""

ROOM_BYTES = 4 << 20
"""Bytes by which a file is made longer in advance."""

_datasync = getattr(os, "fdatasync", os.fsync)
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Served)
_OPEN, _SERVED = b'{"hash":"', b'"served":'
_HEAD = len(_OPEN) + 64 + len(b'",')


class TrafficLog:
    """One writer of a folder of traffic; used on one event loop.

    Args:
        directory: is made, for its owner alone, if it is not there.
        rotate_bytes: see `ROTATE_BYTES`.

    Raises:
        StoreError: it cannot be written to.
    """

    def __init__(self, directory: Path, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._directory, self._rotate = directory, rotate_bytes
        self._pending: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: Future[None] | None = None
        self._scheduled = self._closed = False
        self._failure = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shipworthy-traffic")
        try:
            make_directory(directory, mode=0o700)
            self._begin()
        except OSError as error:
            raise StoreError(f"cannot write the traffic log in {directory}: {error.strerror or error}") from error

    @property
    def failure(self) -> str:
        """Why nothing more can be written; empty while it can."""
        return self._failure

    async def append(self, sealed: Redacted[Served]) -> None:
        """Append one record; returns once it is on the disk. All that wait at one moment share a write and a sync.

        Raises:
            StoreError: it is not, and nothing more will be.
        """
        if not isinstance(sealed, Redacted) or not isinstance(sealed.record, Served):
            raise TypeError("a traffic log takes only a Redacted, made by detect.redact.seal_served")
        if self._failure or self._closed:
            raise StoreError(self._failure or "the traffic log is closed")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._pending.append((_body(sealed.record), waiter))
        if not self._scheduled and self._writing is None:
            self._scheduled = True
            loop.call_soon(self._flush, loop)
        await waiter

    def close(self) -> None:
        """Write what still waits and let go of the file."""
        if self._closed:
            return
        self._closed = True
        batch, self._pending = self._pending, []
        if batch:
            self._settle(batch, self._thread.submit(self._commit, [body for body, _ in batch]).exception())
        self._thread.shutdown()
        self._leave()

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        if self._writing is not None or self._closed:
            return
        batch, self._pending = self._pending, []
        if batch:
            writing = self._thread.submit(self._commit, [body for body, _ in batch])
        elif self._room - self._size < ROOM_BYTES // 4 and not self._failure:
            writing = self._thread.submit(self._make_room, 0)  # while nobody waits
        else:
            return
        self._writing = writing

        def settle() -> None:
            self._writing = None
            self._settle(batch, writing.exception())
            self._flush(loop)

        writing.add_done_callback(lambda _: loop.call_soon_threadsafe(settle))

    @staticmethod
    def _settle(batch: list[tuple[bytes, asyncio.Future[None]]], error: BaseException | None) -> None:
        for _, waiter in batch:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    # ---- in the writer's thread ----

    def _begin(self) -> None:
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        file = os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync_directory(self._directory)
        self._file, self._head, self._size, self._room = file, origin(name), 0, 0
        self._make_room(0)

    def _make_room(self, wanted: int) -> None:
        """Make the file longer: by `ROOM_BYTES`, and by as much as is wanted."""
        try:
            end = max(self._room, self._size) + wanted + ROOM_BYTES
            _write(self._file, bytes(end - self._room), self._room)
            _datasync(self._file)
        except OSError as error:
            self._failure = f"the traffic log could not be written ({error.strerror or error})"
            raise StoreError(self._failure) from error
        self._room = end

    def _leave(self) -> None:
        """Let go of the file, without the room that was not needed."""
        with suppress(OSError):
            os.ftruncate(self._file, self._size)
        os.close(self._file)

    def _commit(self, bodies: list[bytes]) -> None:
        if self._failure:
            raise StoreError(self._failure)
        try:
            if self._size >= self._rotate:
                self._leave()
                self._begin()
            head, lines = self._head, []
            for body in bodies:
                head = chain.link(head, body)
                lines.append(frame(head, body))
            data = b"".join(lines)
            if self._size + len(data) > self._room:
                self._make_room(len(data))
            _write(self._file, data, self._size)
            _datasync(self._file)
        except OSError as error:
            self._failure = f"the traffic log could not be written ({error.strerror or error})"
            raise StoreError(self._failure) from error
        self._head, self._size = head, self._size + len(data)


class TrafficLine(NamedTuple):
    """One verified line: the file it is in, its number from 1, and the record."""

    file: Path
    number: int
    served: Served


def origin(name: str) -> bytes:
    """Return the 32 bytes that the chain of a file of this name starts from."""
    return chain.origin(b"traffic\0" + name.encode())


def read(directory: Path) -> Iterator[TrafficLine]:
    """Yield every whole line of a folder of traffic, file by file in the order of their names, and verify the chains.

    Raises:
        IntegrityError: a line is not what was written; its file and number are named.
    """
    for path in sorted(Path(directory).glob("*.jsonl")):
        head = origin(path.name)
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if not raw.endswith(b"\n") or b"\0" in raw:  # no JSON has a zero byte: it is room, or torn
                    break
                body = raw[_HEAD:-1]
                head = chain.link(head, body)
                if raw != frame(head, body) or not body.startswith(_SERVED):
                    raise IntegrityError(f"{path}:{number}: this line, or the order of lines, is not what was written")
                try:
                    served = _decoder.decode(body[len(_SERVED) : -1])
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    raise IntegrityError(f"{path}:{number}: not a record of traffic: {error}") from error
                yield TrafficLine(path, number, served)


def _write(file: int, data: bytes, at: int) -> None:
    """Write all of some bytes at a place of a file."""
    written = os.pwrite(file, data, at)
    while written < len(data):
        written += os.pwrite(file, data[written:], at + written)


def _body(served: Served) -> bytes:
    try:
        data = _encode(served)
    except (UnicodeEncodeError, RecursionError, TypeError):
        data = _encode(rewrite(served, _WRITABLE))
    return _SERVED + data + b"}"


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_WRITABLE: Rules = {
    "content": _whole,
    "name": _whole,
    "json": lambda value: rewrite_json(value, _whole, withheld="[no JSON: not recorded]"),
}
