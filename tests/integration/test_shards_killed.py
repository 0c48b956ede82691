"""Shards of one run, written by processes that are killed at random: nothing acknowledged is lost, nothing is twice,
and the evidence is the one of a single process that was never killed.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from shipworthy.store.reading import RunReading
from shipworthy.store.runlog import RunLog

WRITER = """
    import asyncio, sys
    from pathlib import Path
    from msgspec.structs import replace
    from shipworthy.core.events import Said, Timing
    from shipworthy.core.records import SCHEMA, Attempt, RunManifest, Score, say
    from shipworthy.detect.redact import seal
    from shipworthy.store.declare import MANIFEST, declare_run
    from shipworthy.store.files import exclusive
    from shipworthy.store.runlog import RunLog

    directory, shard, shards, planned = Path(sys.argv[1]), *map(int, sys.argv[2:])
    manifest = RunManifest(
        schema=SCHEMA, id="RUN-k", created="", system="SYS-k", plan="full", plan_digest="", spec_digest="",
        subject_digest="", subject={}, suites=(), planned=planned, seed=1, shards=shards,
    )

    def attempt(n):
        text = "x" * (n * n % 2000)
        id = f"AT-{n * 0x9E3779B97F4A7C15 % 2**64:016x}"
        return Attempt(
            id=id, suite="s", sample=f"q{n}", attack="none", number=1, cluster=f"q{n}", seed=n, content_hash="",
            outcome="scored", scores=(Score(metric="m", hit=n % 2 == 0, scorer="x"),),
            events=(Said(1, say("user", text)),), timing=Timing(float(shards), shard / 7),
        )

    async def main():
        with exclusive(directory.parent / "declare.lock"):  # whoever comes first, as `eval --shard` does it
            if not (directory / MANIFEST).exists():
                declare_run(directory, manifest)
        log = RunLog.open(directory, shard)
        todo = iter([n for n in range(shard, planned, shards) if attempt(n).id not in log.finished])
        async def worker():
            for n in todo:
                await log.append(seal(attempt(n), "synthetic"))
                sys.stdout.write(f"{n}\\n")
                sys.stdout.flush()
                await asyncio.sleep(0.002)
        await asyncio.gather(*(worker() for _ in range(8)))
        log.close()
    asyncio.run(main())
"""
PLANNED, SHARDS = 1200, 4


def start(directory: Path, shard: int, shards: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(directory), str(shard), str(shards), str(PLANNED)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_shards_killed_in_any_order_give_the_evidence_of_one_process(tmp_path: Path) -> None:
    dice = random.Random(20261124)
    acknowledged: set[int] = set()
    durable: dict[str, bytes] = {}
    kills, open_shards = 0, set(range(SHARDS))
    for _ in range(40):
        if not open_shards:
            break
        # Some of the shards at a time, in an order of their own; those that are up work side by side.
        chosen = dice.sample(sorted(open_shards), dice.randint(1, len(open_shards)))
        writers = {shard: start(tmp_path / "run", shard, SHARDS) for shard in chosen}
        firsts = {}
        for shard, writer in writers.items():
            assert writer.stdout is not None
            firsts[shard] = writer.stdout.readline()
        for shard in dice.sample(chosen, len(chosen)):
            time.sleep(dice.uniform(0, 0.05))
            writer = writers[shard]
            if writer.poll() is None:
                writer.send_signal(signal.SIGKILL)
            said = firsts[shard] + writer.communicate()[0]
            # A last number without a line feed is cut short by the kill.
            acknowledged |= {int(number) for number in said.split("\n")[:-1]}
            if writer.returncode == 0:
                open_shards.discard(shard)
            else:
                assert writer.returncode == -signal.SIGKILL
                kills += 1
        now = {row.id: row.leaf for row in RunReading(tmp_path / "run")}
        assert durable.items() <= now.items(), "an attempt that was durable is lost or changed"
        durable = now
        assert acknowledged <= {row.seed for row in RunReading(tmp_path / "run")}
    assert not open_shards, "forty rounds did not end it"
    assert kills >= 4

    whole = start(tmp_path / "whole", 0, 1)
    whole.communicate()
    assert whole.returncode == 0
    killed, single = RunReading(tmp_path / "run"), RunReading(tmp_path / "whole")
    assert (killed.records, single.records) == (PLANNED, PLANNED)
    assert killed.merkle == single.merkle
    assert {row.id: row.leaf for row in single} == durable
    assert killed.head != single.head
    assert sum(log.attempts for log in map(closed, [tmp_path / "run"] * SHARDS, range(SHARDS))) == PLANNED


def closed(directory: Path, shard: int) -> RunLog:
    """Open a shard's log once more and close it: all of it must be whole, with no torn line left."""
    log = RunLog.open(directory, shard)
    log.close()
    assert log.made == len(range(shard, PLANNED, SHARDS))
    return log
