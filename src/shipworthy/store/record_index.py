"""Where each record of a run lies and what its Merkle leaf is, in 48 bytes a record."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from heapq import merge
from struct import Struct as Packing
from typing import NamedTuple

from shipworthy.core.digests import MerkleTree
from shipworthy.store.attempt_ids import compact

_ROW = Packing(">QQ32s")
_SIZE = _ROW.size
_CHUNK = 16_384
"""Rows that are sorted at a time."""
_OFFSET = 48  # bits of a place that say where in its file; the rest says in which shard's


class RecordPlace(NamedTuple):
    """Where a record's line begins: in which shard's file, and at which byte."""

    shard: int
    start: int


class RecordIndex:
    """The records of one run by attempt id. Filled once, then asked.

    Rows are bytes: the id's number, the place, the leaf's hash; big endian, so that bytes sort as the ids do. They are
    sorted in chunks, and the chunks are merged when all are needed in order: no second copy of all is ever made. Ids
    that are no common ones (second tries) are few and lie apart.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._open: list[bytes] = []
        self._others: dict[str, tuple[int, bytes]] = {}
        self._again: tuple[str, int] | None = None
        self._root = ""

    def __len__(self) -> int:
        return sum(map(len, self._chunks)) // _SIZE + len(self._open) + len(self._others)

    def add(self, id: str, shard: int, start: int, leaf: bytes) -> None:
        """Add a record.

        Args:
            leaf: the 32-byte hash of its Merkle leaf.
        """
        place = shard << _OFFSET | start
        if self._root:
            self._root = ""
        if number := compact(id):
            self._open.append(_ROW.pack(number, place, leaf))
            if len(self._open) >= _CHUNK:
                self._sort()
        elif id in self._others:
            self._again = id, place
        else:
            self._others[id] = place, leaf

    def twice(self) -> tuple[str, RecordPlace] | None:
        """Return an id that was added twice and the later of two places of it, or None."""
        self._walk()
        return (self._again[0], _place(self._again[1])) if self._again else None

    def merkle(self) -> str:
        """Return the Merkle root (RFC 6962) over all records, sorted by attempt id."""
        self._walk()
        return self._root

    def find(self, id: str) -> tuple[RecordPlace, bytes] | None:
        """Return where a record lies and its leaf's hash, or None where there is no record of this id."""
        number = compact(id)
        if not number:
            found = self._others.get(id)
            return (_place(found[0]), found[1]) if found else None
        self._sort()
        key = number.to_bytes(8)
        for chunk in self._chunks:
            row = bisect_left(range(len(chunk) // _SIZE), key, key=lambda n: chunk[n * _SIZE : n * _SIZE + 8])
            if chunk[row * _SIZE : row * _SIZE + 8] == key:
                _, place, leaf = _ROW.unpack_from(chunk, row * _SIZE)
                return _place(place), leaf
        return None

    def _sort(self) -> None:
        if self._open:
            self._open.sort()
            self._chunks.append(b"".join(self._open))
            self._open.clear()

    def _walk(self) -> None:
        """Go through all records in the order of their ids: the root, and ids that are there twice."""
        if self._root:
            return
        self._sort()
        # The smallest stands last, where it is cheap to take away.
        tree, others, before = MerkleTree(), sorted(self._others, reverse=True), b""
        for row in merge(*map(_rows, self._chunks)):
            number = row[:8]
            if number == before:
                self._again = f"AT-{number.hex()}", _ROW.unpack(row)[1]
            before = number
            # Common ids are compared as text only while there are others that must be put among them.
            while others and others[-1] < f"AT-{number.hex()}":
                tree.add(self._others[others.pop()][1])
            tree.add(row[16:])
        while others:
            tree.add(self._others[others.pop()][1])
        self._root = tree.root


def _rows(chunk: bytes) -> Iterator[bytes]:
    return (chunk[at : at + _SIZE] for at in range(0, len(chunk), _SIZE))


def _place(packed: int) -> RecordPlace:
    return RecordPlace(packed >> _OFFSET, packed & (1 << _OFFSET) - 1)
