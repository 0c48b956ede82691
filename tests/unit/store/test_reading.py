"""Reading a run: one pass gives what is counted, names what was read, and finds any record again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.digests import merkle_root
from shipworthy.core.errors import IntegrityError
from shipworthy.core.events import Asked, Called, EventTime, Failed, FailedRole, GuardEvent, Party, Said, Timing, Usage
from shipworthy.core.records import ToolCall, say
from shipworthy.store import chain, line, reading
from shipworthy.store.declare import declare_run
from shipworthy.store.line import frame
from shipworthy.store.reading import RecordRow, RunReading, read_attempts
from shipworthy.store.runlog import RunLog
from shipworthy.store.shards import log_origin

COUNTED = (
    "id",
    "suite",
    "sample",
    "attack",
    "number",
    "cluster",
    "seed",
    "content_hash",
    "outcome",
    "severity",
    "scores",
)


def test_a_row_is_what_is_counted_of_a_record_and_gives_the_rest_when_asked(records: Any, tmp_path: Path) -> None:
    made = [replace(records.attempt(n), severity="S1" if n else "S3") for n in range(3)]
    records.write(tmp_path, made)
    assert RecordRow.__struct_fields__ == (*COUNTED, "events", "line", "shard", "timing")
    for row, attempt in zip(RunReading(tmp_path), made, strict=True):
        for name in COUNTED:
            assert getattr(row, name) == getattr(attempt, name)
        assert row.attempt() == attempt
        assert (row.timing, row.roles, row.asked) == (attempt.timing, attempt.roles, attempt.asked)
        assert [step.type for step in row.events] == ["said", "asked", "said"]
        assert row.leaf == line.leaf(line.encode_attempt(attempt))


def test_what_a_record_says_of_its_own_timing_is_not_believed(
    records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timing stands beside the record in its line; a field of that name inside the record is no word on it."""
    attempt = records.attempt(1)
    whole = line.encode_attempt(attempt)
    forged = whole.removesuffix(b"}}") + b',"timing":[1.0,2.0,3.0,[]],"shard":7,"line":""}}'
    monkeypatch.setattr("shipworthy.store.runlog.encode_attempt", lambda _: forged)
    records.write(tmp_path, [attempt])
    (row,) = RunReading(tmp_path)
    assert row.timing == attempt.timing != Timing(1.0, 2.0, 3.0)
    assert (row.shard, row.line) == (0, forged)


USES = st.builds(Usage, st.integers(0, 99), st.integers(0, 99), st.sampled_from([0.0, 0.25]))
ROLES = st.sampled_from(get_args(Party))
EVENTS = st.lists(
    st.builds(Asked, st.just(1), ROLES, usage=USES)
    | st.builds(Failed, st.just(1), st.sampled_from(get_args(FailedRole)), st.just("Timeout"))
    | st.builds(GuardEvent, st.just("GD-1"), st.just("input"), st.just("GR-1"), st.just("block"), shadow=st.booleans())
    | st.builds(Said, st.just(1), st.just(say("user", '"role":"judge","type":"asked"')))
    | st.builds(Called, st.just(1), st.just(ToolCall("1", "f", {"type": "asked", "role": "judge", "guard": "x"}))),
    max_size=6,
).map(tuple)


@given(
    EVENTS, st.lists(st.builds(EventTime, st.integers(0, 6), st.just(0.5), st.booleans()), unique_by=lambda s: s.event)
)
def test_a_row_counts_calls_and_guards_as_the_attempt_does(
    records: Any, events: tuple[Any, ...], spans: list[EventTime]
) -> None:
    made = replace(records.attempt(1), events=events, timing=Timing(1.0, 2.0, 0.5, tuple(spans)))
    body = line.encode_attempt(made)
    row = reading._rows.decode(line.leaf(body))
    row.line, row.timing = body, made.timing
    assert row.roles == made.roles
    found = [(s.guard, s.stage, s.action, s.shadow) for s in row.events if s.type == "guard"]
    assert found == [(e.guard, e.stage, e.action, e.shadow) for e in made.guard_events]


def test_an_empty_run_has_a_head_and_the_root_of_nothing(records: Any, tmp_path: Path) -> None:
    declare_run(tmp_path, replace(records.manifest, shards=2))
    found = RunReading(tmp_path)
    origins = [log_origin((tmp_path / "manifest.json").read_bytes(), shard) for shard in (0, 1)]
    assert found.heads == tuple(map(chain.head_text, origins))
    assert (found.head, found.merkle, found.records, found.size) == (merkle_root(origins), merkle_root([]), 0, 0)


