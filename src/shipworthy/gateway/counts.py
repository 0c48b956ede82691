"""Numbers of one worker in a file that every worker can read: how a scrape of one of them sees the whole gateway.

A file has a fixed size, written out before it is mapped, so that no full disk can end the process later: a head, room
for `SLOTS` numbers of eight bytes, and room for their names, one line of JSON each. A name is written before it is
counted in, and a number is one store of eight bytes, so a reader never sees half of either.

A worker holds a lock on its file while it lives. One that is started in place of a dead one takes the dead one's file
over and counts on from there: a sum over the files never goes back.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from shipworthy.core.errors import StoreError
from shipworthy.store.files import make_directory

SLOTS = 8_192
"""Numbers that one worker can keep; what comes after them is counted in `dropped`."""
_NAMES = 1 << 19
_MAGIC = b"shipworthy c 1\n\0"
_HEAD = struct.Struct("<16sQQ")  # magic, numbers in use, bytes of names
_VALUES = 64
_KEYS = _VALUES + 8 * SLOTS
_SIZE = _KEYS + _NAMES
_MOST_FILES = 1_000

Key = tuple[str, ...]
"""A family's name, and the values of its labels."""

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(tuple[str, ...])


class CountFile:
    """The numbers of this worker; used on one thread.

    Args:
        folder: of all workers; is made, for its owner alone, if it is not there.
        run: names the gateway that the worker is one of. Files that dead workers of other runs left are removed.

    Raises:
        StoreError: no file can be had.

    Attributes:
        dropped: names that there was no room for.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self.dropped = 0
        try:
            make_directory(folder, mode=0o700)
            _clean(folder, run)
            self._file = _take(folder, run)
            if os.fstat(self._file).st_size != _SIZE:
                os.ftruncate(self._file, 0)
                os.pwrite(self._file, _HEAD.pack(_MAGIC, 0, 0).ljust(_SIZE, b"\0"), 0)
            self._map = mmap.mmap(self._file, _SIZE)
        except OSError as error:
            raise StoreError(f"cannot keep counts in {folder}: {error.strerror or error}") from error
        data = memoryview(self._map)
        self._values = data[_VALUES:_KEYS].cast("d")
        self._slots: dict[Key, int] = {key: slot for slot, key in enumerate(_keys(bytes(data)))}
        self._used = _HEAD.unpack_from(self._map)[2] if self._slots else 0

    def add(self, key: Key, amount: float = 1.0) -> None:
        """Add to a number."""
        slot = self._slots.get(key, -1)
        if slot < 0 and (slot := self._new(key)) < 0:
            return
        self._values[slot] += amount

    def set(self, key: Key, value: float) -> None:
        """Set a number."""
        self.add(key, 0.0)
        if key in self._slots:
            self._values[self._slots[key]] = value

    def clear(self, families: frozenset[str]) -> None:
        """Set all numbers of some families to 0."""
        for key, slot in self._slots.items():
            if key[0] in families:
                self._values[slot] = 0.0

    def close(self) -> None:
        """Let go of the file. It stays, for those who still read."""
        self._values.release()
        with suppress(BufferError):
            self._map.close()
        os.close(self._file)

    def _new(self, key: Key) -> int:
        slot, name = len(self._slots), _encode(key) + b"\n"
        if slot >= SLOTS or self._used + len(name) > _NAMES:
            self.dropped += 1
            return -1
        at = _KEYS + self._used
        self._map[at : at + len(name)] = name
        self._used += len(name)
        self._slots[key], self._values[slot] = slot, 0.0
        _HEAD.pack_into(self._map, 0, _MAGIC, slot + 1, self._used)
        return slot


class WorkerCounts(NamedTuple):
    """One worker's numbers. `alive` is false where it has died: what it counted counts, what it was doing does not."""

    values: dict[Key, float]
    alive: bool


def read(folder: Path, run: str) -> list[WorkerCounts]:
    """Return the numbers of every worker that a gateway has had. A file that is only being made is left out."""
    found = []
    for path in sorted(folder.glob(f"{run}-*.counts")):
        with suppress(OSError):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.pread(file, _SIZE, 0)
                alive = not _lock(file, fcntl.LOCK_SH)
            finally:
                os.close(file)
            keys = _keys(data)
            values = struct.unpack_from(f"={len(keys)}d", data, _VALUES) if keys else ()
            found.append(WorkerCounts(dict(zip(keys, values, strict=True)), alive))
    return found


def _keys(data: bytes) -> list[Key]:
    if len(data) != _SIZE:
        return []
    magic, number, used = _HEAD.unpack_from(data)
    if magic != _MAGIC or number > SLOTS or used > _NAMES:
        return []
    try:
        return [_decoder.decode(line) for line in data[_KEYS : _KEYS + used].split(b"\n")[:number]]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []


def _take(folder: Path, run: str) -> int:
    for number in range(_MOST_FILES):
        file = os.open(folder / f"{run}-{number}.counts", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _lock(file, fcntl.LOCK_EX):
            return file
        os.close(file)
    raise StoreError(f"cannot keep counts in {folder}: {_MOST_FILES:,} files are in use")


def _clean(folder: Path, run: str) -> None:
    for path in _others(folder, run):
        with suppress(OSError):
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                if _lock(file, fcntl.LOCK_EX):
                    path.unlink()
            finally:
                os.close(file)


def _others(folder: Path, run: str) -> Iterator[Path]:
    return (path for path in folder.glob("*.counts") if not path.name.startswith(f"{run}-"))


def _lock(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
