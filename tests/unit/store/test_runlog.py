"""The run log: what was acknowledged is there, and what was changed is noticed."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.records import Attempt
from shipworthy.detect.redact import seal
from shipworthy.store import runlog
from shipworthy.store.declare import declare_run
from shipworthy.store.known_head import KnownHead
from shipworthy.store.reading import RunReading, read_attempts
from shipworthy.store.runlog import RunLog

LOG = "attempts-0000.jsonl"


def new(records: Any, directory: Path) -> RunLog:
    declare_run(directory, records.manifest)
    return RunLog.open(directory)


def test_attempts_come_back_as_they_were_with_their_timings(records: Any, tmp_path: Path) -> None:
    written = [records.attempt(n, 'é "quoted" ,"attempt": \u2028') for n in range(20)]
    head = records.write(tmp_path / "deep" / "run", written)
    assert list(read_attempts(tmp_path / "deep" / "run")) == written
    assert RunReading(tmp_path / "deep" / "run").heads == (head,)


def test_an_empty_log_has_a_head_that_names_its_manifest(records: Any, tmp_path: Path) -> None:
    one = records.write(tmp_path / "one", [])
    declare_run(tmp_path / "two", replace(records.manifest, seed=2))
    assert RunLog.open(tmp_path / "two").close() != one
    assert list(read_attempts(tmp_path / "one")) == []


def test_one_writer_at_a_time(records: Any, tmp_path: Path) -> None:
    log = new(records, tmp_path)
    with pytest.raises(UsageError, match="another process"):
        RunLog.open(tmp_path)
    log.close()
    RunLog.open(tmp_path).close()


def test_a_missing_log_beside_a_manifest_is_not_an_empty_run(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(1)])
    (tmp_path / LOG).unlink()
    for read in (RunLog.open, lambda directory: list(read_attempts(directory))):
        with pytest.raises(IntegrityError, match=r"attempts-0000\.jsonl is missing"):
            read(tmp_path)


def test_a_log_that_cannot_be_read_is_damage_and_no_crash(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [])
    (tmp_path / LOG).unlink()
    (tmp_path / LOG).mkdir()
    with pytest.raises(IntegrityError, match="cannot be read: Is a directory"):
        list(read_attempts(tmp_path))
    with pytest.raises(StoreError, match="Is a directory"):
        RunLog.open(tmp_path)


def test_only_a_redacted_is_taken(records: Any, tmp_path: Path) -> None:
    log = new(records, tmp_path)
    with pytest.raises(TypeError, match="Redacted"):
        asyncio.run(log.append(records.attempt(1)))  # type: ignore[arg-type]
    log.close()


def test_an_attempt_is_appended_once(records: Any, tmp_path: Path) -> None:
    async def twice(log: RunLog) -> None:
        await log.append(seal(records.attempt(1), "synthetic"))
        with pytest.raises(IntegrityError, match="already"):
            await log.append(seal(records.attempt(1), "synthetic"))

    log = new(records, tmp_path)
    asyncio.run(twice(log))
    log.close()
    log = RunLog.open(tmp_path)
    with pytest.raises(IntegrityError, match="already"):
        asyncio.run(log.append(seal(records.attempt(1), "synthetic")))
    log.close()


def test_resume_goes_on_where_the_log_ended(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(n) for n in range(5)])
    log = RunLog.open(tmp_path)
    assert set(log.finished) == {records.attempt(n).id for n in range(5)}
    asyncio.run(records.append(log, [records.attempt(n) for n in range(5, 9)]))
    head = log.close()
    assert [a.seed for a in read_attempts(tmp_path)] == list(range(9))
    assert RunReading(tmp_path).heads[0] == head


def test_a_torn_last_line_is_cut_off_and_nothing_else(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(n) for n in range(5)])
    file = tmp_path / LOG
    whole = file.read_bytes()
    file.write_bytes(whole + whole.splitlines(keepends=True)[0][:37])
    assert len(list(read_attempts(tmp_path))) == 5
    log = RunLog.open(tmp_path)
    assert log.recovered == 37
    log.close()
    assert file.read_bytes() == whole


@pytest.fixture(scope="module")
def written(records: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    records.write(directory, [records.attempt(n) for n in range(6)])
    return directory


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_truncation_leaves_every_complete_line(records: Any, written: Path, data: st.DataObject) -> None:
    whole = (written / LOG).read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        (copy / "manifest.json").write_bytes((written / "manifest.json").read_bytes())
        (copy / LOG).write_bytes(whole[:cut])
        complete = whole[:cut].count(b"\n")
        log = RunLog.open(copy)
        assert set(log.finished) == {records.attempt(n).id for n in range(complete)}
        asyncio.run(records.append(log, [records.attempt(n) for n in range(complete, 6)]))
        log.close()
        assert (copy / LOG).read_bytes() == whole


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_noticed_and_its_line_named(records: Any, written: Path, data: st.DataObject) -> None:
    whole = bytearray((written / LOG).read_bytes())
    place = data.draw(st.integers(0, len(whole) - 2))  # without the last line feed: that would be a torn line
    whole[place] ^= data.draw(st.integers(1, 255))
    line = bytes((written / LOG).read_bytes())[:place].count(b"\n") + 1
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        (copy / "manifest.json").write_bytes((written / "manifest.json").read_bytes())
        (copy / LOG).write_bytes(whole)
        with pytest.raises(IntegrityError, match=rf"attempts-0000.jsonl:{line}:"):
            list(read_attempts(copy))
        with pytest.raises(IntegrityError, match=rf":{line}:"):
            RunLog.open(copy)


@pytest.mark.parametrize("change", ["swap", "drop", "repeat"])
def test_lines_cannot_be_moved_dropped_or_repeated(records: Any, tmp_path: Path, change: str) -> None:
    records.write(tmp_path, [records.attempt(n) for n in range(5)])
    file = tmp_path / LOG
    lines = file.read_bytes().splitlines(keepends=True)
    changed = {
        "swap": [lines[0], lines[2], lines[1], *lines[3:]],
        "drop": [lines[0], *lines[2:]],
        "repeat": [*lines[:2], lines[1], *lines[2:]],
    }[change]
    file.write_bytes(b"".join(changed))
    line = 3 if change == "repeat" else 2
    with pytest.raises(IntegrityError, match=f":{line}:"):
        RunLog.open(tmp_path)


def test_a_changed_manifest_is_noticed(records: Any, tmp_path: Path) -> None:
    records.write(tmp_path, [records.attempt(1)])
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"seed":1', b'"seed":7'))
    with pytest.raises(IntegrityError, match=r"manifest\.json was changed"):
        list(read_attempts(tmp_path))


def fail_all(log: RunLog, attempts: list[Attempt]) -> list[BaseException | None]:
    async def go() -> list[BaseException | None]:
        return await asyncio.gather(*(log.append(seal(a, "synthetic")) for a in attempts), return_exceptions=True)

    return asyncio.run(go())


def test_a_file_size_limit_fails_every_waiter_and_keeps_what_was_acknowledged(records: Any, tmp_path: Path) -> None:
    log = new(records, tmp_path)
    asyncio.run(records.append(log, [records.attempt(n) for n in range(3)]))
    size = (tmp_path / LOG).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, hard))  # room for one line and a part of the next
    try:
        results = fail_all(log, [records.attempt(n) for n in range(3, 9)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert all(isinstance(result, StoreError) for result in results)
    # Poisoned: it stays failed though there is room again.
    assert isinstance(fail_all(log, [records.attempt(20)])[0], StoreError)
    with pytest.raises(StoreError):
        log.close()
    assert (tmp_path / LOG).stat().st_size == size
    log = RunLog.open(tmp_path)
    assert len(log.finished) == 3
    asyncio.run(records.append(log, [records.attempt(n) for n in range(3, 9)]))
    log.close()
    assert len(list(read_attempts(tmp_path))) == 9


def test_a_full_disk_fails_every_waiter(records: Any, tmp_path: Path) -> None:
    log = new(records, tmp_path)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._file)
    log._same = runlog._identity(full)
    os.close(full)
    results = fail_all(log, [records.attempt(n) for n in range(4)])
    assert all(isinstance(r, StoreError) and os.strerror(errno.ENOSPC) in str(r) for r in results)
    with pytest.raises(StoreError):
        log.close()


def test_a_failed_sync_takes_the_lines_back(records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = new(records, tmp_path)
    asyncio.run(records.append(log, [records.attempt(0)]))

    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(runlog, "_datasync", broken)
    assert all(isinstance(r, StoreError) for r in fail_all(log, [records.attempt(1), records.attempt(2)]))
    monkeypatch.undo()
    with pytest.raises(StoreError):
        log.close()
    assert [a.seed for a in read_attempts(tmp_path)] == [0]


def test_a_file_that_was_closed_under_it_is_neither_written_nor_closed_again(records: Any, tmp_path: Path) -> None:
    log = new(records, tmp_path)
    asyncio.run(records.append(log, [records.attempt(0)]))
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    os.dup2(other, log._file)  # foreign code closed every file, and opened one of its own
    (result,) = fail_all(log, [records.attempt(1)])
    assert os.strerror(errno.EBADF) in str(result)
    with pytest.raises(StoreError):
        log.close()
    assert ((tmp_path / "other").read_bytes(), os.fstat(log._file).st_ino) == (b"", os.fstat(other).st_ino)
    os.close(log._file)
    os.close(other)
    assert [a.seed for a in read_attempts(tmp_path)] == [0]


def test_where_locks_are_not_shared_the_second_writer_is_noticed(
    records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = new(records, tmp_path)
    asyncio.run(records.append(here, [records.attempt(0)]))
    monkeypatch.setattr("fcntl.flock", lambda *_: None)  # as on another machine, over a folder without shared locks
    there = RunLog.open(tmp_path)
    asyncio.run(records.append(there, [records.attempt(1)]))
    (result,) = fail_all(here, [records.attempt(2)])
    assert isinstance(result, StoreError)
    assert "another process, perhaps on another machine" in str(result)
    with pytest.raises(StoreError, match="another machine"):
        here.close()
    asyncio.run(records.append(there, [records.attempt(3)]))
    there.close()
    assert [a.seed for a in read_attempts(tmp_path)] == [0, 1, 3]


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOLCK, StoreError), (errno.EWOULDBLOCK, UsageError)])
def test_a_folder_without_locks_is_not_another_writer(
    records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    declare_run(tmp_path, records.manifest)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(kind, match="No locks" if kind is StoreError else "another process"):
        RunLog.open(tmp_path)


def test_waiters_share_a_sync(records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = []
    real = runlog._datasync
    monkeypatch.setattr(runlog, "_datasync", lambda file: (syncs.append(file), real(file)))
    records.write(tmp_path, [records.attempt(n) for n in range(200)])
    assert len(syncs) <= 3


def test_a_cancelled_append_harms_no_other(records: Any, tmp_path: Path) -> None:
    async def go(log: RunLog) -> None:
        tasks = [asyncio.create_task(log.append(seal(records.attempt(n), "synthetic"))) for n in range(6)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [t.cancelled() for t in tasks] == [False, False, True, False, False, False]

    log = new(records, tmp_path)
    asyncio.run(go(log))
    log.close()
    assert len(list(read_attempts(tmp_path))) == 6


def test_close_writes_what_still_waits(records: Any, tmp_path: Path) -> None:
    async def go(log: RunLog) -> None:
        tasks = [asyncio.create_task(log.append(seal(records.attempt(n), "synthetic"))) for n in range(6)]
        await asyncio.sleep(0)
        log.close()
        await asyncio.gather(*tasks)

    asyncio.run(go(new(records, tmp_path)))
    assert len(list(read_attempts(tmp_path))) == 6


def test_shards_are_written_side_by_side(records: Any, tmp_path: Path) -> None:
    declare_run(tmp_path, replace(records.manifest, shards=3))
    logs = [RunLog.open(tmp_path, shard) for shard in (2, 0, 1)]
    with pytest.raises(UsageError, match="another process is writing shard 2"):
        RunLog.open(tmp_path, 2)

    async def go() -> None:
        await asyncio.gather(
            *(records.append(log, [records.attempt(10 * log.shard + n) for n in range(4)]) for log in logs)
        )

    asyncio.run(go())
    heads = {log.shard: log.close() for log in logs}
    reading = RunReading(tmp_path)
    assert [row.seed for row in reading] == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    assert reading.heads == tuple(heads[shard] for shard in range(3))
    again = RunLog.open(tmp_path, 1)
    assert (len(again.finished), again.head) == (4, heads[1])
    again.close()


@pytest.mark.parametrize("shard", [-1, 3, 99])
def test_a_shard_that_the_run_has_not_is_refused(records: Any, tmp_path: Path, shard: int) -> None:
    declare_run(tmp_path, replace(records.manifest, shards=3))
    with pytest.raises(UsageError, match=f"has no shard {shard}: it has 3, counted from 0"):
        RunLog.open(tmp_path, shard)


def test_one_shards_log_is_not_anothers(records: Any, tmp_path: Path) -> None:
    records.deal(tmp_path, [records.attempt(n) for n in range(6)], 2)
    first, second = (tmp_path / f"attempts-000{n}.jsonl" for n in (0, 1))
    first.rename(tmp_path / "kept")
    second.rename(first)
    (tmp_path / "kept").rename(second)
    with pytest.raises(IntegrityError, match=r"attempts-0000\.jsonl:1:"):
        RunLog.open(tmp_path, 0)


WRITER = """
    import asyncio, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from conftest import MANIFEST, Records, seal
    from shipworthy.store.declare import declare_run
    from shipworthy.store.runlog import RunLog

    async def main(directory):
        if not (directory / "manifest.json").exists():
            declare_run(directory, MANIFEST)
        log, attempt = RunLog.open(directory), Records.attempt
        todo = iter([n for n in range(100000) if attempt(n).id not in log.finished])
        async def worker():
            for n in todo:
                await log.append(seal(attempt(n, "x" * (n % 3000)), "synthetic"))
                sys.stdout.write(f"{{n}}\\n")
                sys.stdout.flush()
        await asyncio.gather(*(worker() for _ in range(20)))
    asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    code = textwrap.dedent(WRITER.format(tests=str(Path(__file__).parent)))
    acknowledged: set[int] = set()
    for round in range(6):
        command = [sys.executable, "-c", code, str(tmp_path / "run")]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it is up and has written
        assert first, "the writer died by itself"
        time.sleep(0.003 + 0.021 * ((round * 7) % 6))
        writer.send_signal(signal.SIGKILL)
        # A last number without a line feed is cut short by the kill.
        said = first + writer.stdout.read()
        acknowledged |= {int(number) for number in said.split("\n")[:-1]}
        writer.wait()
        there = [a.seed for a in read_attempts(tmp_path / "run")]
        assert len(there) == len(set(there))
        assert acknowledged <= set(there)
    log = RunLog.open(tmp_path / "run")
    assert len(log.finished) >= len(acknowledged) >= 6
    log.close()


