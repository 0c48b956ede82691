"""The run log: one append-only, hash-chained file of attempts, durable before an attempt counts as done.

A line is ``{"hash":"<64 hex>","timing":[started,seconds,guard_seconds,cached_calls],"attempt":{...}}`` and a line
feed. The hash covers the hash before it and everything after it on its own line; the first one follows from the bytes
of `manifest.json`, so a run's manifest cannot be swapped either. What depends on the clock or on the cache's state
stands apart in ``timing``: the bytes of ``attempt`` are then the leaf of the Merkle tree, and two runs that measured
the same have the same root.

Lines come in the order in which attempts end. `head` names this very log; `merkle` names its content.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec.structs import replace

from shipworthy.core.digests import leaf_hash, merkle_root_of
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.records import Attempt, RunManifest
from shipworthy.detect.redact import Redacted
from shipworthy.store import chain
from shipworthy.store.files import make_directory, sync_directory, write_atomic

MANIFEST = "manifest.json"
ATTEMPTS = "attempts-0000.jsonl"

_OPEN = b'{"hash":"'
_BODY = len(_OPEN) + 64 + len(b'",')
_ATTEMPT = b',"attempt":'
_encode = msgspec.json.Encoder().encode
_attempts = msgspec.json.Decoder(Attempt)
_manifests = msgspec.json.Decoder(RunManifest)
_datasync = getattr(os, "fdatasync", os.fsync)


class _Timing(msgspec.Struct, frozen=True, array_like=True):
    """What is left out of the Merkle leaf: the clock, and what the cache held."""

    started: float
    seconds: float
    guard_seconds: float
    cached_calls: int


class _Id(msgspec.Struct, frozen=True):
    id: str


_timings = msgspec.json.Decoder(_Timing)
_ids = msgspec.json.Decoder(_Id)


class Line(msgspec.Struct, frozen=True):
    """One verified line: its number from 1, its 32-byte hash, and the bytes of its two values."""

    number: int
    hash: bytes
    timing: bytes
    attempt: bytes

    @property
    def id(self) -> str:
        """The attempt's id."""
        return _ids.decode(self.attempt).id

    def decode(self) -> Attempt:
        """Return the attempt, timings put back."""
        timing = _timings.decode(self.timing)
        return replace(
            _attempts.decode(self.attempt),
            started=timing.started,
            seconds=timing.seconds,
            guard_seconds=timing.guard_seconds,
            cached_calls=timing.cached_calls,
        )


def encode_attempt(attempt: Attempt) -> bytes:
    """Return the part of a line that is hashed: everything after ``"hash":"…",``, without the line feed."""
    timing = _Timing(attempt.started, attempt.seconds, attempt.guard_seconds, attempt.cached_calls)
    bare = replace(attempt, started=0.0, seconds=0.0, guard_seconds=0.0, cached_calls=0)
    try:
        return b'"timing":' + _encode(timing) + _ATTEMPT + _encode(bare) + b"}"
    except UnicodeEncodeError:
        # A target can answer with half a surrogate pair (JSON allows "\ud800"), which no UTF-8 file can hold.
        # Failing here would let one hostile answer end a run.
        whole = msgspec.convert(_without_surrogates(msgspec.to_builtins(bare)), Attempt)
        return b'"timing":' + _encode(timing) + _ATTEMPT + _encode(whole) + b"}"


def leaf(body: bytes) -> bytes:
    """Return the Merkle leaf in what `encode_attempt` gives: the bytes of the attempt, timings left out."""
    return body.partition(_ATTEMPT)[2][:-1]


def frame(hash: bytes, body: bytes) -> bytes:
    """Return a whole line."""
    return _OPEN + hash.hex().encode() + b'",' + body + b"\n"


