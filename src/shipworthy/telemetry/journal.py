"""The journal: what has been acknowledged and is no segment yet. One write and one sync for all that wait.

A file is a row of frames, each with a length and a checksum: facts as lines of JSON, content sealed under the keys of
those whose it is. Everything in it was redacted before; a frame that is torn was never acknowledged.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct as Layout
from typing import NamedTuple

import msgspec

from shipworthy.core.errors import StoreError
from shipworthy.store.files import sync_directory
from shipworthy.telemetry.fact import TelemetryFact
from shipworthy.telemetry.keyring import DataSubject, Keyring, seal

SUFFIX = ".journal"
_FRAME = Layout("<4sII")
_MAGIC = b"SWJ1"
_MOST = 256 << 20
_ABOUT = b"journal"
_datasync = getattr(os, "fdatasync", os.fsync)
_json, _pack = msgspec.json.Encoder(), msgspec.msgpack.Encoder()


class ContentGroup(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Bodies of one person in one frame: whose, by which class they are kept, of which facts, and sealed."""

    slot: int
    kept: str
    facts: list[int]
    sealed: bytes


class JournalFrame(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What was written at once: facts as lines of JSON, and groups of content."""

    facts: bytes
    groups: list[ContentGroup]


class KeptSpan(NamedTuple):
    """One span on its way to the journal: its fact, its content as JSON (empty: none), and whose it is."""

    fact: TelemetryFact
    body: bytes
    subject: DataSubject


_frames = msgspec.msgpack.Decoder(JournalFrame)


def frame_of(spans: Sequence[KeptSpan]) -> bytes:
    """Return spans as a frame. A body is JSON on one line, so a line feed parts it from the next."""
    groups: dict[tuple[int, str], list[int]] = {}
    for place, one in enumerate(spans):
        if one.body:
            groups.setdefault((one.subject.slot, one.fact.kept), []).append(place)
    sealed = [
        ContentGroup(
            slot,
            kept,
            places,
            seal(spans[places[0]].subject.cipher, b"\n".join([spans[p].body for p in places]), _ABOUT),
        )
        for (slot, kept), places in groups.items()
    ]
    payload = _pack.encode(JournalFrame(_json.encode_lines([one.fact for one in spans]), sealed))
    return _FRAME.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


def about() -> bytes:
    """Return what sealed content of a journal is bound to."""
    return _ABOUT


class SpanJournal:
    """One file that frames are appended to, by one thread.

    Args:
        path: must not be there.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self.path, self._keyring = path, keyring
        self.size = self.spans = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        sync_directory(path.parent)

    def commit(self, frames: Sequence[bytes], spans: int) -> None:
        """Append frames, and the keys that they need; durable when this returns.

        Raises:
            StoreError: they are not, and none of them is in the file. The file is not to be used any more.
        """
        data = b"".join(frames)
        try:
            self._keyring.flush()
            done = 0
            while done < len(data):
                done += os.pwrite(self._file, memoryview(data)[done:], self.size + done)
            _datasync(self._file)
        except OSError as error:
            self.drop()
            raise StoreError(f"telemetry could not be written ({error.strerror or error})") from error
        self.size += len(data)
        self.spans += spans

    def drop(self) -> None:
        """Take what is not durable out of the file again, as far as the disk lets us."""
        try:
            os.ftruncate(self._file, self.size)
            _datasync(self._file)
        except OSError:
            # What stays is redacted and sealed, and was never acknowledged.
            return

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def read(path: Path) -> Iterator[JournalFrame]:
    """Yield the whole frames of a file, up to the first that is torn."""
    data = memoryview(path.read_bytes())
    at = 0
    while at + _FRAME.size <= len(data):
        magic, length, checksum = _FRAME.unpack_from(data, at)
        payload = data[at + _FRAME.size : at + _FRAME.size + length]
        if magic != _MAGIC or length > _MOST or len(payload) < length or zlib.crc32(payload) != checksum:
            return
        at += _FRAME.size + length
        yield _frames.decode(payload)


def whole(path: Path) -> int:
    """Return how many bytes of a file are whole frames."""
    return sum(_FRAME.size + len(_pack.encode(frame)) for frame in read(path))
