"""What a run log costs in memory while it is written and while it is read, without an engine around it.

python bench/runlog.py [--json]      300,000 and a million records; exit 1 over a limit (minutes, 0.5 GB of disk)
python bench/runlog.py measure DIRECTORY write|read N     one measurement, as a line of JSON
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import peak_mb

HERE = Path(__file__).parent
SIZES = (300_000, 1_000_000)
BATCH = 1_000
PEAK_MB = 120.0
"""Of either step, at a million records."""


def write(directory: Path, n: int) -> None:
    """Write n attempts to a run's log, `BATCH` at a time."""
    from shipworthy.core.events import Said
    from shipworthy.core.records import SCHEMA, Attempt, RunManifest, Score, say
    from shipworthy.detect.redact import seal
    from shipworthy.store.declare import declare_run
    from shipworthy.store.runlog import RunLog

    manifest = RunManifest(
        schema=SCHEMA,
        id="RUN-bench",
        created="2026-01-01T00:00:00Z",
        system="SYS-bench",
        plan="full",
        plan_digest="sha256:0",
        spec_digest="sha256:0",
        subject_digest="sha256:0",
        subject={},
        suites=(),
        planned=n,
        seed=1,
    )
    declare_run(directory, manifest)
    score = (Score(metric="match", hit=True, scorer="instant"),)

    # Some hundred bytes of text, as a short conversation has.
    said = (
        Said(1, say("user", "Is this a question of the usual length, asked of a system under test? " * 3), "asker"),
        Said(1, say("assistant", "Yes."), "target"),
    )

    async def some(log: RunLog, numbers: range) -> None:
        attempts = (
            Attempt(
                id=f"AT-{number + 1:016x}",
                suite="bench",
                sample=f"B-{number}",
                attack="none",
                number=1,
                cluster=f"B-{number}",
                seed=number,
                content_hash="",
                outcome="scored",
                events=said,
                scores=score,
            )
            for number in numbers
        )
        await asyncio.gather(*(log.append(seal(attempt, "synthetic", ())) for attempt in attempts))

    async def every() -> None:
        with RunLog.open(directory) as log:
            for start in range(0, n, BATCH):
                await some(log, range(start, min(n, start + BATCH)))

    asyncio.run(every())


def read(directory: Path, n: int) -> None:
    """Verify the log and take its Merkle root."""
    from shipworthy.store.reading import RunReading

    reading = RunReading(directory)
    if not (reading.merkle and reading.records == n):
        raise SystemExit("the log does not hold what was written")


def measured(directory: str, step: str, n: int) -> dict[str, float]:
    """Take one step in a fresh process."""
    command = [sys.executable, str(HERE / "runlog.py"), "measure", directory, step, str(n)]
    result: dict[str, float] = json.loads(subprocess.check_output(command, text=True))
    return result


def main(as_json: bool) -> int:
    """Print what each size took; return 1 over the limit."""
    found = {}
    for n in SIZES:
        with tempfile.TemporaryDirectory() as scratch:
            for step in ("write", "read"):
                row = measured(f"{scratch}/run", step, n)
                found |= {f"{step}_{n}_{what}": row[what] for what in ("peak_mb", "cpu_s")}
                if not as_json:
                    print(f"{step:6}{n:>10,} records: {row['peak_mb']:5.0f} MB, {row['cpu_s']:5.1f} CPU s", flush=True)
    if as_json:
        print(json.dumps(found))
    return any(value > PEAK_MB for key, value in found.items() if key.endswith("peak_mb"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        began = time.process_time()
        {"write": write, "read": read}[sys.argv[3]](Path(sys.argv[2]), int(sys.argv[4]))
        print(json.dumps({"cpu_s": time.process_time() - began, "peak_mb": peak_mb()}))
    else:
        sys.exit(main("--json" in sys.argv))