class RunLog:
    """The one writer of a run's log. Made by `create` or `resume`; used on one event loop.

    Attributes:
        manifest: what the run set out to do.
        finished: ids of the attempts that were durable when the log was opened.
        recovered: bytes of a torn last line that `resume` cut off.
    """

    def __init__(self, file: int, manifest: RunManifest, head: bytes, size: int, finished: frozenset[str]) -> None:
        self.manifest, self.finished, self.recovered = manifest, finished, 0
        self._file, self._head, self._size = file, head, size
        self._known = set(finished)
        self._pending: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: Future[None] | None = None
        self._scheduled = self._closed = False
        self._failure: str = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shipworthy-runlog")

    @classmethod
    def create(cls, directory: Path, manifest: RunManifest) -> RunLog:
        """Start a run's log in a new directory; both are durable when this returns.

        Raises:
            UsageError: the directory already holds a run.
            StoreError: it cannot be written.
        """
        directory = Path(directory)
        data = _encode(manifest)
        try:
            make_directory(directory)
            file = _lock(directory, create=True)
            try:
                if (directory / MANIFEST).exists() or os.fstat(file).st_size:
                    raise UsageError(f"{directory} already holds a run: resume it, or start another")
                write_atomic(directory / MANIFEST, data, replace=False)
                sync_directory(directory)
            except BaseException:
                os.close(file)
                raise
        except OSError as error:
            raise StoreError(f"cannot start a run log in {directory}: {error.strerror or error}") from error
        return cls(file, manifest, chain.origin(data), 0, frozenset())

    @classmethod
    def resume(cls, directory: Path) -> RunLog:
        """Open a run's log to go on. Cuts off a torn last line, and nothing else.

        Raises:
            UsageError: there is no run there, or another process is writing it.
            IntegrityError: a complete line is not what was written; its number is named.
            StoreError: it cannot be read or written.
        """
        directory = Path(directory)
        manifest = read_manifest(directory)
        try:
            file = _lock(directory, create=False)
            try:
                finished, head, end = set[str](), _origin(directory), 0
                for line in read_lines(directory):
                    finished.add(line.id)
                    head, end = line.hash, end + _BODY + len(b'"timing":' + line.timing + _ATTEMPT + line.attempt) + 2
                torn = os.fstat(file).st_size - end
                if torn:
                    os.ftruncate(file, end)
                # Lines that were written but not yet synced when the writer died are only now made durable.
                os.fsync(file)
                sync_directory(directory)
            except BaseException:
                os.close(file)
                raise
        except OSError as error:
            raise StoreError(f"cannot resume the run log in {directory}: {error.strerror or error}") from error
        log = cls(file, manifest, head, end, frozenset(finished))
        log.recovered = torn
        return log

    @property
    def head(self) -> str:
        """The chain's head over what is durable, ``sha256:<64 hex>``."""
        return chain.head_text(self._head)

    @property
    def attempts(self) -> int:
        """How many attempts were given to the log, those of earlier sittings included. After `close`: are durable."""
        return len(self._known)

    async def append(self, sealed: Redacted) -> None:
        """Append one attempt; returns once its line is on the disk.

        All appends that wait at the same moment share one write and one fdatasync.

        Raises:
            StoreError: the line could not be made durable. So could none that waited with it, and the log takes no
                more: what is on the disk stays as it was, and the run can be resumed.
            IntegrityError: the log already has an attempt with this id.
        """
        if not isinstance(sealed, Redacted):
            raise TypeError("a run log takes only a Redacted, made by detect.redact.seal")
        if self._failure:
            raise StoreError(self._failure)
        if self._closed:
            raise StoreError("the run log is closed")
        attempt = sealed.attempt
        if attempt.id in self._known:
            raise IntegrityError(f"the attempt {attempt.id} is in the run log already")
        body = encode_attempt(attempt)
        self._known.add(attempt.id)
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
                os.close(self._file)
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

        def settle() -> None:
            self._writing = None
            self._settle(batch, writing.exception())
            self._flush(loop)

        writing.add_done_callback(lambda _: loop.call_soon_threadsafe(settle))

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
            written = os.write(self._file, data)
            if written != len(data):
                raise OSError(f"only {written} of {len(data)} bytes were written")
            _datasync(self._file)
        except OSError as error:
            why = error.strerror or error
            self._failure = f"the run log could not be written ({why}); resume the run when this is mended"
            # After a failed sync the kernel may call lost pages clean. Only what was acknowledged may stay readable.
            try:
                os.ftruncate(self._file, self._size)
                os.fsync(self._file)
            except OSError:
                pass  # resume cuts a torn line; whole lines left behind are valid and merely unacknowledged
            raise StoreError(self._failure) from error
        self._head, self._size = head, self._size + len(data)


