"""What a question about evidence costs: `shipworthy trace why` with a run of 100,000 attempts behind the answer, and a
pack of 50 MB verified by both verifiers.

python bench/evidence.py           a table; exit 1 over a limit (two minutes, 300 MB of disk)
python bench/evidence.py --json    the same figures as one JSON object

The runs are made by `shipworthy eval` and decided by `shipworthy gate`, with a target and a scorer that cost nothing;
everything is asked in a process of its own, as a person asks it. The pack holds 10,000 attempts whose answers have
4.5 KB. `verify_50mb_s` is `shipworthy evidence verify`, which also renders the report again; `verify_standalone_50mb_s`
is `python -I verify.py`. The figures that end
in `_s` are medians of wall times, start of Python and all; those in `_cpu_s` of CPU times, which are judged: with
neighbours on the machine the others are theirs.
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
LIMITS = {"trace_why_cpu_s": 1.0, "verify_50mb_cpu_s": 2.0, "verify_standalone_50mb_cpu_s": 2.0}
PACKED, LONG, PACK_MB = 10_000, 4_500, 50

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


def write(root: Path, attempts: int, long: int = 0) -> None:
    """Write the workspace: one whose target says yes, at so much length."""
    each = max(1, attempts // SAMPLES)
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
    said = '"yes" + " and it goes on at length, as models do" * (LONG // 40)'.replace("LONG", str(long))
    files = {name: text.replace('answer("yes")', f"answer({said})") if long else text for name, text in FILES.items()}
    files = {name: text.replace("answer ==", "answer[:3] ==") for name, text in files.items()}
    for name, text in {
        **files, "suites/bench/suite.yaml": suite, "suites/bench/samples.jsonl": "\n".join(lines) + "\n",
    }.items():  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def timed(command: list[str], environment: dict[str, str]) -> tuple[str, float, float]:
    """Run a program to its end; return what it printed, its wall time and its CPU time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def call(root: Path, *words: str) -> tuple[str, float, float]:
    """Run a verb in a process of its own; return what it printed, its wall time and its CPU time."""
    command = [sys.executable, "-m", "shipworthy", *words, "-C", str(root), "--allow-code"]
    return timed(command, dict(os.environ))


def verified() -> dict[str, float]:
    """Make a pack, and verify it by both verifiers."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        root, pack, trust = Path(scratch) / "w", Path(scratch) / "pack.zip", Path(scratch) / "trust.json"
        alone = Path(scratch) / "verify.py"
        environment = dict(os.environ) | {"SHIPWORTHY_KEYS_DIR": str(Path(scratch) / "keys")}
        write(root, PACKED, LONG)
        shipworthy = [sys.executable, "-m", "shipworthy"]
        place = ["-C", str(root), "--allow-code"]
        for words in (
            ["eval", "--no-cache", *place], ["gate", *place], ["keys", "new", "--name", "ada"],
            ["evidence", "build", "--output", str(pack), *place], ["evidence", "verifier", "--out", str(alone)],
        ):  # fmt: skip
            timed([*shipworthy, *words], environment)
        trust.write_text(timed([*shipworthy, "keys", "trust"], environment)[0])
        found["pack_mb"] = pack.stat().st_size / 1e6
        if found["pack_mb"] < PACK_MB:
            raise SystemExit(f"the pack has {found['pack_mb']:.1f} MB, and {PACK_MB} are promised")
        asked = [str(pack), "--trust", str(trust)]
        for name, command in (
            ("verify_50mb", [*shipworthy, "evidence", "verify", *asked]),
            ("verify_standalone_50mb", [sys.executable, "-I", str(alone), *asked]),
        ):
            rounds = [timed(command, environment) for _ in range(ROUNDS)]
            if not all("Its verdict: ship" in told for told, _, _ in rounds):
                raise SystemExit(f"it is not believed:\n{rounds[0][0]}")
            found[f"{name}_s"] = statistics.median(wall for _, wall, _ in rounds)
            found[f"{name}_cpu_s"] = statistics.median(cpu for _, _, cpu in rounds)
    return found


def trace_why() -> dict[str, float]:
    """Make the run and the decision, and ask why."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write(root, ATTEMPTS)
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
    found: dict[str, Any] = trace_why() | verified()
    broken = [f"{name} {found[name]:.2f} > {limit}" for name, limit in LIMITS.items() if found[name] > limit]
    if chosen.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    else:
        for name, value in found.items():
            limit = f"   limit {LIMITS[name]:.0f}" if name in LIMITS else ""
            print(f"{name:<28}{value:>12,.2f}{limit}")
    if broken:
        print(f"over its limit: {', '.join(broken)}", file=sys.stderr)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
