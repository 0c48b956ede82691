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
_OFFSET = 48  # bits of a place that say where in its file; the rest says in which shard's


class Place(NamedTuple):
    """Where a record's line begins: in which shard's file, and at which byte."""

    shard: int
    start: int


class RecordIndex:
    """The records of one run by attempt id. Filled once, then asked.

    Rows are bytes: the id's number, the place, the leaf's hash. They lie in 256 buckets by the id's first two digits;
    ids are hashes, so the buckets fill evenly, and sorting one bucket at a time takes next to no memory of its own. Big
    endian, so that bytes sort as the ids do. Ids that are no common ones (second tries) are few and lie apart.
    """

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(256)]
        self._others: dict[str, tuple[int, bytes]] = {}
        self._again: list[tuple[str, int]] = []
        self._sorted = True

    def __len__(self) -> int:
        return sum(map(len, self._buckets)) // _SIZE + len(self._others)

    def add(self, id: str, shard: int, start: int, leaf: bytes) -> None:
        """Add a record.

        Args:
            leaf: the 32-byte hash of its Merkle leaf.
        """
        number, place = compact(id), shard << _OFFSET | start
        self._sorted = False
        if number:
            self._buckets[number >> 56] += _ROW.pack(number, place, leaf)
        elif id in self._others:
            self._again.append((id, place))
        else:
            self._others[id] = place, leaf

    def twice(self) -> tuple[str, Place] | None:
        """Return an id that was added twice and the later of two places of it, or None."""
        self._sort()
        for bucket in self._buckets:
            before = b""
            for at in range(0, len(bucket), _SIZE):
                if (number := bytes(bucket[at : at + 8])) == before:
                    return f"AT-{number.hex()}", _place(_ROW.unpack_from(bucket, at)[1])
                before = number
        return (self._again[0][0], _place(self._again[0][1])) if self._again else None

    def merkle(self) -> str:
        """Return the Merkle root (RFC 6962) over all records, sorted by attempt id."""
        self._sort()
        tree = MerkleTree()
        rows = (bucket[at : at + _SIZE] for bucket in self._buckets for at in range(0, len(bucket), _SIZE))
        if not self._others:
            for row in rows:
                tree.add(bytes(row[16:]))
            return tree.root
        common: Iterator[tuple[str, bytes]] = ((f"AT-{row[:8].hex()}", bytes(row[16:])) for row in rows)
        others = sorted((id, leaf) for id, (_, leaf) in self._others.items())
        for _, leaf in merge(common, others):
            tree.add(leaf)
        return tree.root

    def find(self, id: str) -> tuple[Place, bytes] | None:
        """Return where a record lies and its leaf's hash, or None where there is no record of this id."""
        number = compact(id)
        if not number:
            found = self._others.get(id)
            return (_place(found[0]), found[1]) if found else None
        self._sort()
        bucket, key = self._buckets[number >> 56], number.to_bytes(8)
        row = bisect_left(range(len(bucket) // _SIZE), key, key=lambda n: bytes(bucket[n * _SIZE : n * _SIZE + 8]))
        if bucket[row * _SIZE : row * _SIZE + 8] != key:
            return None
        _, place, leaf = _ROW.unpack_from(bucket, row * _SIZE)
        return _place(place), leaf

    def _sort(self) -> None:
        if self._sorted:
            return
        for number, bucket in enumerate(self._buckets):
            rows = sorted(bytes(bucket[at : at + _SIZE]) for at in range(0, len(bucket), _SIZE))
            self._buckets[number] = bytearray().join(rows)
        self._sorted = True


def _place(packed: int) -> Place:
    return Place(packed >> _OFFSET, packed & (1 << _OFFSET) - 1)
