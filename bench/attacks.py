"""Attempts a second, and a second of CPU, beside garak and PyRIT on the same work: rules, a classifier, a search.

python bench/attacks.py [--json] [--n N] [--rounds N] [--no-peers]
python bench/attacks.py measure WORKLOAD N    one measurement of ours, as a line of JSON

The work is in bench/peers/attack_work.py: N one-line requests to a system that answers at once, and nothing hits.
`rule`: sent in Base64, a substring is looked for in the answer. `classifier`: sent as they are, a small classifier
reads the answer. `search`: best of 20 draws on each of N / 20 requests; garak has no such search, and is given the
draws. Imports and start-up are outside the clock. CPU time is what is judged; wall time on a shared machine says more
about the neighbours. Of the rounds, each tool's best counts.

What each keeps: shipworthy a hash-chained log on the disk, each attempt durable before it counts (a search books its
queries besides); garak a report in a file; PyRIT a database in memory. Peers run in environments of their own, made
from the locks in bench/peers: gigabytes, the first time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE / "peers")]

import attack_work as work  # noqa: E402
from instant import InstantTarget  # noqa: E402

from shipworthy.core import registry  # noqa: E402
from shipworthy.core.protocols import ScoreContext  # noqa: E402
from shipworthy.core.records import Attempt, Metric, Reply, Request, Sample, Score, answer, say  # noqa: E402

PEERS = ("garak", "pyrit")
TIMES = 5.0
"""Attempts of ours to one of each peer's, a CPU second, that are promised for each workload."""
_REPLY = answer(work.respond("")[0])


class PromptTarget(InstantTarget):
    """Answers at once, the same text as the peers are given."""

    async def send(self, request: Request) -> Reply:
        return _REPLY


class ClassifierScorer:
    """The classifier that the peers run."""

    metrics = (Metric("flagged"),)

    def describe(self) -> dict[str, Any]:
        return {"scorer": "attack_classifier"}

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        return (Score(metric="flagged", hit=work.harmful(attempt.answer) > 0.9, scorer="attack_classifier"),)


async def ours(workload: str, n: int) -> dict[str, float]:
    """Run one workload with shipworthy, everything durable, and return what it took."""
    from shipworthy.evals.attack_book import Book
    from shipworthy.evals.attack_novelty import KnownTexts
    from shipworthy.evals.attack_search import AttackSearch, SearchOptions
    from shipworthy.evals.engine import make_engine
    from shipworthy.evals.manifest import make_manifest
    from shipworthy.evals.models import build_crew
    from shipworthy.evals.plan import Plan, SuitePlan
    from shipworthy.evals.run import run_plan
    from shipworthy.evals.subject import Subject
    from shipworthy.store.declare import declare_run
    from shipworthy.store.reading import RunReading
    from shipworthy.store.runlog import RunLog
    from shipworthy.workspace.suite import Suite
    from shipworthy.workspace.use import Use

    registry._made["scorer", "attack_classifier"] = ClassifierScorer
    texts = work.search_prompts(n) if workload == "search" else work.prompts(n)
    rule = Use.of("contains", text=work.SECRET, metric="flagged", good="low")
    suite = Suite(
        id="bench",
        version="1",
        title="Bench",
        content="synthetic",
        metric="flagged",
        scorers=(Use(use="attack_classifier") if workload == "classifier" else rule,),
        attacks=(Use(use="base64" if workload == "rule" else "none"),),
        samples=tuple(Sample(id=f"B-{i}", messages=(say("user", text),)) for i, text in enumerate(texts)),
        digest="sha256:0",
    )
    plan = Plan("full", 1, [SuitePlan(suite, suite.samples, suite.attacks, 1, 1)])
    subject = Subject(PromptTarget())
    crew = build_crew(plan, subject)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "run"
        declare_run(directory, make_manifest(plan, subject, crew, system="SYS-bench", spec_digest="sha256:0"))
        log = RunLog.open(directory)
        cpu, wall = time.process_time(), time.perf_counter()
        if workload == "search":
            # Eight queries more than it searches with: what a re-run would take stays unspent.
            options = SearchOptions(suite="bench", metric="flagged", method="best-of-n", budget=n + 8)
            book = Book(directory, log, make_engine(plan, subject, crew), options.budget)
            found = await AttackSearch(options, suite.samples, book._engine, book, KnownTexts(())).run()
            made, hits = found.queries, found.hits
        else:
            made, hits = (await run_plan(plan, subject, crew, log)).finished, 0
        log.close()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        hits += sum(bool(score.hit) for row in RunReading(directory) for score in row.scores)
    work.checked(n, made, hits)
    return {"n": n, "cpu_s": cpu, "wall_s": wall, "per_cpu_s": n / cpu, "per_s": n / wall}


def measured(tool: str, workload: str, n: int) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    if tool == "shipworthy":
        command = [sys.executable, str(HERE / "attacks.py"), "measure", workload, str(n)]
        said = subprocess.check_output(command, text=True)
    else:
        from environments import python_of, run_apart

        job = [python_of(tool), str(HERE / "peers" / f"{tool}_job.py"), workload, str(n)]
        done = run_apart(job, capture_output=True)
        if done.returncode:
            raise SystemExit(f"{tool}, {workload}: {(done.stdout + done.stderr)[-2000:]}")
        said = done.stdout
    row: dict[str, float] = json.loads(said.strip().splitlines()[-1])
    return row


def best(tool: str, workload: str, n: int, rounds: int) -> dict[str, float]:
    """Return the round with the most attempts a CPU second."""
    return max((measured(tool, workload, n) for _ in range(rounds)), key=lambda row: row["per_cpu_s"])


def main() -> int:
    """Print the table, or JSON; return 1 where a peer comes nearer than promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--n", type=int, default=1000, help="attempts of each workload, a multiple of 20")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-peers", action="store_true", help="measure shipworthy alone")
    given = parser.parse_args()
    tools = ("shipworthy", *(() if given.no_peers else PEERS))
    found = {w: {tool: best(tool, w, given.n, given.rounds) for tool in tools} for w in work.WORKLOADS}
    times = {w: {p: r["shipworthy"]["per_cpu_s"] / r[p]["per_cpu_s"] for p in tools[1:]} for w, r in found.items()}
    broken = [f"{w}: {t:.1f} times {p}, not {TIMES:g}" for w, row in times.items() for p, t in row.items() if t < TIMES]
    if given.json:
        print(json.dumps({"n": given.n, "workloads": found, "times": times, "broken": broken}))
        return bool(broken)
    print(f"{given.n:,} attempts, instant system; imports outside the clock\n")
    print(f"{'':12}{'':12}{'a CPU second':>14}{'ours, times':>13}{'a second':>10}")
    for workload, rows in found.items():
        for tool, row in rows.items():
            ratio = f"{times[workload][tool]:.1f}" if tool in times[workload] else ""
            print(f"{workload:12}{tool:12}{row['per_cpu_s']:>14,.0f}{ratio:>13}{row['per_s']:>10,.0f}")
    print("\nbelow what is promised: " + "; ".join(broken) if broken else "\nwithin what is promised")
    return bool(broken)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(asyncio.run(ours(sys.argv[2], int(sys.argv[3])))))
    else:
        sys.exit(main())
