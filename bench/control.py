"""What the control state costs: events appended and verified, and a list of runs that reads no log.

python bench/control.py           a table; exit 1 over a limit
python bench/control.py --json    the same figures as one JSON object

Every event is durable before the next begins, each in a transaction of its own; `many` are those of one transaction.
Events are judged by CPU time, user and kernel; the list by wall time, since a person waits for it. In SQLite; the
address of another database can be given, which must be empty: `python bench/control.py --url postgresql://…`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EVENTS = 100_000
RUNS, ATTEMPTS = 500, 200
ROUNDS = 5
FLOOR_SHARE = 10
"""The floor is measured on a tenth of the events."""
LIMITS = {"append_verify_cpu_s": 60.0, "runs_list_s": 1.0}


def body(n: int) -> dict[str, Any]:
    """Return an event as long as that of a finished run."""
    hash = f"sha256:{n:064x}"
    return {
        "run": f"RUN-{n:08}", "system": "SYS-bench", "plan": "full", "head": hash, "merkle": hash, "attempts": n,
        "made": n, "planned": n, "spec_digest": hash, "subject_digest": hash,
    }  # fmt: skip


def events(url: str) -> dict[str, float]:
    """Append events one by one, verify them, append as many in one transaction; return what it took."""
    from shipworthy.store.audit import AuditLog

    def clock() -> tuple[float, float]:
        return time.process_time(), time.perf_counter()

    with AuditLog(url) as log:
        log.append("bench.begun", {})
        times = [clock()]
        for n in range(EVENTS):
            log.append("run.finished", body(n), key="run")
            if n + 1 in (1000, EVENTS - 1000):
                times.append(clock())
        times.append(clock())
        assert log.verify().entries == EVENTS + 1
        times.append(clock())
        found = [log.append_once("run.finished", "run", body(n)).number for n in range(0, EVENTS, EVENTS // 1000)]
        assert found[-1] == EVENTS - EVENTS // 1000 + 2
        times.append(clock())
        log.append_many(("run.finished", body(n)) for n in range(EVENTS))
        times.append(clock())
    (begin, thousand, before_last, appended, verified, found_again, many) = times
    return {
        "append_cpu_s": appended[0] - begin[0],
        "append_wall_s": appended[1] - begin[1],
        "verify_cpu_s": verified[0] - appended[0],
        "append_verify_cpu_s": verified[0] - begin[0],
        "first_1000_cpu_s": thousand[0] - begin[0],
        "last_1000_cpu_s": appended[0] - before_last[0],
        "find_1000_cpu_s": found_again[0] - verified[0],
        "append_many_cpu_s": many[0] - found_again[0],
    }


def floor(folder: Path) -> float:
    """Return the CPU seconds that as many durable transactions take with nothing but `sqlite3`: no hash, no JSON."""
    connection = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE audit (number INTEGER PRIMARY KEY, at, kind, body, hash, key)")
    connection.execute("CREATE INDEX ix_audit_key ON audit (key)")
    events = EVENTS // FLOOR_SHARE
    started = time.process_time()
    for n in range(events):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("SELECT number, hash FROM audit WHERE number = (SELECT max(number) FROM audit)").fetchall()
        row = (n, "2026-11-25T10:00:00.000Z", "run.finished", "b" * 500, "0" * 64, f"RUN-{n:08}")
        connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.execute("COMMIT")
    used = time.process_time() - started
    connection.close()
    return used * FLOOR_SHARE


def write_runs(root: Path) -> None:
    """Write runs of a workspace, and record them."""
    from msgspec.structs import replace

    from shipworthy.core.records import SCHEMA, Attempt, RunManifest, Score, as_said, say
    from shipworthy.detect.redact import seal
    from shipworthy.store.declare import declare_run
    from shipworthy.store.layout import Layout
    from shipworthy.store.register import register_run
    from shipworthy.store.runlog import RunLog

    layout = Layout(root)
    digest = "sha256:" + "0" * 64
    manifest = RunManifest(
        schema=SCHEMA, id="", created="2026-11-25T10:00:00Z", system="SYS-bench", plan="full", plan_digest=digest,
        spec_digest=digest, subject_digest=digest, subject={}, suites=(), planned=ATTEMPTS, seed=1,
    )  # fmt: skip
    sealed = [
        seal(
            Attempt(
                id=f"AT-{n:016x}", suite="bench", sample=f"B-{n}", attack="none", number=1, cluster=f"B-{n}", seed=n,
                content_hash=digest, outcome="scored", scores=(Score(metric="leak", hit=False, scorer="bench"),),
                events=as_said((say("user", "What is the phrase?"), say("assistant", "I cannot tell. " * 20))),
            ),
            "synthetic",
        )
        for n in range(ATTEMPTS)
    ]  # fmt: skip

    async def write(log: RunLog) -> None:
        await asyncio.gather(*map(log.append, sealed))

    for n in range(RUNS):
        name = f"RUN-20261125T{n:06}-bench"
        declare_run(layout.runs / name, replace(manifest, id=name))
        with RunLog.open(layout.runs / name) as log:
            asyncio.run(write(log))
        register_run(layout, layout.runs / name)


def list_runs(root: Path) -> tuple[float, float]:
    """Return wall and CPU seconds of `shipworthy runs list`, start of the process included: the best of some rounds.

    The best, because the other rounds measure who else is at work on the machine.
    """
    wall, cpu = [], []
    for _ in range(ROUNDS):
        used, started = children_cpu(), time.perf_counter()
        command = [sys.executable, "-m", "shipworthy", "runs", "list", "-C", str(root)]
        lines = subprocess.check_output(command, text=True).splitlines()
        wall.append(time.perf_counter() - started)
        cpu.append(children_cpu() - used)
        assert sum(line.startswith("RUN-") for line in lines) == RUNS, lines[:3]
    return min(wall), min(cpu)


def children_cpu() -> float:
    """Return the CPU seconds, user and kernel, of the child processes so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure, print, and return 1 where a limit is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--url", default="")
    chosen = parser.parse_args()
    os.environ.pop("SHIPWORTHY_CONTROL_URL", None)
    # Beside this file: the folder for temporary files may be in memory, where nothing has to become durable.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        found = events(chosen.url or f"sqlite:///{folder}/control.sqlite")
        found["append_floor_cpu_s"] = floor(Path(folder))
        root = Path(folder) / "workspace"
        write_runs(root)
        found["runs_list_s"], found["runs_list_cpu_s"] = list_runs(root)
        (root / ".shipworthy" / "control.sqlite").unlink()
        found["runs_list_unrecorded_s"], _ = list_runs(root)
    broken = [f"{name} {found[name]:.2f} > {limit}" for name, limit in LIMITS.items() if found[name] > limit]
    if chosen.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    else:
        print(f"{EVENTS:,} events, each durable by itself; {RUNS} runs of {ATTEMPTS} attempts\n")
        for name, value in found.items():
            limit = f"limit {LIMITS[name]:.0f}" if name in LIMITS else ""
            print(f"{name:28}{value:>9.2f}  {limit}")
        print("\nover the limit: " + "; ".join(broken) if broken else "\nwithin the limits")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
