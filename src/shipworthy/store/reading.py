"""Reading a run: one verified pass over the logs of all its shards, and any record again without another.

reading = RunReading(directory)
for row in reading:            # verifies while it goes; a row holds what is counted, `row.attempt()` all of it
    ...
reading.merkle, reading.head   # name what was read: the content, and these very logs
reading.attempt(id)            # one record, straight from its place
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from shipworthy.core.digests import leaf_hash, merkle_root
from shipworthy.core.errors import IntegrityError
from shipworthy.core.events import Party, Timing, Usage
from shipworthy.core.records import Attempt, Outcome, Score, Severity
from shipworthy.core.roles import RoleTally, RoleUse
from shipworthy.store import chain
from shipworthy.store.declare import MANIFEST, check_logs, manifest_bytes, parse_manifest
from shipworthy.store.line import UNREADABLE, decode_attempt, decode_timing, leaf, read_line, read_lines
from shipworthy.store.record_index import RecordIndex, RecordPlace
from shipworthy.store.shards import log_name, log_origin

ASKED = frozenset(("asked", "failed"))
"""Types of events that say that a model was asked: it answered, or failed."""


class EventRow(msgspec.Struct, gc=False):
    """What is counted of one event of any type. A field that the type has not is at its default here.

    Attributes:
        type: the event's tag, such as ``asked``.
        role, usage: of a model that was asked, or failed.
        guard, stage, action, shadow: of what a guard found.
    """

    type: str
    role: str = ""
    usage: Usage = Usage()
    guard: str = ""
    stage: str = ""
    action: str = ""
    shadow: bool = False


class RecordRow(msgspec.Struct, gc=False):
    """What is counted of one record. No message, document or argument is made a string of before it is asked for.

    Attributes:
        id, suite, …, scores: as in `Attempt`.
        events: as in `Attempt`, in the same places, cut down to what is counted.
        line: the body of the record's line, see `store.line`; `shard` the log that it stands in.
        timing: when it was made, and how long that took.
    """

    id: str
    suite: str
    sample: str
    attack: str
    number: int
    cluster: str
    seed: int
    content_hash: str
    outcome: Outcome
    severity: Severity = "S3"
    scores: tuple[Score, ...] = ()
    events: tuple[EventRow, ...] = ()
    line: bytes = b""
    shard: int = 0
    timing: Timing = Timing()

    def attempt(self) -> Attempt:
        """Return the whole record.

        Raises:
            IntegrityError: it is no attempt, though it was written as one.
        """
        return _decode(self.line, self.id)

    @property
    def roles(self) -> dict[Party, RoleUse]:
        """What each role was asked, in order of first appearance; what `Attempt.roles` returns."""
        tally = RoleTally()
        self.count_roles(tally)
        return tally.uses

    def count_roles(self, tally: RoleTally) -> None:
        """Count every model that was asked."""
        timing = self.timing
        for place, step in enumerate(self.events):
            if step.role and step.type in ASKED:  # most steps have no role, and are through with one look
                tally.add(place, step.role, step.usage if step.type == "asked" else None, timing)

    @property
    def asked(self) -> list[tuple[int, str, Usage | None]]:
        """Every model that was asked: place among the events, role, usage of the answer (None where there is none)."""
        return [
            (place, step.role, step.usage if step.type == "asked" else None)
            for place, step in enumerate(self.events)
            if step.role and step.type in ASKED
        ]

    @property
    def leaf(self) -> bytes:
        """The bytes that are hashed as the record's content."""
        return leaf(self.line)


_rows = msgspec.json.Decoder(RecordRow)


