"""The index finds what a dictionary would, and its root is that of the sorted records."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.digests import leaf_hash, merkle_root
from shipworthy.store import record_index
from shipworthy.store.record_index import RecordIndex, RecordPlace

IDS = st.builds(
    lambda n, tries: f"AT-{n:016x}" + (f"-{tries}" if tries > 1 else ""),
    st.integers(0, 5) | st.integers(0, 2**64 - 1) | st.integers(2**64 - 3, 2**64 - 1),
    st.integers(1, 3) | st.integers(9, 11),
)
ROWS = st.dictionaries(IDS, st.tuples(st.integers(0, 9999), st.integers(0, 2**48 - 1), st.binary(max_size=9)))


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    """A few rows a chunk, so that there are many chunks to merge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_index, "_CHUNK", 3)
        yield


@settings(max_examples=200)
@given(ROWS, st.randoms())
def test_it_finds_every_record_and_has_the_root_of_all(rows: dict[str, tuple[int, int, bytes]], random) -> None:
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    index = RecordIndex()
    for id, (shard, start, leaf) in shuffled:
        index.add(id, shard, start, leaf_hash(leaf))
    assert len(index) == len(rows)
    assert index.twice() is None
    assert index.merkle() == merkle_root([rows[id][2] for id in sorted(rows)])
    for id, (shard, start, leaf) in rows.items():
        assert index.find(id) == (RecordPlace(shard, start), leaf_hash(leaf))
    for absent in ("AT-0123456789abcdef", "AT-0123456789abcdef-2", "", "AT-1"):
        assert (index.find(absent) is None) == (absent not in rows)


@given(st.dictionaries(IDS, st.none(), min_size=1), st.data())
def test_an_id_that_is_there_twice_is_found_with_its_later_place(ids: dict[str, None], data: st.DataObject) -> None:
    index = RecordIndex()
    for n, id in enumerate(ids):
        index.add(id, 0, n, leaf_hash(b"x"))
    again = data.draw(st.sampled_from(sorted(ids)))
    index.add(again, 1, 7, leaf_hash(b"y"))
    assert index.twice() == (again, RecordPlace(1, 7))


def test_it_may_be_asked_and_filled_further() -> None:
    index = RecordIndex()
    assert index.merkle() == merkle_root([])
    index.add("AT-00000000000000ff", 0, 0, leaf_hash(b"b"))
    assert index.find("AT-00000000000000ff") == (RecordPlace(0, 0), leaf_hash(b"b"))
    index.add("AT-000000000000000f", 0, 9, leaf_hash(b"a"))
    assert index.merkle() == merkle_root([b"a", b"b"])


def test_many_records_need_no_second_copy_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_index, "_CHUNK", 4_096)
    index = RecordIndex()
    tracemalloc.start()
    for n in range(60_000):
        hash = sha256(str(n).encode()).digest()
        index.add("AT-" + hash.hex()[:16], 0, n, hash)
    index.merkle()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 60_000 * 48 < peak < 60_000 * 48 + 1_500_000
