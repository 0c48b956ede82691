"""The run log: what was acknowledged is there, and what was changed is noticed."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.records import Attempt, Message, RunManifest, Score, SuiteUse, Text, say
from shipworthy.detect.redact import seal
from shipworthy.store import runlog
from shipworthy.store.runlog import RunLog, read_attempts, read_manifest

MANIFEST = RunManifest(
    id="RUN-20261123T180000-ab12",
    created="2026-11-23T18:00:00Z",
    system="SYS-x",
    plan="full",
    plan_digest="sha256:0",
    spec_digest="sha256:1",
    subject_digest="sha256:2",
    subject={"target": "replay"},
    suites=(
        SuiteUse(
            id="s", version="1.0", digest="sha256:3", content="synthetic", samples=9, attempts=1, max_error_rate=0.1
        ),
    ),
    planned=9,
    seed=1,
)


def attempt(n: int, text: str = "answer") -> Attempt:
    return Attempt(
        id=f"AT-{n:016x}",
        suite="s",
        sample=f"sample-{n}",
        attack="none",
        number=1,
        cluster=f"sample-{n}",
        seed=n,
        content_hash=f"sha256:{n:064x}",
        outcome="scored",
        scores=(Score(metric="attack_success", hit=n % 3 == 0, scorer="refusal", confidence=0.75),),
        messages=(say("user", f"question {n}\nline two"), say("assistant", text)),
        started=1000.0 + n,
        seconds=0.5,
        guard_seconds=0.01,
        calls=1,
        cached_calls=n % 2,
    )


async def append_all(log: RunLog, attempts: list[Attempt]) -> None:
    await asyncio.gather(*(log.append(seal(a, "synthetic")) for a in attempts))


def write(directory: Path, attempts: list[Attempt]) -> str:
    log = RunLog.create(directory, MANIFEST)
    asyncio.run(append_all(log, attempts))
    return log.close()


def test_attempts_come_back_as_they_were_with_their_timings(tmp_path: Path) -> None:
    written = [attempt(n, 'é "quoted" ,"attempt": \u2028') for n in range(20)]
    head = write(tmp_path / "deep" / "run", written)
    assert list(read_attempts(tmp_path / "deep" / "run")) == written
    assert read_manifest(tmp_path / "deep" / "run") == MANIFEST
    assert runlog.head(tmp_path / "deep" / "run") == head


def test_an_empty_log_has_a_head_that_names_its_manifest(tmp_path: Path) -> None:
    one = write(tmp_path / "one", [])
    log = RunLog.create(tmp_path / "two", replace(MANIFEST, seed=2))
    assert log.close() != one
    assert list(read_attempts(tmp_path / "one")) == []


def test_a_second_create_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [attempt(1)])
    with pytest.raises(UsageError, match="already holds a run"):
        RunLog.create(tmp_path, MANIFEST)
    assert len(list(read_attempts(tmp_path))) == 1


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    log = RunLog.create(tmp_path, MANIFEST)
    with pytest.raises(UsageError, match="another process"):
        RunLog.resume(tmp_path)
    log.close()
    RunLog.resume(tmp_path).close()


def test_no_run_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        RunLog.resume(tmp_path)
    with pytest.raises(UsageError, match="there is no run"):
        list(read_attempts(tmp_path))


def test_a_missing_log_beside_a_manifest_is_not_an_empty_run(tmp_path: Path) -> None:
    write(tmp_path, [attempt(1)])
    (tmp_path / runlog.ATTEMPTS).unlink()
    with pytest.raises(IntegrityError, match="missing"):
        list(read_attempts(tmp_path))


def test_only_a_redacted_is_taken(tmp_path: Path) -> None:
    log = RunLog.create(tmp_path, MANIFEST)
    with pytest.raises(TypeError, match="Redacted"):
        asyncio.run(log.append(attempt(1)))  # type: ignore[arg-type]
    log.close()


def test_an_attempt_is_appended_once(tmp_path: Path) -> None:
    async def twice(log: RunLog) -> None:
        await log.append(seal(attempt(1), "synthetic"))
        with pytest.raises(IntegrityError, match="already"):
            await log.append(seal(attempt(1), "synthetic"))

    log = RunLog.create(tmp_path, MANIFEST)
    asyncio.run(twice(log))
    log.close()
    log = RunLog.resume(tmp_path)
    with pytest.raises(IntegrityError, match="already"):
        asyncio.run(log.append(seal(attempt(1), "synthetic")))
    log.close()


def test_resume_goes_on_where_the_log_ended(tmp_path: Path) -> None:
    write(tmp_path, [attempt(n) for n in range(5)])
    log = RunLog.resume(tmp_path)
    assert log.finished == {attempt(n).id for n in range(5)}
    asyncio.run(append_all(log, [attempt(n) for n in range(5, 9)]))
    head = log.close()
    assert [a.seed for a in read_attempts(tmp_path)] == list(range(9))
    assert runlog.head(tmp_path) == head


def test_a_torn_last_line_is_cut_off_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, [attempt(n) for n in range(5)])
    file = tmp_path / runlog.ATTEMPTS
    whole = file.read_bytes()
    file.write_bytes(whole + whole.splitlines(keepends=True)[0][:37])
    assert len(list(read_attempts(tmp_path))) == 5
    log = RunLog.resume(tmp_path)
    assert log.recovered == 37
    log.close()
    assert file.read_bytes() == whole


def test_half_a_surrogate_in_an_answer_does_not_end_the_run(tmp_path: Path) -> None:
    strange = replace(attempt(1), messages=(Message("assistant", (Text("a\ud800b \ud83d\ude00"),)),))
    write(tmp_path, [strange])
    assert next(read_attempts(tmp_path)).answer == "a\ufffdb \U0001f600"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    write(directory, [attempt(n) for n in range(6)])
    return directory


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_truncation_leaves_every_complete_line(written: Path, data: st.DataObject) -> None:
    whole = (written / runlog.ATTEMPTS).read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        (copy / runlog.MANIFEST).write_bytes((written / runlog.MANIFEST).read_bytes())
        (copy / runlog.ATTEMPTS).write_bytes(whole[:cut])
        complete = whole[:cut].count(b"\n")
        log = RunLog.resume(copy)
        assert log.finished == {attempt(n).id for n in range(complete)}
        asyncio.run(append_all(log, [attempt(n) for n in range(complete, 6)]))
        log.close()
        assert (copy / runlog.ATTEMPTS).read_bytes() == whole


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_noticed_and_its_line_named(written: Path, data: st.DataObject) -> None:
    whole = bytearray((written / runlog.ATTEMPTS).read_bytes())
    place = data.draw(st.integers(0, len(whole) - 2))  # without the last line feed: that would be a torn line
    whole[place] ^= data.draw(st.integers(1, 255))
    line = bytes((written / runlog.ATTEMPTS).read_bytes())[:place].count(b"\n") + 1
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        (copy / runlog.MANIFEST).write_bytes((written / runlog.MANIFEST).read_bytes())
        (copy / runlog.ATTEMPTS).write_bytes(whole)
        with pytest.raises(IntegrityError, match=rf"attempts-0000.jsonl:{line}:"):
            list(read_attempts(copy))
        with pytest.raises(IntegrityError, match=rf":{line}:"):
            RunLog.resume(copy)


@pytest.mark.parametrize("change", ["swap", "drop", "repeat"])
def test_lines_cannot_be_moved_dropped_or_repeated(tmp_path: Path, change: str) -> None:
    write(tmp_path, [attempt(n) for n in range(5)])
    file = tmp_path / runlog.ATTEMPTS
    lines = file.read_bytes().splitlines(keepends=True)
    changed = {
        "swap": [lines[0], lines[2], lines[1], *lines[3:]],
        "drop": [lines[0], *lines[2:]],
        "repeat": [*lines[:2], lines[1], *lines[2:]],
    }[change]
    file.write_bytes(b"".join(changed))
    line = 3 if change == "repeat" else 2
    with pytest.raises(IntegrityError, match=f":{line}:"):
        RunLog.resume(tmp_path)


def test_a_changed_manifest_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, [attempt(1)])
    manifest = tmp_path / runlog.MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b'"seed":1', b'"seed":7'))
    with pytest.raises(IntegrityError, match=r"manifest\.json was changed"):
        list(read_attempts(tmp_path))


def test_the_merkle_root_knows_no_order_and_no_clock(tmp_path: Path) -> None:
    attempts = [attempt(n) for n in range(7)]
    later = [replace(a, started=9e9, seconds=3.0, guard_seconds=0.0, cached_calls=0) for a in reversed(attempts)]
    write(tmp_path / "a", attempts)
    write(tmp_path / "b", later)
    assert runlog.merkle(tmp_path / "a") == runlog.merkle(tmp_path / "b")
    assert runlog.head(tmp_path / "a") != runlog.head(tmp_path / "b")
    write(tmp_path / "c", [*attempts[:-1], attempt(6, "another answer")])
    assert runlog.merkle(tmp_path / "c") != runlog.merkle(tmp_path / "a")


def fail_all(log: RunLog, attempts: list[Attempt]) -> list[BaseException | None]:
    async def go() -> list[BaseException | None]:
        return await asyncio.gather(*(log.append(seal(a, "synthetic")) for a in attempts), return_exceptions=True)

    return asyncio.run(go())


def test_a_file_size_limit_fails_every_waiter_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    log = RunLog.create(tmp_path, MANIFEST)
    asyncio.run(append_all(log, [attempt(n) for n in range(3)]))
    size = (tmp_path / runlog.ATTEMPTS).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, hard))  # room for one line and a part of the next
    try:
        results = fail_all(log, [attempt(n) for n in range(3, 9)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert all(isinstance(result, StoreError) for result in results)
    # Poisoned: it stays failed though there is room again.
    assert isinstance(fail_all(log, [attempt(20)])[0], StoreError)
    with pytest.raises(StoreError):
        log.close()
    assert (tmp_path / runlog.ATTEMPTS).stat().st_size == size
    log = RunLog.resume(tmp_path)
    assert len(log.finished) == 3
    asyncio.run(append_all(log, [attempt(n) for n in range(3, 9)]))
    log.close()
    assert len(list(read_attempts(tmp_path))) == 9


def test_a_full_disk_fails_every_waiter(tmp_path: Path) -> None:
    log = RunLog.create(tmp_path, MANIFEST)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._file)
    os.close(full)
    results = fail_all(log, [attempt(n) for n in range(4)])
    assert all(isinstance(r, StoreError) and os.strerror(errno.ENOSPC) in str(r) for r in results)
    with pytest.raises(StoreError):
        log.close()


def test_a_failed_sync_takes_the_lines_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog.create(tmp_path, MANIFEST)
    asyncio.run(append_all(log, [attempt(0)]))

    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(runlog, "_datasync", broken)
    assert all(isinstance(r, StoreError) for r in fail_all(log, [attempt(1), attempt(2)]))
    monkeypatch.undo()
    with pytest.raises(StoreError):
        log.close()
    assert [a.seed for a in read_attempts(tmp_path)] == [0]


def test_waiters_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = []
    real = runlog._datasync
    monkeypatch.setattr(runlog, "_datasync", lambda file: (syncs.append(file), real(file)))
    write(tmp_path, [attempt(n) for n in range(200)])
    assert len(syncs) <= 3


def test_a_cancelled_append_harms_no_other(tmp_path: Path) -> None:
    async def go(log: RunLog) -> None:
        tasks = [asyncio.create_task(log.append(seal(attempt(n), "synthetic"))) for n in range(6)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [t.cancelled() for t in tasks] == [False, False, True, False, False, False]

    log = RunLog.create(tmp_path, MANIFEST)
    asyncio.run(go(log))
    log.close()
    assert len(list(read_attempts(tmp_path))) == 6


def test_close_writes_what_still_waits(tmp_path: Path) -> None:
    async def go(log: RunLog) -> None:
        tasks = [asyncio.create_task(log.append(seal(attempt(n), "synthetic"))) for n in range(6)]
        await asyncio.sleep(0)
        log.close()
        await asyncio.gather(*tasks)

    asyncio.run(go(RunLog.create(tmp_path, MANIFEST)))
    assert len(list(read_attempts(tmp_path))) == 6


WRITER = """
    import asyncio, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_runlog import MANIFEST, attempt, seal
    from shipworthy.store.runlog import RunLog, MANIFEST as NAME

    async def main(directory):
        log = RunLog.resume(directory) if (directory / NAME).exists() else RunLog.create(directory, MANIFEST)
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
    log = RunLog.resume(tmp_path / "run")
    assert len(log.finished) >= len(acknowledged) >= 6
    log.close()


def test_a_log_that_cannot_be_read_is_damage_and_no_crash(tmp_path: Path) -> None:
    RunLog.create(tmp_path / "run", MANIFEST).close()
    log = tmp_path / "run" / "attempts-0000.jsonl"
    log.unlink()
    log.mkdir()
    with pytest.raises(IntegrityError, match="cannot be read: Is a directory"):
        list(read_attempts(tmp_path / "run"))