def test_a_written_batch_is_let_go_without_the_collector(records: Any, tmp_path: Path) -> None:
    async def some(log: RunLog) -> None:
        await asyncio.gather(*(log.append(seal(records.attempt(n), "synthetic", ())) for n in range(20)))

    log = new(records, tmp_path)
    before = gc.get_debug()
    gc.collect()
    gc.disable()
    try:
        gc.set_debug(gc.DEBUG_SAVEALL)
        asyncio.run(some(log))
        gc.collect()
        waiters = [some for some in gc.garbage if type(some) is asyncio.Future]
        assert not waiters
    finally:
        gc.set_debug(before)
        gc.garbage.clear()
        gc.enable()
        log.close()


def test_whoever_keeps_heads_is_told_of_each_durable_batch_before_anybody_else(records: Any, tmp_path: Path) -> None:
    log = new(records, tmp_path)
    told: list[tuple[bytes, int, int]] = []
    log.durable = lambda head, lines: told.append((head, lines, len(list(read_attempts(tmp_path)))))
    for n in range(3):
        asyncio.run(records.append(log, [records.attempt(n)]))
        assert told[-1] == (bytes.fromhex(log.head.removeprefix("sha256:")), n + 1, n + 1)
    assert (log.records, log.close()) == (3, log.head)


