"""kill -9 a run at random instants, again and again: no finished attempt is lost, and none is made twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from shipworthy.core.records import Attempt
from shipworthy.evals.results import Run
from shipworthy.store.layout import Layout
from shipworthy.store.reading import read_attempts

SYSTEM = """
system: {id: SYS-slow, title: Slow, owner: Ops, tier: low, purpose: Takes its time.}
targets: {default: {use: counting}}
"""
SUITE = """
id: many
version: "1"
title: Many
content: synthetic
metric: not_refused
scorers: [says_even]
attempts: 3
"""
COUNTING = """
import asyncio, os
from pathlib import Path
from shipworthy.core.records import answer
from shipworthy.core.registry import target

CALLS = Path(os.environ["CALLS"])

class Counting:
    concurrency = 8
    def describe(self):
        return {"target": "counting"}
    async def send(self, request):
        name = f"{request.messages[-1].text} {request.seed}"
        with CALLS.open("a") as file:  # O_APPEND: one line a call, whoever dies in between
            file.write(name + "\\n")
        await asyncio.sleep(float(os.environ.get("PAUSE", "0.004")) * (1 + request.seed % 3))
        return answer(f"answer {request.seed}")
    async def close(self):
        pass

@target
def counting():
    return Counting()
"""
SCORER = """
from shipworthy.core.records import Metric, Score
from shipworthy.core.registry import scorer

class SaysEven:
    metrics = (Metric("not_refused"),)
    def describe(self):
        return {"scorer": "says_even", "version": 1}
    async def score(self, attempt, sample, ctx):
        return (Score(metric="not_refused", hit=attempt.answer[-1] in "02468", scorer="says_even"),)

@scorer
def says_even():
    return SaysEven()
"""
SAMPLES = 60
PLANNED = SAMPLES * 3


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for folder in ("suites/many", "plugins"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "system.yaml").write_text(SYSTEM)
    (tmp_path / "suites" / "many" / "suite.yaml").write_text(SUITE)
    (tmp_path / "suites" / "many" / "card.md").write_text("# Many\\n\\nSixty questions.\\n")
    lines = [{"id": f"M-{i}", "messages": [{"role": "user", "content": f"q{i}"}]} for i in range(SAMPLES)]
    (tmp_path / "suites" / "many" / "samples.jsonl").write_bytes(
        b"".join(msgspec.json.encode(x) + b"\n" for x in lines)
    )
    (tmp_path / "plugins" / "counting.py").write_text(textwrap.dedent(COUNTING))
    (tmp_path / "plugins" / "says_even.py").write_text(textwrap.dedent(SCORER))
    return tmp_path


def start(workspace: Path, *arguments: str, pause: float = 0.004) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "shipworthy", "eval", "-C", str(workspace), "--allow-code", *arguments]
    environment = os.environ | {"CALLS": str(workspace / "calls.txt"), "PAUSE": str(pause)}
    # A shell's background job, such as a CI step, is begun with Ctrl-C ignored, and passes that on.
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def calls(workspace: Path) -> Counter[str]:
    path = workspace / "calls.txt"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def call_name(attempt: Attempt) -> str:
    from random import Random

    return f"{attempt.messages[0].text} {Random(attempt.seed).getrandbits(31)}"


def run_directory(workspace: Path) -> Path | None:
    found = sorted((workspace / ".shipworthy" / "runs").glob("*/manifest.json"))
    return found[-1].parent if found else None


def log_size(workspace: Path) -> int:
    directory = run_directory(workspace)
    try:
        return (directory / "attempts-0000.jsonl").stat().st_size if directory else 0
    except FileNotFoundError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
def test_killed_again_and_again_at_random(workspace, cache):
    dice = random.Random(20261123 + cache)
    flags = () if cache else ("--no-cache",)
    durable: dict[str, Attempt] = {}
    kills = 0
    for _ in range(40):
        resume = ("--resume", "latest") if run_directory(workspace) else ()
        before = log_size(workspace)
        process = start(workspace, *resume, *flags)
        # Let it work, then kill it at an instant of its own; starting up is not what is tested.
        waited = time.monotonic()
        while log_size(workspace) == before and process.poll() is None and time.monotonic() - waited < 60:
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.06))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        out, err = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), (out + err).decode()

        now = {a.id: a for a in read_attempts(run_directory(workspace))}
        assert durable.items() <= now.items(), "a finished attempt was lost or changed"
        durable = now
        if process.returncode == 0:
            break
    assert kills >= 3
    run = Run.load(run_directory(workspace))
    assert run.complete
    assert (len(run), run.errors) == (PLANNED, 0)
    # Each attempt has one seed, so one request: a finished one asked again would show as two calls after its record.
    asked = calls(workspace)
    assert {call_name(a) for a in durable.values()} == set(asked)
    in_flight = 8 + 64  # what could be on its way, or waiting for the disk, at each kill
    assert asked.total() - PLANNED <= kills * in_flight


@pytest.mark.slow
def test_what_is_durable_is_never_asked_again(workspace):
    dice = random.Random(7)
    for _ in range(30):
        resume = ("--resume", "latest") if run_directory(workspace) else ()
        finished = {call_name(a) for a in read_attempts(run_directory(workspace))} if resume else set()
        asked = calls(workspace)
        process = start(workspace, *resume, "--no-cache")
        waited, before = time.monotonic(), log_size(workspace)
        while log_size(workspace) == before and process.poll() is None and time.monotonic() - waited < 60:
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.1))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not finished & set(calls(workspace) - asked), "a finished attempt was made again"
        if process.returncode == 0:
            break
    assert Run.load(run_directory(workspace)).complete


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(workspace):
    process = start(workspace, pause=0.05)
    waited = time.monotonic()
    while log_size(workspace) < 2000 and time.monotonic() - waited < 60:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err.decode()
    run = Run.load(run_directory(workspace))
    assert 0 < len(run) < PLANNED
    assert f"--resume {run.id} --allow-code" in out.decode()
    assert b"Traceback" not in err
    asked = calls(workspace)
    process = start(workspace, "--resume", "latest", pause=0)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    assert Run.load(run_directory(workspace)).complete
    finished = {call_name(a) for a in Run.load(run_directory(workspace)).attempts()}
    assert finished == set(calls(workspace))
    assert calls(workspace).total() - PLANNED <= 8  # only what Ctrl-C found on its way
    assert asked


GATE = """
risks:
  - {id: RK-even, title: It says even numbers, severity: S3}
