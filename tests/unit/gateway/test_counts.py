"""Numbers of several workers in files: a reader sees all of them, and a sum never goes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from shipworthy.core.errors import StoreError
from shipworthy.gateway import counts
from shipworthy.gateway.counts import CountFile, read

COUNT = """
import sys, pathlib, time
from shipworthy.gateway.counts import CountFile
mine = CountFile(pathlib.Path(sys.argv[1]), "run")
for n in range(int(sys.argv[2])):
    mine.add(("a_total", str(n % 7)))
mine.set(("gauge",), 5)
print("done", flush=True)
time.sleep(600)
"""


def worker(folder, number):
    command = [sys.executable, "-c", COUNT, str(folder), str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def sums(folder):
    found = read(folder, "run")
    return sum(v for one in found for key, v in one.values.items() if key[0] == "a_total"), found


def test_all_workers_are_seen_and_a_killed_ones_numbers_stay(tmp_path) -> None:
    workers = [worker(tmp_path, 7_000), worker(tmp_path, 300)]
    try:
        assert [w.stdout.readline() for w in workers] == ["done\n"] * 2
        number, found = sums(tmp_path)
        assert (number, [one.alive for one in found]) == (7_300, [True, True])
        os.kill(workers[0].pid, signal.SIGKILL)
        workers[0].wait()
        number, found = sums(tmp_path)
        assert (number, sorted(one.alive for one in found)) == (7_300, [False, True])
        # The one that is started in its place counts on in its file.
        mine = CountFile(tmp_path, "run")
        mine.add(("a_total", "0"))
        mine.add(("a_total", "new"), 2.5)
        number, found = sums(tmp_path)
        assert (number, len(found), [one.alive for one in found]) == (7_303.5, 2, [True, True])
        mine.close()
    finally:
        for one in workers:
            one.kill()
            one.wait()


def test_another_gateways_files_go_once_their_workers_are_dead(tmp_path) -> None:
    living = CountFile(tmp_path, "other")
    CountFile(tmp_path, "gone").close()
    mine = CountFile(tmp_path, "run")
    assert {path.name for path in tmp_path.iterdir()} == {"other-0.counts", "run-0.counts"}
    assert read(tmp_path, "run") == [({}, True)]
    living.close()
    mine.close()


def test_what_there_is_no_room_for_is_counted_and_hurts_nobody(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(counts, "SLOTS", 3)
    mine = CountFile(tmp_path, "run")
    for name in "abcde":
        mine.add((name,))
        mine.set((name,), 2)
    assert mine.dropped == 4
    assert mine._slots.keys() == {("a",), ("b",), ("c",)}
    mine.close()


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * counts._SIZE, b"\x7f" * counts._SIZE], ids=range(4))
def test_a_damaged_file_counts_nothing_and_is_begun_anew(tmp_path, damage) -> None:
    (tmp_path / "run-0.counts").write_bytes(damage)
    assert [one.values for one in read(tmp_path, "run")] == [{}]
    mine = CountFile(tmp_path, "run")
    mine.add(("a",))
    assert read(tmp_path, "run")[0].values == {("a",): 1.0}
    mine.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot keep counts"):
        CountFile(tmp_path / "file", "run")
