"""The keys of the people whose words are kept: one each, and destroying it is how their words are deleted.

``keys.bin`` is a row of slots of one size, each with a person's tag and their key, sealed under the store's own key,
which lies elsewhere. A tag is a keyed digest: who a slot belongs to, the file does not say. A key is destroyed by zeros
over its slot. What was written under it cannot be read from then on, wherever a copy of it lies; a copy of ``keys.bin``
itself keeps the keys that it had, so backups of that file must not live longer than a deletion may take.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from hashlib import blake2b, sha256
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shipworthy.core.errors import IntegrityError, StoreError
from shipworthy.store.files import sync_directory

SLOT, TAG, NONCE = 80, 16, 12
"""Bytes of a slot: a tag, a nonce, a sealed key (32 and 16 bytes), and four that are zero."""
KEYS, DESTROYED = "keys.bin", "destroyed.bin"
_OPENED = 100_000
"""Keys that a process keeps open."""
_datasync = getattr(os, "fdatasync", os.fsync)


class DataSubject(NamedTuple):
    """A person's place in the keyring.

    Attributes:
        slot: from 0.
        cipher: under their key.
        pseudonym: 64 bits that stand for them in facts, made of the key.
    """

    slot: int
    cipher: AESGCM
    pseudonym: int


class Keyring:
    """The keys of one store. One process adds keys; any may destroy them.

    Args:
        directory: of the store.
        master: the store's own key, 32 bytes.

    Raises:
        StoreError: the file cannot be used, or was made under another key.
    """

    def __init__(self, directory: Path, master: bytes) -> None:
        self._file, self._gone = directory / KEYS, directory / DESTROYED
        self._master, self._tagging = AESGCM(master), blake2b(b"subject", key=master, digest_size=32).digest()
        self._one = Lock()
        self._opened: dict[bytes, DataSubject] = {}
        self._fresh: list[bytes] = []
        self._new: dict[bytes, int] = {}
        try:
            fresh = not self._file.exists()
            self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if fresh:
                sync_directory(directory)
            size = os.fstat(self._handle).st_size
        except OSError as error:
            raise StoreError(f"cannot use the keys of the store, {self._file}: {error.strerror or error}") from error
        # What a killed process left of a slot was never counted on.
        self._slots = size // SLOT
        self._seen = self._gone.stat().st_size if self._gone.exists() else 0
        self._index()
        self._check()

    # ---- looking up ----

    def subject(self, name: str) -> DataSubject:
        """Return the place of a person, made if there is none yet; durable after the next `flush`."""
        tag = self.tag(name)
        found = self._opened.get(tag)
        if found is not None:
            return found
        with self._one:
            slot = self._find(tag)
            made = self._open(slot) if slot is not None else None
            if made is None:
                made = self._add(tag)
            if len(self._opened) >= _OPENED:
                self._opened.clear()
            self._opened[tag] = made
        return made

    def key(self, slot: int) -> AESGCM | None:
        """Return what opens the content of a slot; None where its key is destroyed."""
        with self._one:
            found = self._open(slot)
        return found.cipher if found is not None else None

    def tag(self, name: str) -> bytes:
        """Return the tag of a person."""
        return blake2b(name.encode("utf-8", "surrogatepass"), key=self._tagging, digest_size=TAG).digest()

    def pseudonym(self, name: str) -> int:
        """Return 64 bits that stand for a name that is not a person's, such as a session's, for good."""
        return int.from_bytes(
            blake2b(name.encode("utf-8", "surrogatepass"), key=self._tagging, digest_size=8, salt=b"session").digest(),
            "little",
        )

    @property
    def fresh(self) -> bool:
        """Whether keys wait for `flush`."""
        return bool(self._fresh)

    # ---- changing ----

    def flush(self) -> None:
        """Make new keys durable.

        Raises:
            OSError: they are not; they wait for the next time.
        """
        with self._one:
            fresh, first = b"".join(self._fresh), self._slots - len(self._fresh)
            if not fresh:
                return
            done = 0
            while done < len(fresh):
                done += os.pwrite(self._handle, fresh[done:], first * SLOT + done)
            _datasync(self._handle)
            self._fresh.clear()

    def destroy(self, name: str) -> int:
        """Destroy the key of a person, for good. Returns how many slots were theirs; 0 if none was.

        Raises:
            StoreError: it could not be made durable.
        """
        tag, found = self.tag(name), 0
        try:
            with self._one:
                self._fresh = [bytes(SLOT) if one.startswith(tag) else one for one in self._fresh]
                for slot in self._slots_of(tag):
                    os.pwrite(self._handle, bytes(SLOT), slot * SLOT)
                    found += 1
                    with self._gone.open("ab") as file:
                        file.write(slot.to_bytes(8, "little"))
                        file.flush()
                        os.fsync(file.fileno())
                _datasync(self._handle)
                self._opened.pop(tag, None)
                self._new.pop(tag, None)
        except OSError as error:
            raise StoreError(f"the key could not be destroyed ({error.strerror or error})") from error
        return found

    def heed(self) -> int:
        """Forget the keys that other processes have destroyed. Returns how many there were since the last time."""
        size = self._gone.stat().st_size if self._gone.exists() else 0
        if size == self._seen:
            return 0
        with self._one:
            with self._gone.open("rb") as file:
                file.seek(self._seen)
                gone = {int.from_bytes(piece, "little") for piece in _pieces(file.read(size - self._seen), 8)}
            self._seen = size
            self._opened = {tag: one for tag, one in self._opened.items() if one.slot not in gone}
            self._new = {tag: slot for tag, slot in self._new.items() if slot not in gone}
        return len(gone)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    # ---- under the lock ----

    def _index(self) -> None:
        """Sort the tags that are on the disk: eight bytes each, however many people there are."""
        data = np.fromfile(self._file, dtype=np.uint8, count=self._slots * SLOT).reshape(-1, SLOT)
        heads = np.ascontiguousarray(data[:, :8]).view(np.uint64).ravel()
        self._order = np.argsort(heads, kind="stable").astype(np.uint32)
        self._heads = heads[self._order]
        self._indexed = self._slots

    def _check(self) -> None:
        for slot in range(min(self._slots, 64)):
            if any(self._read(slot)):
                self._open(slot)
                return

    def _read(self, slot: int) -> bytes:
        first = self._slots - len(self._fresh)
        return self._fresh[slot - first] if slot >= first else os.pread(self._handle, SLOT, slot * SLOT)

    def _find(self, tag: bytes) -> int | None:
        if (found := self._new.get(tag)) is not None:
            return found
        head = np.frombuffer(tag[:8], dtype=np.uint64)[0]
        at = int(np.searchsorted(self._heads, head))
        last = None
        while at < len(self._heads) and self._heads[at] == head:
            slot = int(self._order[at])
            if self._read(slot)[:TAG] == tag:
                last = slot
            at += 1
        return last

    def _slots_of(self, tag: bytes) -> Iterator[int]:
        """Yield every slot with a tag, those that another process has added included."""
        slots = os.fstat(self._handle).st_size // SLOT
        for slot in range(0, slots, 100_000):
            data = os.pread(self._handle, 100_000 * SLOT, slot * SLOT)
            at = data.find(tag)
            while at >= 0:
                if at % SLOT == 0:
                    yield slot + at // SLOT
                at = data.find(tag, at + 1)

    def _open(self, slot: int) -> DataSubject | None:
        data = self._read(slot)
        if len(data) < SLOT or not any(data):
            return None
        try:
            key = self._master.decrypt(data[TAG : TAG + NONCE], data[TAG + NONCE : -4], data[:TAG])
        except InvalidTag:
            raise IntegrityError(
                f"{self._file}: slot {slot} does not open: it was changed, or made under another key of the store"
            ) from None
        return _subject(slot, key)

    def _add(self, tag: bytes) -> DataSubject:
        key, nonce = secrets.token_bytes(32), secrets.token_bytes(NONCE)
        slot = self._slots
        self._fresh.append(tag + nonce + self._master.encrypt(nonce, key, tag) + bytes(4))
        self._slots += 1
        self._new[tag] = slot
        return _subject(slot, key)


def _subject(slot: int, key: bytes) -> DataSubject:
    return DataSubject(slot, AESGCM(key), int.from_bytes(sha256(b"pseudonym" + key).digest()[:8], "little") or 1)


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data) - size + 1, size))


def seal(cipher: AESGCM, data: bytes, about: bytes) -> bytes:
    """Return data under a key, its nonce first; `about` is what it is bound to."""
    nonce = os.urandom(NONCE)
    return nonce + cipher.encrypt(nonce, data, about)


def unseal(cipher: Any, data: bytes, about: bytes) -> bytes:
    """Return what `seal` was given.

    Raises:
        IntegrityError: it was changed, or is bound to something else.
    """
    try:
        opened: bytes = cipher.decrypt(data[:NONCE], data[NONCE:], about)
    except InvalidTag:
        raise IntegrityError("a piece of content is not what was written") from None
    return opened
