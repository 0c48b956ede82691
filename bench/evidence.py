"""What a question about evidence costs: `shipworthy trace why` with a run of 100,000 attempts behind the answer.

python bench/evidence.py           a table; exit 1 over a limit (a minute, 150 MB of disk)
python bench/evidence.py --json    the same figures as one JSON object

The run is made by `shipworthy eval` and decided by `shipworthy gate`, with a target and a scorer that cost nothing; the
question is asked in a process of its own, as a person asks it. `trace_why_s` is the median of its wall times, start of
Python and all; `trace_why_cpu_s` of its CPU times, which is judged: with neighbours on the machine the other is theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ATTEMPTS, SAMPLES = 100_000, 1_000
ROUNDS = 5
LIMITS = {"trace_why_cpu_s": 1.0}

FILES = {
    "system.yaml": "system: {id: SYS-bench, title: Bench, owner: us}\n",
    "targets.yaml": "targets: {default: {use: bench_yes}}\n",
    "journeys.yaml": "journeys: [{id: UJ-ask, title: Ask, critical: true}]\n",
    "risks.yaml": "risks: [{id: RK-no, title: It says no, severity: S2, journeys: [UJ-ask]}]\n",
    "requirements.yaml": """\
requirements:
  - id: RQ-yes
    text: It says yes.
    mitigates: [RK-no]
    criteria: [{id: CR-yes, suite: bench, metric: match, must: lower95 >= 0.95}]
""",
    "plugins/bench_yes.py": '''\
"""A target that says yes."""
from shipworthy.core.records import answer
from shipworthy.core.registry import target


class Yes:
    def describe(self):
        return {"target": "yes"}

    async def send(self, request):
        return answer("yes")

    async def close(self):
        pass


@target
def bench_yes():
    return Yes()
''',
    "plugins/bench_match.py": '''\
"""Is the answer what was expected?"""
from shipworthy.core.records import Metric, Score
from shipworthy.core.registry import scorer


class Match:
    metrics = (Metric("match", good="high"),)

    def describe(self):
        return {"scorer": "bench_match"}

    async def score(self, attempt, sample, ctx):
        return (Score(metric="match", hit=attempt.answer == sample.expected, scorer="bench_match"),)


@scorer
def bench_match():
    return Match()
''',
    "suites/bench/card.md": "# Bench\n",
}


def write(root: Path) -> None:
    """Write the workspace."""
    each = max(1, ATTEMPTS // SAMPLES)
    suite = f"""\
id: bench
version: "1"
title: Bench
content: synthetic
metric: match
scorers: [bench_match]
attempts: {each}
"""
    lines = (json.dumps({"id": f"B-{n}", "prompt": f"Question {n}", "expected": "yes"}) for n in range(SAMPLES))
    for name, text in {
        **FILES, "suites/bench/suite.yaml": suite, "suites/bench/samples.jsonl": "\n".join(lines) + "\n",
    }.items():  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def call(root: Path, *words: str) -> tuple[str, float, float]:
    """Run a verb in a process of its own; return what it printed, its wall time and its CPU time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "shipworthy", *words, "-C", str(root), "--allow-code"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, wall, cpu


def trace_why() -> dict[str, float]:
    """Make the run and the decision, and ask why."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write(root)
        call(root, "eval", "--no-cache")
        call(root, "gate")
        logs = sum(path.stat().st_size for path in root.rglob("attempts-*.jsonl"))
        walls, cpus = [], []
        for _ in range(ROUNDS):
            told, wall, cpu = call(root, "trace", "why", "RK-no")
            walls.append(wall)
            cpus.append(cpu)
        if f"ship: {ATTEMPTS:,} of {ATTEMPTS:,}" not in told:
            raise SystemExit(f"the answer does not rest on the run:\n{told}")
    return {
        "trace_why_s": statistics.median(walls), "trace_why_cpu_s": statistics.median(cpus),
        "attempts": ATTEMPTS, "log_mb": logs / 1e6,
    }  # fmt: skip


def main() -> int:
    """Print what it took; return 1 over a limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found: dict[str, Any] = trace_why()
    broken = [f"{name} {found[name]:.2f} > {limit}" for name, limit in LIMITS.items() if found[name] > limit]
    if chosen.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    else:
        for name, value in found.items():
            limit = f"   limit {LIMITS[name]:.0f}" if name in LIMITS else ""
            print(f"{name:<18}{value:>12,.2f}{limit}")
    if broken:
        print(f"over its limit: {', '.join(broken)}", file=sys.stderr)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