class RunReading:
    """A run's files, read. Iterating yields its rows, shard by shard, each in the order in which attempts ended.

    One whole iteration verifies everything: each shard's chain from the manifest on, that no attempt is there twice,
    and that no log is missing or unknown. What it found is kept without the records (48 bytes each); asking for it
    before makes an iteration, and iterating again reads again. A torn last line is left out: a writer died there, or
    is at work.

    Args:
        directory: the run's.
        passed: heads (`sha256:…`) that shards' logs are known to have had: see `lost`.

    Attributes:
        directory: the run's.
        manifest: what it set out to do.

    Raises:
        UsageError: there is no run in the directory, or one that another version of shipworthy made.
        IntegrityError: its manifest is not one. While iterating: a line is not what was written; file and line number
            are named.
    """

    def __init__(self, directory: Path, *, passed: Iterable[str] = ()) -> None:
        self.directory = Path(directory)
        self._bytes = manifest_bytes(self.directory)
        self.manifest = parse_manifest(self._bytes, str(self.directory / MANIFEST))
        self._passed = frozenset(passed)
        self._lost: set[str] = set(self._passed)
        self._heads: list[bytes] = []
        self._size = 0
        self._index: RecordIndex | None = None

    def __iter__(self) -> Iterator[RecordRow]:
        check_logs(self.directory, self.manifest)
        index, heads, size = RecordIndex(), list[bytes](), 0
        wanted = {bytes.fromhex(head.partition(":")[2]) for head in self._passed}
        decode, add, sha = _rows.decode, index.add, sha256
        for shard in range(self.manifest.shards):
            path, head, end = self._path(shard), log_origin(self._bytes, shard), 0
            wanted.discard(head)
            for line in read_lines(path, head):
                try:
                    row = decode(line.record)
                    # All three are set: a record that has such fields of its own must not speak for its line.
                    row.line, row.shard, row.timing = line.body, shard, decode_timing(line.timing)
                except UNREADABLE as error:
                    raise IntegrityError(f"{path}:{line.number}: not an attempt: {error}") from error
                # `leaf_hash`, written out: this loop runs for every attempt of every gate.
                add(row.id, shard, line.start, sha(b"\0" + line.record).digest())
                head, end = line.hash, line.end
                if wanted:
                    wanted.discard(head)
                yield row
            heads.append(head)
            size += end
        if (again := index.twice()) is not None:
            raise IntegrityError(f"{self._line(again[1])}: the attempt {again[0]} is there twice")
        self._index, self._heads, self._size = index, heads, size
        self._lost = {chain.head_text(head) for head in wanted}

    @property
    def records(self) -> int:
        """How many there are: every try of every attempt."""
        return len(self._whole())

    @property
    def heads(self) -> tuple[str, ...]:
        """The head of each shard's chain, ``sha256:<64 hex>``."""
        self._whole()
        return tuple(map(chain.head_text, self._heads))

    @property
    def head(self) -> str:
        """The run's head, ``sha256:<64 hex>``: the Merkle root (RFC 6962) of its shards' heads in order.

        It names these very logs, with their timings and the order of their lines.
        """
        self._whole()
        return merkle_root(self._heads)

    @property
    def merkle(self) -> str:
        """The Merkle root (RFC 6962) over all records sorted by attempt id, timings left out, ``sha256:<64 hex>``.

        It names what was measured: it is the same in whatever order attempts ended, and however many shards there were.
        """
        return self._whole().merkle()

    @property
    def lost(self) -> set[str]:
        """Those of `passed` that no shard's log has had: lines were removed or replaced."""
        self._whole()
        return set(self._lost)

    @property
    def size(self) -> int:
        """Bytes of all complete lines."""
        self._whole()
        return self._size

    def attempt(self, id: str) -> Attempt | None:
        """Return one record by its exact id, read from its place in its file; None where there is none.

        Raises:
            IntegrityError: it is no longer what it was when it was verified.
        """
        found = self._whole().find(id)
        if found is None:
            return None
        place, hash = found
        body = read_line(self._path(place.shard), place.start)
        if leaf_hash(leaf(body)) != hash:
            raise IntegrityError(f"{self._line(place)}: changed since it was verified")
        return _decode(body, id)

    def _whole(self) -> RecordIndex:
        if self._index is None:
            for _ in self:
                pass
        assert self._index is not None  # noqa: S101 - an iteration to the end sets it
        return self._index

    def _path(self, shard: int) -> Path:
        return self.directory / log_name(shard)

    def _line(self, place: RecordPlace) -> str:
        """Return file and line number of a place, for a message."""
        path = self._path(place.shard)
        with path.open("rb") as file:
            return f"{path}:{file.read(place.start).count(bytes([10])) + 1}"


def read_attempts(directory: Path) -> Iterator[Attempt]:
    """Yield a run's records whole, shard by shard, in the order in which they ended, verifying while reading.

    Raises:
        UsageError, IntegrityError: as for `RunReading`.
    """
    return (row.attempt() for row in RunReading(directory))


def _decode(body: bytes, id: str) -> Attempt:
    try:
        return decode_attempt(body)
    except UNREADABLE as error:
        raise IntegrityError(f"the record {id} is not an attempt: {error}") from error