requirements:
  - id: RQ-odd
    text: It says odd numbers.
    mitigates: [RK-even]
    criteria:
      - {id: CR-even, suite: many, metric: not_refused, must: upper95 <= 0.30}
      - {id: CR-half, suite: many, metric: not_refused, must: upper95 <= 0.75}
"""


@pytest.mark.slow
def test_four_shards_in_any_order_killed_and_resumed_are_the_run_of_one_process(
    workspace, tmp_path_factory, monkeypatch
):
    """The same records, the same evidence digest and the same decision, whoever made which part, and however often."""
    from shipworthy.release.decide import decide
    from shipworthy.store.reading import RunReading
    from shipworthy.workspace.load import Workspace

    (workspace / "gate.yaml").write_text(GATE)
    alone = tmp_path_factory.mktemp("alone") / "workspace"
    shutil.copytree(workspace, alone)
    out, err = start(alone).communicate(timeout=120)
    one = Run.load(run_directory(alone))
    assert one.complete, (out + err).decode()

    dice, kills = random.Random(4), 0
    waiting = ["3/4", "1/4", "4/4", "2/4"]
    while waiting:
        processes = [(shard, start(workspace, "--shard", shard, "--no-cache", pause=0.02)) for shard in waiting]
        time.sleep(dice.uniform(1.0, 2.0))
        for _, process in dice.sample(processes, k=len(processes) // 2):
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
        ended = [(shard, process.communicate(timeout=120), process.returncode) for shard, process in processes]
        assert {code for *_, code in ended} <= {0, -signal.SIGKILL}, ended
        waiting = [shard for shard, _, code in ended if code]
        # What is left is begun again by whoever comes first.
        dice.shuffle(waiting)
    assert kills >= 2
    # A process that was killed while it declared a run leaves a folder without a manifest: that is no run.
    (name,) = Layout(workspace).run_ids()
    directory = Layout(workspace).run_directory(name)
    four = Run.load(directory)
    assert (four.complete, four.manifest.shards, len(list(directory.glob("attempts-*.jsonl")))) == (True, 4, 4)
    assert RunReading(directory).merkle == RunReading(one.directory).merkle
    assert RunReading(directory).head != RunReading(one.directory).head

    monkeypatch.setenv("CALLS", str(workspace / "calls.txt"))  # the target reads it where it is loaded

    def verdicts(root: Path, run: Run) -> list[tuple[object, ...]]:
        found = decide(Workspace.load(root, allow_code=True), run)
        return [(found.verdict, found.spec_digest, found.subject_digest)] + [
            (c.id, c.verdict, c.hits, c.trials, c.bound, c.reason) for c in found.criteria
        ]

    assert verdicts(workspace, four) == verdicts(alone, one)
    # A fifth process, such as one that was killed after its last attempt, finds nothing to do and begins nothing.
    asked = calls(workspace).total()
    out, err = start(workspace, "--shard", "1/4", "--no-cache", pause=0).communicate(timeout=120)
    assert b"Nothing was left to make" in out, (out + err).decode()
    assert b"shipworthy runs declare" in out
    assert b"--shards 4 --allow-code" in out
    assert (Layout(workspace).run_ids(), calls(workspace).total()) == ([name], asked)


def test_declare_work_and_finish_are_three_commands(workspace):
    def said(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "shipworthy", *arguments, "-C", str(workspace), "--allow-code"]
        environment = os.environ | {"CALLS": str(workspace / "calls.txt"), "PAUSE": "0"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    code, name = said("runs", "declare", "--shards", "2")
    assert code == 0, name
    name = name.strip().splitlines()[-1]
    code, text = said("runs", "finish", name)
    assert (code, "0 of 180" in text, "many: 180" in text) == (2, True, True), text
    for shard in ("2/2", "1/2"):
        code, text = said("eval", "--resume", name, "--shard", shard)
        assert code == 0, text
    code, text = said("runs", "finish", name)
    assert code == 0, text
    assert f"{name}: all 180 planned attempts were made" in text
    code, text = said("eval", "--resume", name, "--shard", "3/4")
    assert (code, "declared with 2 shards" in text or "no shard 3" in text) == (2, True), text