def test_the_head_is_the_root_of_the_shards_heads_also_of_one(records: Any, tmp_path: Path) -> None:
    made = [records.attempt(n) for n in range(7)]
    for shards in (1, 3):
        records.deal(tmp_path / str(shards), made, shards)
        found = RunReading(tmp_path / str(shards))
        assert len(found.heads) == shards
        assert found.head == merkle_root([bytes.fromhex(head.removeprefix("sha256:")) for head in found.heads])
        assert found.size == sum(p.stat().st_size for p in (tmp_path / str(shards)).glob("attempts-*.jsonl"))


def test_the_merkle_root_is_rfc_6962_over_the_sorted_records_without_timings(records: Any, tmp_path: Path) -> None:
    made = [records.attempt(n, tries=tries) for n in (9, 3, 30) for tries in (1, 2, 10)]
    records.write(tmp_path, made)
    leaves = {row.id: row.leaf for row in RunReading(tmp_path)}
    assert RunReading(tmp_path).merkle == merkle_root([leaves[id] for id in sorted(leaves)])
    assert b"timing" not in b"".join(leaves.values())


@settings(max_examples=40)
@given(data=st.data())
def test_the_root_is_the_same_whatever_the_shards_and_the_order(
    records: Any, tmp_path_factory, data: st.DataObject
) -> None:
    tries = data.draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3)), unique=True, max_size=25))
    made = [records.attempt(n, tries=t) for n, t in tries]
    expected = None
    for _ in range(3):
        shards = data.draw(st.integers(1, 5))
        dice = data.draw(st.randoms())
        directory = tmp_path_factory.mktemp("run")
        declare_run(directory, replace(records.manifest, shards=shards))
        dealt: list[list[Any]] = [[] for _ in range(shards)]
        for attempt in made:
            # Another clock, and another state of the cache, each time.
            dice.choice(dealt).append(replace(attempt, timing=Timing(dice.random(), dice.random())))
        for shard in dice.sample(range(shards), shards):
            dice.shuffle(dealt[shard])
            half = len(dealt[shard]) // 2
            records.write(directory, dealt[shard][:half], shard)
            records.write(directory, dealt[shard][half:], shard)  # resumed
        found = RunReading(directory)
        assert found.records == len(made)
        expected = expected or found.merkle
        assert found.merkle == expected
    changed = tmp_path_factory.mktemp("run")
    if made:
        records.write(changed, [*made[1:], replace(made[0], error="another")])
        assert RunReading(changed).merkle != expected


# ---- any record again


def test_any_record_is_found_by_its_id_without_another_pass(records: Any, tmp_path: Path, monkeypatch) -> None:
    made = [
        records.attempt(n, "x" * (n * 37 % 900), tries) for n in range(60) for tries in ((1, 2) if n % 7 == 0 else (1,))
    ]
    records.deal(tmp_path, made, 3)
    found = RunReading(tmp_path)
    assert found.records == len(made)
    monkeypatch.setattr(reading, "read_lines", None)  # another pass would raise
    random.Random(4).shuffle(made)
    assert [found.attempt(attempt.id) for attempt in made] == made
    for unknown in ("AT-00000000000000ff", "AT-0000000000000001-2", "AT-1", ""):
        assert found.attempt(unknown) is None


def test_one_pass_serves_everything(records: Any, tmp_path: Path, monkeypatch) -> None:
    records.deal(tmp_path, [records.attempt(n) for n in range(9)], 2)
    passes = []
    real = reading.read_lines
    monkeypatch.setattr(reading, "read_lines", lambda path, origin: (passes.append(path), real(path, origin))[1])
    found = RunReading(tmp_path)
    hits = sum(score.hit for row in found for score in row.scores)
    assert (hits, found.records) == (3, 9)
    assert found.head and found.merkle and found.heads and found.size and not found.lost
    assert found.attempt(records.attempt(5).id).seed == 5
    assert len(passes) == 2  # one for each shard's log


def test_a_record_that_changed_since_is_noticed(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(n) for n in range(3)])
    found = RunReading(tmp_path)
    assert found.records == 3
    log = tmp_path / "attempts-0000.jsonl"
    log.write_bytes(log.read_bytes().replace(b"question 2", b"question X"))
    assert found.attempt(records.attempt(1).id).seed == 1
    with pytest.raises(IntegrityError, match=r"attempts-0000\.jsonl:3: changed since"):
        found.attempt(records.attempt(2).id)
    log.unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        found.attempt(records.attempt(2).id)


# ---- what is not as it was


