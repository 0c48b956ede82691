"""Replies kept by content: the same request to the same target is answered once.

The key is SHA-256 over the target's description and the request's identity, which holds everything that changes an
answer (see `Channel.ask`). A guarded pass therefore reuses the replies of the pass without guards wherever a guard left
the request as it was, and a resumed run reuses what an unfinished attempt had already been told.

Each entry is sealed with a key of the user's own, which no workspace holds: one that was edited, or put there by
somebody else, is not believed, and asked for again.

Entries are written in batches, by a thread, to one SQLite file in WAL mode: a killed process loses at most the last
batch (those calls are made again) and can damage nothing. Text of suites that declare ``content: private`` never
comes here: the exchange does not ask.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path
from struct import pack
from typing import Self

import msgspec

from shipworthy.core.errors import StoreError
from shipworthy.core.events import Event
from shipworthy.core.records import Reply
from shipworthy.core.settings import Settings
from shipworthy.exchange.local_key import local_key


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reply, with what its target called on the way: `Called` and `Returned`, as they went through."""

    reply: Reply
    events: tuple[Event, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode

SCHEMA_VERSION = 3
BATCH = 256
PAUSE_S = 0.1
"""A batch is written when it is full or this old."""

_SCHEMA = """CREATE TABLE IF NOT EXISTS replies (
    key BLOB PRIMARY KEY, reply BLOB NOT NULL, written REAL NOT NULL, seal BLOB NOT NULL
) WITHOUT ROWID"""


class ReplyCache:
    """Replies on disk. Used on one event loop; several processes may share the file.

    Args:
        path: the SQLite file; its folder is made when needed. A file that SQLite calls damaged, or that another version
            of shipworthy wrote, is set aside as ``<name>.damaged`` and a new one begun: a cache is only ever a saving.
        sealed_by: the key, 32 bytes; this user's own if left out, see `local_key`.

    Raises:
        StoreError: the file can be neither opened nor made, or the key.
    """

    def __init__(self, path: Path, *, sealed_by: bytes | None = None) -> None:
        self.path = Path(path)
        self._sealed_by = local_key(Settings.load().cache_key_file) if sealed_by is None else sealed_by
        # Each with the time at which it was given.
        self._pending: dict[bytes, tuple[bytes, float]] = {}
        self._flushing: dict[bytes, tuple[bytes, float]] = {}
        self._refused: set[bytes] = set()
        self._writing: Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._reader = _connect(self.path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self.path.replace(self.path.with_name(self.path.name + ".damaged"))
                for suffix in ("-wal", "-shm"):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
                self._reader = _connect(self.path)
            self._writer = _connect(self.path)
        except (OSError, sqlite3.Error) as error:
            what = f"cannot open the reply cache {self.path} ({error})"
            raise StoreError(f"{what}: mend it, or use --no-cache") from error
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shipworthy-cache")
        self._closed = self._unreadable = False

    @property
    def refused(self) -> int:
        """How many entries were asked for that are not what this user's shipworthy wrote: edited, or another's."""
        return len(self._refused)

    def get(self, key: bytes) -> Kept | None:
        """Return the reply kept under a key, or None; see `find`."""
        found = self.find(key)
        return found[0] if found is not None else None

    def find(self, key: bytes) -> tuple[Kept, float] | None:
        """Return the reply kept under a key, and when it was first given, Unix time; None where there is none.

        An entry that cannot be read counts as absent, and so does one whose seal does not fit: see `refused`.
        """
        waiting = self._pending.get(key) or self._flushing.get(key)
        try:
            if waiting is None and self._unreadable:
                return None
            if waiting is None:
                row = self._reader.execute("SELECT reply, written, seal FROM replies WHERE key = ?", (key,)).fetchone()
                if row is None:
                    return None
                data, written, seal = row
                if not self._fits(key, data, written, seal):
                    self._refused.add(key)
                    return None
                waiting = data, written
            return _decode(waiting[0]), waiting[1]
        except sqlite3.OperationalError:
            # Locked by somebody who does not let go, or its descriptors are closed. Each wait is ten seconds in which
            # nothing else goes on, and a cache is only ever a saving.
            self._unreadable = True
            return None
        except (sqlite3.Error, msgspec.MsgspecError):
            return None

    def put(self, key: bytes, kept: Kept) -> None:
        """Keep a reply; it is on disk within `PAUSE_S`. Must be called on a running event loop."""
        try:
            self._pending[key] = _encode(kept), time.time()
        except UnicodeEncodeError:
            return  # Half a surrogate pair: the reply is used, but no file can hold it.
        if len(self._pending) >= BATCH:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._flush)

    def close(self) -> None:
        """Write what still waits and close the file. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self._writing is not None:
                self._writing.exception()
            if self._pending:
                self._thread.submit(self._write, self._pending).exception()
        finally:
            self._thread.shutdown()
            self._reader.close()
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed or self._writing is not None or not self._pending:
            return
        self._flushing, self._pending = self._pending, {}
        loop = asyncio.get_running_loop()
        self._writing = self._thread.submit(self._write, self._flushing)
        self._writing.add_done_callback(lambda _: _soon(loop, self._written))

    def _written(self) -> None:
        self._writing = None
        self._flushing = {}
        if len(self._pending) >= BATCH:
            self._flush()
        elif self._pending and self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._flush)

    def _fits(self, key: bytes, data: object, written: object, seal: object) -> bool:
        # Whoever writes the file chooses the types, too.
        if not (isinstance(data, bytes) and isinstance(written, float) and isinstance(seal, bytes)):
            return False
        return compare_digest(self._seal(key, data, written), seal)

    def _seal(self, key: bytes, data: bytes, written: float) -> bytes:
        # Fixed lengths before the reply: no two entries are sealed as the same bytes.
        return blake2b(key + pack(">d", written) + data, key=self._sealed_by, digest_size=32, person=b"reply").digest()

    def _write(self, batch: dict[bytes, tuple[bytes, float]]) -> None:
        rows = [(key, data, written, self._seal(key, data, written)) for key, (data, written) in batch.items()]
        replaced = [(key,) for key in batch if key in self._refused]
        try:
            with self._writer:
                if replaced:
                    self._writer.executemany("DELETE FROM replies WHERE key = ?", replaced)
                self._writer.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error:
            # A full disk or a long-held lock: these replies are asked for again. The run log, which is the truth,
            # has its own guarantees.
            return


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"a cache of version {version}")
        connection.execute(_SCHEMA)
        if version == 0:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.commit()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # The loop has closed; so is the cache about to be.
        loop.call_soon_threadsafe(callback)
