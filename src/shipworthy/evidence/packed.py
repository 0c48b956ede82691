"""What a pack holds: strict JSON, chained lines, and a run's records behind its seal. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from shipworthy.core import strict_json
from shipworthy.core.digests import MerkleTree, bytes_digest, leaf_hash, merkle_root
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finished import PLANNED
from shipworthy.core.finished import failed as ended_in_error
from shipworthy.core.freshness import Replies, of_record
from shipworthy.evidence import recount, shape, words
from shipworthy.evidence.recorded import RecordCheck
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.shape import anything, listed
from shipworthy.store import chain
from shipworthy.store.shards import MOST_SHARDS, log_name, log_origin

SCHEMA = 2
"""Of the run logs in a pack. `core.records` says it, too, and is not imported here: it needs more than Python."""

Members = Mapping[str, bytes]

_LATEST = 253_402_300_799.0
"""The last second of the year 9999: no calendar here has a later one."""


def member(members: Members, name: str) -> bytes:
    """Return a member's content.

    Raises:
        IntegrityError: the pack has none of that name.
    """
    if name not in members:
        raise IntegrityError(f"{name}: missing")
    return members[name]


def read_member(members: Members, name: str) -> Any:
    """Return the JSON that a member holds.

    Raises:
        IntegrityError: there is no such member, or it holds none that all readers take alike.
    """
    return read_json(name, member(members, name))


def read_json(name: str, data: bytes) -> Any:
    """Return the JSON that a member, or a line of one, holds.

    Raises:
        IntegrityError: it is none, or none that all readers take alike; the member is named.
    """
    try:
        return strict_json.loads(data)
    except ValueError as error:
        raise IntegrityError(f"{name}: not the JSON that evidence is written in: {error}") from None


def chained(name: str, data: bytes, head: bytes, prefix: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, hash and body of each line of a chained file, checking frame and hash.

    Args:
        head: what the chain starts from.
        prefix: what stands before the body, and is not hashed.

    Raises:
        IntegrityError: a line is not what was written; its number is named.
    """
    if data and not data.endswith(b"\n"):
        raise IntegrityError(f"{name}: its last line is cut off")
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        body = line[75:]
        head = chain.link(head, body.removeprefix(prefix)[:-1] if prefix else body)
        if line[:75] != b'{"hash":"' + head.hex().encode() + b'",' or not body.startswith(prefix) or body[-1:] != b"}":
            raise IntegrityError(f"{name}:{number}: this line, or the order of lines, is not what was written")
        yield number, head, body.removeprefix(prefix)[:-1] if prefix else body


def read_run(members: Members, folder: str) -> PackedRun:
    """Return a run: each shard's chain followed once, no attempt twice, and what is counted of each.

    Args:
        folder: where its members are, ``runs/RUN-…``.

    Raises:
        IntegrityError: its records are not those that were sealed, or a member is missing.
    """
    manifest = read_json(f"{folder}/manifest.json", member(members, f"{folder}/manifest.json"))
    seal = read_json(f"{folder}/seal.json", member(members, f"{folder}/seal.json"))
    logs = _shards(members, folder, manifest)
    words.manifest(manifest, f"{folder}/manifest.json")
    words.seal(seal, f"{folder}/seal.json")
    if seal["run"] != manifest["id"]:
        raise IntegrityError(f"{folder}/seal.json: of another run")
    recorded = RecordCheck(manifest, f"{folder}/manifest.json")
    began, ended, given = inf, 0.0, Replies()
    records: list[Mapping[str, Any]] = []
    heads: list[bytes] = []
    leaves: dict[str, bytes] = {}
    hashes: dict[str, str] = {}
    failed: set[str] = set()
    for shard, name in enumerate(logs):
        head = log_origin(members[f"{folder}/manifest.json"], shard)
        for number, hash, body in chained(name, member(members, name), head, b""):
            head = hash
            where = f"{name}:{number}"
            timing, _, record = body.partition(b',"attempt":')
            attempt = read_json(where, record := record[:-1])
            clock = read_json(where, timing.removeprefix(b'"timing":'))
            started, seconds = _timing(clock, where)
            if started:
                began, ended = min(began, started), max(ended, started + seconds)
            recorded.add(attempt, where)
            given = given.and_(of_record(attempt.get("events", ()), clock))
            id, planned = attempt["id"], attempt["id"][:PLANNED]
            if id in leaves:
                raise IntegrityError(f"{where}: an attempt that is there twice")
            if planned != id and planned not in failed:
                raise IntegrityError(f"{where}: tries an attempt again that had not failed")
            (failed.add if ended_in_error(attempt["outcome"]) else failed.discard)(planned)
            leaves[id], hashes[id] = leaf_hash(record), bytes_digest(record)
            records.append({key: attempt[key] for key in recount.COUNTED if key in attempt})
        heads.append(head)
    _sealed(folder, logs, heads, seal["pack"])
    if len(records) != seal["records"]:
        raise IntegrityError(f"{folder}/seal.json: not all the records that were sealed")
    tree = MerkleTree()
    for id in sorted(leaves):
        tree.add(leaves[id])
    if tree.root != seal["pack"]["merkle"]:
        raise IntegrityError(f"{folder}/seal.json: the Merkle root of the records is another one")
    recorded.finish()
    return PackedRun(manifest, seal, records, hashes, began if ended else 0.0, ended, given)


def _timing(value: Any, where: str) -> tuple[float, float]:
    """Return when an attempt began, Unix time, and how many seconds it took."""
    listed(anything, least=4)(value, f"{where}: its timing")
    for part in (*value[:3], *value[4:]):
        shape.number(0, _LATEST)(part, f"{where}: a time of it")
    listed(listed(anything, least=2))(value[3], f"{where}: its spans")
    return value[0], value[1]


def _shards(members: Members, folder: str, manifest: Mapping[str, Any]) -> list[str]:
    """Return the names of a run's logs, one a shard."""
    where, schema = f"{folder}/manifest.json", manifest.get("schema", 1)
    if schema != SCHEMA:
        made = "by shipworthy <= 0.1" if schema == 1 else "by another version of shipworthy"
        raise IntegrityError(
            f"{where}: {manifest['id']} was made {made} (run log schema {schema}; this verifier reads {SCHEMA}): "
            "verify the pack with the version that made it"
        )
    shards = manifest.get("shards", 1)
    if type(shards) is not int or not 1 <= shards <= MOST_SHARDS:
        raise IntegrityError(f"{where}: a run has 1 to {MOST_SHARDS:,} shards, not {shards}")
    logs = [f"{folder}/{log_name(shard)}" for shard in range(shards)]
    if odd := sorted({name for name in members if name.startswith(f"{folder}/attempts")} - set(logs)):
        raise IntegrityError(f"{odd[0]}: the log of no shard of the run")
    return logs


def _sealed(folder: str, logs: Sequence[str], heads: Sequence[bytes], sealed: Mapping[str, Any]) -> None:
    """Hold the heads of a run's chains against those that were sealed."""
    if len(sealed["heads"]) != len(heads):
        raise IntegrityError(f"{folder}/seal.json: seals another number of shards")
    for name, head, said in zip(logs, heads, sealed["heads"], strict=True):
        if chain.head_text(head) != said:
            raise IntegrityError(f"{name}: not all the records that were sealed")
    if merkle_root(heads) != sealed["head"]:
        raise IntegrityError(f"{folder}/seal.json: the run's head is not the Merkle root of its shards' heads")
