"""A disk that is slow, fails or is full: what was acknowledged stays, the run says so, and can be gone on with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipworthy.evals.results import Run

pytestmark = pytest.mark.slow

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int calls;
static int fails(int fd) {
  char place[64], path[4096];
  char *only = getenv("FAULT_IN"), *slow = getenv("FAULT_SLOW_MS"), *after = getenv("FAULT_AFTER");
  snprintf(place, sizeof place, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(place, path, sizeof path - 1);
  if (!only || length < 0) return 0;
  path[length] = 0;
  if (!strstr(path, only)) return 0;
  if (slow) usleep(1000 * atoi(slow));
  if (after && __sync_add_and_fetch(&calls, 1) > atoi(after)) { errno = EIO; return 1; }
  return 0;
}
int fdatasync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return fails(fd) ? -1 : real(fd);
}
int fsync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return fails(fd) ? -1 : real(fd);
}
"""
SAMPLES = 40


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or not compiler:
        pytest.skip("a layer of faults needs Linux and a C compiler")
    folder = tmp_path_factory.mktemp("shim")
    (folder / "fault.c").write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "fault.so", folder / "fault.c", "-ldl"], check=True)
    return str(folder / "fault.so")


def make(root: Path, words: int = 1) -> Path:
    (root / "suites" / "many").mkdir(parents=True)
    target = json.dumps({"use": "python", "call": "steady:answer"})
    system = "{id: SYS-steady, title: Steady, owner: Ops, tier: low, purpose: Answers.}"
    (root / "system.yaml").write_text(f"system: {system}\ntargets: {{default: {target}}}\n")
    (root / "suites/many/suite.yaml").write_text(
        'id: many\nversion: "1"\ntitle: Many\ncontent: synthetic\nmetric: not_refused\n'
        "scorers: [{use: contains, text: never, good: low, metric: not_refused}]\n"
    )
    (root / "suites/many/card.md").write_text("# Many\n\nQuestions.\n")
    samples = [{"id": f"M-{i}", "messages": [{"role": "user", "content": f"q{i}"}]} for i in range(SAMPLES)]
    (root / "suites/many/samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
    (root / "steady.py").write_text(
        f"import time\ndef answer(text):\n    time.sleep(0.02)\n    return text + ' word' * {words}\n"
    )
    return root


def evaluate(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shipworthy", "eval", "-C", str(root), "--allow-code", "--concurrency", "2"]
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [*command, *arguments], env=kept | environment, capture_output=True, text=True, timeout=200, check=False
    )


def read(root: Path) -> Run:
    (manifest,) = (root / ".shipworthy" / "runs").glob("*/manifest.json")
    return Run.load(manifest.parent)


def goes_on(root: Path, done: subprocess.CompletedProcess[str]) -> None:
    """A run that stopped said how to go on, kept what it had, and is whole once it has gone on."""
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    run = read(root)
    assert f"Go on:    shipworthy eval -C {root} --resume {run.id} " in done.stdout + done.stderr
    before = {attempt.id: attempt for attempt in run.attempts()}
    assert 0 < len(before) < SAMPLES
    done = evaluate(root, "--resume", run.id)
    assert done.returncode == 0, done.stderr
    after = {attempt.id: attempt for attempt in read(root).attempts()}
    assert before.items() <= after.items()
    assert (len(after), read(root).complete, read(root).errors) == (SAMPLES, True, 0)


def test_a_disk_that_fails_to_sync_stops_the_run_and_loses_nothing(shim, tmp_path):
    root = make(tmp_path / "workspace")
    done = evaluate(root, LD_PRELOAD=shim, FAULT_IN="attempts-", FAULT_AFTER="6")
    assert "could not be written (Input/output error)" in done.stderr
    goes_on(root, done)


def test_a_disk_that_takes_its_time_only_takes_longer(shim, tmp_path):
    root = make(tmp_path / "workspace")
    began = time.monotonic()
    done = evaluate(root, LD_PRELOAD=shim, FAULT_IN="attempts-", FAULT_SLOW_MS="200")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began > 0.2
    assert (len(read(root)), read(root).complete) == (SAMPLES, True)


@pytest.mark.parametrize("what", ["manifest.json", "control.sqlite", "/.shipworthy"])
def test_where_a_run_cannot_be_declared_no_run_counts(shim, tmp_path, what):
    root = make(tmp_path / "workspace")
    done = evaluate(root, LD_PRELOAD=shim, FAULT_IN=what, FAULT_AFTER="0")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert evaluate(root).returncode == 0


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1200k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("a small disk of its own needs the right to mount one")
    try:
        root = make(place / "workspace", words=10_000)  # 50 KB an answer: the disk holds half of them
        done = evaluate(root, "--no-cache")
        assert "No space left on device" in done.stderr
        subprocess.run(["mount", "-o", "remount,size=40m", str(place)], check=True)
        goes_on(root, done)
    finally:
        subprocess.run(["umount", str(place)], check=True)