def test_a_head_that_cannot_be_kept_ends_the_log_and_loses_no_line(records: Any, tmp_path: Path) -> None:
    log = new(records, tmp_path)

    def refuse(head: bytes, lines: int) -> None:
        raise StoreError("the control state cannot be written")

    log.durable = refuse
    (failed,) = fail_all(log, [records.attempt(0)])
    assert isinstance(failed, StoreError)
    assert "the control state cannot be written; the run stopped" in str(failed)
    assert isinstance(fail_all(log, [records.attempt(1)])[0], StoreError)
    with pytest.raises(StoreError):
        log.close()
    assert [attempt.id for attempt in read_attempts(tmp_path)] == [records.attempt(0).id]
    RunLog.open(tmp_path).close()


@pytest.mark.parametrize("left", [0, 1, 2, 4])
def test_a_log_without_a_head_it_is_known_for_is_not_opened_nor_changed(
    records: Any, tmp_path: Path, left: int
) -> None:
    log = new(records, tmp_path)
    heads = {log.head: KnownHead(2, 0)}
    for n in range(3):
        asyncio.run(records.append(log, [records.attempt(n)]))
        heads[log.head] = KnownHead(3 + n, n + 1)
    asyncio.run(records.append(log, [records.attempt(3)]))  # longer than any head says: a kill came first
    log.close()
    file = tmp_path / LOG
    kept = b"".join(file.read_bytes().splitlines(keepends=True)[:left]) + b'{"torn'
    file.write_bytes(kept)
    if left == 4:
        RunLog.open(tmp_path, known=heads).close()
        return
    with pytest.raises(IntegrityError, match=rf"entry 5 of the audit log .* with 3 records .*\(it has {left}\)"):
        RunLog.open(tmp_path, known=heads)
    assert file.read_bytes() == kept
