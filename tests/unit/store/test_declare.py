"""Declaring a run: once, durably, and never one that another version made taken for ours."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, ShipworthyError, StoreError, UsageError
from shipworthy.core.records import SCHEMA
from shipworthy.store import declare as module
from shipworthy.store.declare import check_logs, declare_run, parse_manifest, read_manifest
from shipworthy.store.runlog import RunLog


def test_a_manifest_comes_back_and_every_shard_has_a_log(records: Any, tmp_path: Path) -> None:
    manifest = replace(records.manifest, shards=3)
    declare_run(tmp_path / "deep" / "run", manifest)
    assert read_manifest(tmp_path / "deep" / "run") == manifest
    assert sorted(p.name for p in (tmp_path / "deep" / "run").iterdir()) == [
        "attempts-0000.jsonl", "attempts-0001.jsonl", "attempts-0002.jsonl", "manifest.json",
    ]  # fmt: skip


def test_a_second_declaration_is_refused(records: Any, tmp_path: Path) -> None:
    declare_run(tmp_path, records.manifest)
    with pytest.raises(UsageError, match="already holds a run"):
        declare_run(tmp_path, replace(records.manifest, seed=9))
    assert read_manifest(tmp_path) == records.manifest


def test_a_log_without_a_manifest_is_not_written_over(records: Any, tmp_path: Path) -> None:
    (tmp_path / "attempts-0003.jsonl").write_text("someone's\n")
    with pytest.raises(UsageError, match="already holds a run"):
        declare_run(tmp_path, records.manifest)


def test_a_declaration_that_was_cut_short_can_be_made_again(records: Any, tmp_path: Path, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "write_atomic", broken)
    with pytest.raises(StoreError, match="No space left"):
        declare_run(tmp_path, replace(records.manifest, shards=4))
    monkeypatch.undo()
    with pytest.raises(UsageError, match="there is no run"):
        RunLog.open(tmp_path)
    declare_run(tmp_path, replace(records.manifest, shards=2))
    check_logs(tmp_path, read_manifest(tmp_path))  # the two empty logs that were left behind are no logs of it
    RunLog.open(tmp_path, 1).close()


@pytest.mark.parametrize("shards", [0, -1, 10_001])
def test_a_number_of_shards_that_is_none_is_refused(records: Any, tmp_path: Path, shards: int) -> None:
    with pytest.raises(UsageError, match="1 to 10,000 shards"):
        declare_run(tmp_path, replace(records.manifest, shards=shards))


def test_a_place_that_cannot_be_written_is_a_store_error(records: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot declare"):
        declare_run(tmp_path / "file" / "run", records.manifest)


def test_no_run_there_is_a_usage_error(tmp_path: Path) -> None:
    for verb in (read_manifest, RunLog.open):
        with pytest.raises(UsageError, match="there is no run"):
            verb(tmp_path)


def test_a_log_of_no_shard_is_not_left_out_in_silence(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(1)])
    (tmp_path / "attempts-0001.jsonl").write_text("more\n")
    with pytest.raises(IntegrityError, match=r"attempts-0001\.jsonl: RUN-20261123T180000-ab12 has 1 shards"):
        RunLog.open(tmp_path)


# ---- runs of other versions


def test_a_run_of_schema_1_is_refused_by_name(tmp_path: Path) -> None:
    """As version 0.1 wrote it, to the byte: without a schema."""
    (tmp_path / "manifest.json").write_text(
        '{"id":"RUN-20261101T120000-0a1b","created":"2026-11-01T12:00:00Z","system":"SYS-x","plan":"full",'
        '"plan_digest":"sha256:0","spec_digest":"sha256:1","subject_digest":"sha256:2","subject":{"target":"replay"},'
        '"suites":[{"id":"s","version":"1.0","digest":"sha256:3","content":"synthetic","samples":9,"attempts":1,'
        '"max_error_rate":0.1}],"planned":9,"seed":1}'
    )
    (tmp_path / "attempts-0000.jsonl").write_text("")
    said = r"RUN-20261101T120000-0a1b was made by shipworthy <= 0\.1 \(run log schema 1\).*: measure again"
    for verb in (read_manifest, RunLog.open):
        with pytest.raises(UsageError, match=said):
            verb(tmp_path)


def test_a_run_of_a_newer_schema_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"RUN-9 was made by a newer shipworthy \(run log schema 3.*upgrade"):
        parse_manifest(b'{"schema":3,"id":"RUN-9","what":"comes"}', "manifest.json")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"schema":2}', b'{"schema":true}', b'{"schema":"2"}', b'{"schema":2.0}', b'{"schema":0}',
     b'{"schema":null}', b'{"schema":-1}', b"\xff", b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_manifest_is_damage(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"manifest\.json"):
        parse_manifest(data, "manifest.json")


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)) | st.binary())
def test_any_manifest_is_read_or_refused(value: Any) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(ShipworthyError):
        parse_manifest(data, "manifest.json")


def test_this_version_writes_no_other_schema(records: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="schema 2, not 1"):
        declare_run(tmp_path, replace(records.manifest, schema=SCHEMA - 1))


def test_a_manifest_with_absurd_shards_is_damage(records: Any, tmp_path: Path) -> None:
    declare_run(tmp_path, replace(records.manifest, shards=7))
    data = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(IntegrityError, match="shards"):
        parse_manifest(data.replace(b'"shards":7', b'"shards":1000000000'), "manifest.json")


# ---- two at once

DECLARING = """
    import sys
    from pathlib import Path
    from msgspec.structs import replace
    sys.path.insert(0, {tests!r})
    from conftest import MANIFEST
    from shipworthy.core.errors import UsageError
    from shipworthy.store.declare import declare_run
    sys.stdin.readline()  # so that all begin at the same moment
    try:
        declare_run(Path(sys.argv[1]), replace(MANIFEST, seed=int(sys.argv[2]), shards=int(sys.argv[2])))
        print("won")
    except UsageError as error:
        print("told:", error)
"""


def test_of_several_who_declare_at_once_one_wins_and_the_others_are_told(tmp_path: Path) -> None:
    code = textwrap.dedent(DECLARING.format(tests=str(Path(__file__).parent)))
    for round in range(2):
        directory = tmp_path / str(round)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(directory), str(n)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for n in range(1, 4)
        ]  # fmt: skip
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.communicate()[0].strip() for process in processes]
        assert sorted(word.partition(":")[0] for word in said) == ["told", "told", "won"], said
        winner = said.index("won") + 1
        assert read_manifest(directory).seed == winner
        for shard in range(winner):
            RunLog.open(directory, shard).close()