def read_manifest(directory: Path) -> RunManifest:
    """Return what a run set out to do.

    Raises:
        UsageError: there is no run in the directory.
        IntegrityError: its manifest is not one.
    """
    try:
        return _manifests.decode(_manifest_bytes(directory))
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"{Path(directory) / MANIFEST} is not a run manifest: {error}") from error


def read_lines(directory: Path) -> Iterator[Line]:
    """Yield a run's complete lines, verifying the chain on the way. A torn last line is left out.

    Raises:
        UsageError: there is no run in the directory.
        IntegrityError: a line is not what was written; file and line number are named.
    """
    path, previous, known = Path(directory) / ATTEMPTS, _origin(directory), set[str]()
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing, though {MANIFEST} is there") from None
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                return
            line = _parse(path, number, previous, raw)
            if line.id in known:
                raise IntegrityError(f"{path}:{number}: the attempt {line.id} is there twice")
            known.add(line.id)
            previous = line.hash
            yield line


def read_attempts(directory: Path) -> Iterator[Attempt]:
    """Yield a run's attempts in the order in which they ended, verifying the chain while reading.

    Raises:
        UsageError: there is no run in the directory.
        IntegrityError: a line is not what was written; file and line number are named.
    """
    return (line.decode() for line in read_lines(directory))


def start(directory: Path) -> str:
    """Return the head of a run log that holds no attempt yet, ``sha256:<64 hex>``: it follows from the manifest.

    Raises:
        UsageError: there is no run in the directory.
    """
    return chain.head_text(_origin(directory))


def head(directory: Path) -> str:
    """Return the head of a run log's verified chain, ``sha256:<64 hex>``.

    Raises:
        UsageError, IntegrityError: as for `read_attempts`.
    """
    last = _origin(directory)
    for line in read_lines(directory):
        last = line.hash
    return chain.head_text(last)


def merkle(directory: Path) -> str:
    """Return the Merkle root (RFC 6962) over a run's records sorted by attempt id, timings left out.

    Equal for two runs that measured the same, whatever the order in which their attempts ended.

    Raises:
        UsageError, IntegrityError: as for `read_attempts`.
    """
    leaves = sorted((line.id, leaf_hash(line.attempt)) for line in read_lines(directory))
    return merkle_root_of([leaf for _, leaf in leaves])


def _manifest_bytes(directory: Path) -> bytes:
    try:
        return (Path(directory) / MANIFEST).read_bytes()
    except OSError as error:
        raise UsageError(f"there is no run in {directory} ({MANIFEST}: {error.strerror})") from error


def _origin(directory: Path) -> bytes:
    return chain.origin(_manifest_bytes(directory))


def _parse(path: Path, number: int, previous: bytes, raw: bytes) -> Line:
    """Check one line's frame and hash. The frame is fixed to the byte: there is one way to write a line."""
    body = raw[_BODY:-1]
    hash = chain.link(previous, body)
    if raw != frame(hash, body):
        also = f" (or {MANIFEST} was changed)" if number == 1 else ""
        raise IntegrityError(f"{path}:{number}: this line, or the order of lines, is not what was written{also}")
    # The timing is a list of numbers, so the first match is the frame's own.
    timing, _, attempt = body.partition(_ATTEMPT)
    line = Line(number, hash, timing.removeprefix(b'"timing":'), attempt[:-1])
    try:
        line.decode()
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"{path}:{number}: not an attempt: {error}") from error
    return line


def _lock(directory: Path, *, create: bool) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    file = os.open(directory / ATTEMPTS, flags, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise UsageError(f"another process is writing the run in {directory}: wait for it, or stop it") from None
    return file


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(v) for v in value]
    return value