def rewrite_log(log: Path, origin: bytes, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the bodies of a log's lines and chain them anew: damage that no chain shows."""
    lines, head = [], origin
    for body in change([raw[75:] for raw in log.read_bytes().splitlines()]):
        head = chain.link(head, body)
        lines.append(frame(head, body))
    log.write_bytes(b"".join(lines))


@pytest.mark.parametrize("tries", [1, 2])
def test_an_attempt_in_two_shards_is_refused(records: Any, tmp_path: Path, tries: int) -> None:
    declare_run(tmp_path, replace(records.manifest, shards=2))
    for shard in (0, 1):
        records.write(tmp_path, [records.attempt(50 + shard), records.attempt(7, tries=tries)], shard)
    id = records.attempt(7, tries=tries).id
    with pytest.raises(IntegrityError, match=rf"attempts-0001\.jsonl:2: the attempt {id} is there twice"):
        list(RunReading(tmp_path))


def test_an_attempt_that_is_twice_in_one_log_is_refused(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(n) for n in range(4)])
    origin = log_origin((tmp_path / "manifest.json").read_bytes(), 0)
    rewrite_log(tmp_path / "attempts-0000.jsonl", origin, lambda bodies: [*bodies, bodies[1]])
    for read in (RunLog.open, lambda directory: list(RunReading(directory))):
        with pytest.raises(
            IntegrityError, match=r"attempts-0000\.jsonl:5: the attempt AT-0000000000000001 is there twice"
        ):
            read(tmp_path)


@pytest.mark.parametrize("record", [b"{}", b"[]", b'{"id":7}', b"{", b"", b"[" * 5000, b'{"id":"AT-1","suite":"s"}'])
def test_a_record_that_is_no_attempt_is_damage(records: Any, tmp_path: Path, record: bytes) -> None:
    records.write(tmp_path, [records.attempt(0)])
    origin = log_origin((tmp_path / "manifest.json").read_bytes(), 0)
    body = b'"timing":[],"attempt":' + record + b"}"
    rewrite_log(tmp_path / "attempts-0000.jsonl", origin, lambda bodies: [*bodies, body])
    with pytest.raises(IntegrityError, match=r"attempts-0000\.jsonl:2: not an attempt"):
        list(RunReading(tmp_path))


@pytest.mark.parametrize(
    "change",
    [(b'"type":"said"', b'"type":"sung"'), (b'"parts":[', b'"parts":[7,')],
)
def test_the_part_that_is_skipped_is_checked_when_it_is_asked_for(
    records: Any, tmp_path: Path, change: tuple[bytes, bytes]
) -> None:
    records.write(tmp_path, [records.attempt(0)])
    origin = log_origin((tmp_path / "manifest.json").read_bytes(), 0)
    rewrite_log(tmp_path / "attempts-0000.jsonl", origin, lambda bodies: [bodies[0].replace(*change)])
    [row] = RunReading(tmp_path)
    with pytest.raises(IntegrityError, match="the record AT-0000000000000000 is not an attempt"):
        row.attempt()


def test_a_line_whose_timing_is_none_is_refused(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(0)])
    origin = log_origin((tmp_path / "manifest.json").read_bytes(), 0)
    rewrite_log(tmp_path / "attempts-0000.jsonl", origin, lambda old: [old[0].replace(b'"timing":[', b'"timing":[{},')])
    with pytest.raises(IntegrityError, match=r"attempts-0000\.jsonl:1: not an attempt: Expected `float`"):
        list(RunReading(tmp_path))


def test_heads_that_a_log_has_lost_are_named(records: Any, tmp_path: Path) -> None:
    declare_run(tmp_path, replace(records.manifest, shards=2))
    heads = [chain.head_text(log_origin((tmp_path / "manifest.json").read_bytes(), 1))]
    heads += [records.write(tmp_path, [records.attempt(n)], n % 2) for n in range(4)]
    assert RunReading(tmp_path, passed=heads).lost == set()
    log = tmp_path / "attempts-0001.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    strange = "sha256:" + "7" * 64
    assert RunReading(tmp_path, passed=[*heads, strange]).lost == {heads[-1], strange}


def test_a_log_that_is_written_meanwhile_is_read_to_its_last_whole_line(records: Any, tmp_path: Path) -> None:
    declare_run(tmp_path, records.manifest)
    log = RunLog.open(tmp_path)
    asyncio.run(records.append(log, [records.attempt(n) for n in range(3)]))
    with (tmp_path / "attempts-0000.jsonl").open("ab") as file:
        file.write(b'{"hash":"half a li')
    found = RunReading(tmp_path)
    assert [row.seed for row in found] == [0, 1, 2]
    assert (found.heads, found.size) == ((log.head,), log._size)
    log.close()


def test_attempts_can_be_read_whole(records: Any, tmp_path: Path) -> None:
    made = [records.attempt(n) for n in range(5)]
    records.deal(tmp_path, made, 2)
    assert list(read_attempts(tmp_path)) == made[::2] + made[1::2]
