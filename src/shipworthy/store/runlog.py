"""Writing a run: one append-only, hash-chained log for each shard, durable before an attempt counts as done.

Lines are as in `store.line`, in the order in which attempts end. Each shard's log has one writer; several shards are
written by several processes at the same time, and know nothing of each other.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from shipworthy.core.errors import IntegrityError, ShipworthyError, StoreError, UsageError
from shipworthy.core.records import Attempt, RunManifest
from shipworthy.detect.redact import Redacted
from shipworthy.store import chain
from shipworthy.store.attempt_ids import AttemptIds
from shipworthy.store.declare import MANIFEST, check_logs, manifest_bytes, open_log, parse_manifest
from shipworthy.store.files import sync_directory
from shipworthy.store.known_head import KnownHead, cut
from shipworthy.store.line import UNREADABLE, encode_attempt, frame, read_lines
from shipworthy.store.shards import log_name, log_origin

_datasync = getattr(os, "fdatasync", os.fsync)


class _Shared(Exception):
    """The log is not as long as what we wrote."""


class _Id(msgspec.Struct):
    id: str


_ids = msgspec.json.Decoder(_Id)


class RunLog:
    """The one writer of a shard's log. Made by `open`; used on one event loop.

    Attributes:
        manifest: what the run set out to do.
        shard: which part of it this log holds.
        finished: ids of the attempts in this log: those that were durable when it was opened, and those that were given
            to it since. Empty once the log is closed.
        recovered: bytes of a torn last line that `open` cut off.
        durable: is told the head (32 bytes) and the number of records after each batch, in the writer's thread, before
            anybody hears that the batch is durable. What it raises ends the log.
    """

    def __init__(
        self, file: int, manifest: RunManifest, shard: int, finished: AttemptIds, end: tuple[bytes, int]
    ) -> None:
        self.manifest, self.shard, self.finished, self.recovered = manifest, shard, finished, 0
        self._file = file
        self._same = _identity(file)
        self._head, self._size = end
        self._lines = len(finished)
        self.durable: Callable[[bytes, int], None] | None = None
        self._pending: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: Future[None] | None = None
        self._scheduled = self._closed = False
        self._failure: str = ""
        self._counts: tuple[int, int] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shipworthy-runlog")

    @classmethod
    def open(cls, directory: Path, shard: int = 0, *, known: Mapping[str, KnownHead] | None = None) -> RunLog:
        """Open a shard's log of a declared run, to begin it or to go on with it.

        Verifies what is there. Cuts off a torn last line, and nothing else.

        Args:
            shard: from 0; below the manifest's `shards`.
            known: heads that this log is known to have had.

        Raises:
            UsageError: there is no run there, it has no such shard, or another process is writing this one.
            IntegrityError: a complete line is not what was written (its number is named), or a known head is not there.
            StoreError: it cannot be read or written.
        """
        directory = Path(directory)
        written = manifest_bytes(directory)
        manifest = parse_manifest(written, str(directory / MANIFEST))
        if not 0 <= shard < manifest.shards:
            raise UsageError(f"{manifest.id} has no shard {shard}: it has {manifest.shards}, counted from 0")
        check_logs(directory, manifest)
        try:
            file = open_log(directory, shard)
        except FileNotFoundError:
            raise IntegrityError(f"{directory / log_name(shard)} is missing, though {MANIFEST} is there") from None
        except OSError as error:
            raise StoreError(f"cannot open the run log in {directory}: {error.strerror or error}") from error
        try:
            path, finished = directory / log_name(shard), AttemptIds()
            head, end = log_origin(written, shard), 0
            lost = {bytes.fromhex(name.partition(":")[2]): said for name, said in (known or {}).items()}
            lost.pop(head, None)
            for line in read_lines(path, head):
                try:
                    id = _ids.decode(line.record).id
                except UNREADABLE as error:
                    raise IntegrityError(f"{path}:{line.number}: not an attempt: {error}") from error
                if id in finished:
                    raise IntegrityError(f"{path}:{line.number}: the attempt {id} is there twice")
                finished.add(id)
                head, end = line.hash, line.end
                lost.pop(head, None)
            if lost:
                raise cut(str(path), len(finished), lost.values())
            torn = os.fstat(file).st_size - end
            if torn:
                os.ftruncate(file, end)
            # Lines that were written but not yet synced when the writer died are only now made durable.
            os.fsync(file)
            sync_directory(directory)
        except OSError as error:
            os.close(file)
            raise StoreError(f"cannot resume the run log in {directory}: {error.strerror or error}") from error
        except BaseException:
            os.close(file)
            raise
        log = cls(file, manifest, shard, finished, (head, end))
        log.recovered = torn
        return log

    @property
    def head(self) -> str:
        """The head of this log's chain over what is durable, ``sha256:<64 hex>``. The run's head is made of these."""
        return chain.head_text(self._head)

    @property
    def records(self) -> int:
        """How many records are durable: the lines that `head` is about."""
        return self._lines

    @property
    def attempts(self) -> int:
        """How many attempts were given to the log, those of earlier sittings included. After `close`: are durable."""
        return self._counts[0] if self._counts else len(self.finished)

    @property
    def made(self) -> int:
        """How many planned attempts of this shard were given to the log: `attempts` without second tries."""
        return self._counts[1] if self._counts else self.finished.made

    async def append(self, sealed: Redacted[Attempt]) -> None:
        """Append one attempt; returns once its line is on the disk.

        All appends that wait at the same moment share one write and one fdatasync.

        Raises:
            StoreError: the line could not be made durable. So could none that waited with it, and the log takes no
                more: what is on the disk stays as it was, and the run can be resumed.
            IntegrityError: the log already has an attempt with this id.
        """
        if not isinstance(sealed, Redacted) or not isinstance(sealed.record, Attempt):
            raise TypeError("a run log takes only a Redacted, made by detect.redact.seal")
        if self._failure:
            raise StoreError(self._failure)
        if self._closed:
            raise StoreError("the run log is closed")
        attempt = sealed.record
        body = encode_attempt(attempt)
        if not self.finished.add(attempt.id):
            raise IntegrityError(f"the attempt {attempt.id} is in the run log already")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._pending.append((body, waiter))
        if not self._scheduled and self._writing is None:
            # Not at once: whoever else is ready in this turn of the loop joins the batch.
            self._scheduled = True
            loop.call_soon(self._flush, loop)
        await waiter

    def close(self) -> str:
        """Write what still waits, release the lock and return the chain's head, ``sha256:<64 hex>``.

        Raises:
            StoreError: the last batch could not be made durable.
        """
        if not self._closed:
            self._closed = True
            try:
                if self._writing is not None:
                    self._writing.exception()
                batch, self._pending = self._pending, []
                if batch:
                    done = self._thread.submit(self._commit, [body for body, _ in batch])
                    self._settle(batch, done.exception())
            finally:
                self._thread.shutdown()
                with suppress(OSError):
                    if _identity(self._file) == self._same:
                        os.close(self._file)
                # What comes next in this process (the run's digests) needs memory of its own.
                self._counts, self.finished = (len(self.finished), self.finished.made), AttemptIds()
        if self._failure:
            raise StoreError(self._failure)
        return self.head

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        if self._writing is not None or not self._pending or self._closed:
            return
        batch, self._pending = self._pending, []
        self._writing = writing = self._thread.submit(self._commit, [body for body, _ in batch])

        def settle(written: Future[None]) -> None:
            self._writing = None
            self._settle(batch, written.exception())
            self._flush(loop)

        # Handed over, not closed over: a future whose callback holds it would keep its batch until the collector comes.
        writing.add_done_callback(lambda written: loop.call_soon_threadsafe(settle, written))

    @staticmethod
    def _settle(batch: Sequence[tuple[bytes, asyncio.Future[None]]], error: BaseException | None) -> None:
        for _body, waiter in batch:
            if waiter.done():  # Its task was cancelled meanwhile; the line is written all the same.
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _commit(self, bodies: Sequence[bytes]) -> None:
        """Write and sync one batch; runs in the writer's thread."""
        if self._failure:
            raise StoreError(self._failure)
        head, lines = self._head, []
        for body in bodies:
            head = chain.link(head, body)
            lines.append(frame(head, body))
        data = b"".join(lines)
        try:
            found = os.fstat(self._file)
            # Code in this process may have closed our file, and its number may be another file's by now.
            if (found.st_dev, found.st_ino) != self._same:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            if found.st_size != self._size:
                raise _Shared
            written = os.write(self._file, data)
            while written < len(data):  # the disk is full, or as good as: the next write says which
                written += os.write(self._file, data[written:])
            _datasync(self._file)
        except _Shared:
            # A shared folder whose file system does not share locks. Nothing is written, and nothing cut off: it is
            # the other's.
            self._failure = "another process, perhaps on another machine, has written to the run log"
            self._failure += "; stop all but one, then resume the run"
            raise StoreError(self._failure) from None
        except OSError as error:
            why = error.strerror or error
            self._failure = f"the run log could not be written ({why}); resume the run when this is mended"
            # After a failed sync the kernel may call lost pages clean. Only what was acknowledged may stay readable.
            try:
                if _identity(self._file) == self._same:
                    os.ftruncate(self._file, self._size)
                    os.fsync(self._file)
            except OSError:
                pass  # `open` cuts a torn line; whole lines left behind are valid and merely unacknowledged
            raise StoreError(self._failure) from error
        self._head, self._size, self._lines = head, self._size + len(data), self._lines + len(bodies)
        if self.durable is not None:
            try:
                self.durable(head, self._lines)
            except ShipworthyError as error:
                # The lines are there, and valid: more than was acknowledged may be. Fewer never.
                self._failure = f"{error}; the run stopped, resume it when this is mended"
                raise StoreError(self._failure) from error


def _identity(file: int) -> tuple[int, int]:
    found = os.fstat(file)
    return found.st_dev, found.st_ino
