"""What the engine costs: CPU and memory an attempt with an instant target; throughput over HTTP beside a bare client.

python bench/engine.py [--json]         everything, each measurement in a process of its own; exit 1 over a limit
python bench/engine.py http [--json]    the part over HTTP alone
python bench/engine.py large [--json]   peak memory of 300,000 and of a million attempts on few samples (minutes)
python bench/engine.py measure NAME N   one measurement, as a line of JSON

CPU time is what is judged: wall time on a shared machine says more about the neighbours.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ATTEMPTS = 20_000
REQUESTS = 8_000
CONNECTIONS = 256
ROUNDS = 3
LIMITS = {"cpu_ms": 0.12, "peak_mb": 60.0}
GATE_CPU_S = 0.4
FLOORS = 10.0
"""Times the floor's CPU that an attempt may take, in the same run."""
HTTP_COLUMNS = ("rate", "cpu_ms", "peak_mb")
SAMPLES = 1_000
LARGE_MB = {300_000: 100.0, 1_000_000: 120.0}
"""Peak memory of runs of so many attempts."""
SHARES = {"http_share_wall": 0.7, "http_share_cpu": 0.6}
"""What is to be reached of a bare aiohttp loop in the same run: of its requests a second, and for its CPU time."""

# Measured on 2026-11-23 with the same kind of job (20,000 samples, instant target; promptfoo's CPU is of the whole
# process), two shared cores: CPU-ms a sample, peak MB. `bench/peers/run.py` measures them again on this machine.
PEERS = [("inspect-ai 0.3.285", 9.3, 489), ("promptfoo 0.121.20", 3.1, 1750), ("deepeval 4.3.1", 1.2, 246)]


def plan_of(n: int, attempts: int = 1) -> Any:
    """Return a plan of n samples and one attack, with so many attempts on each."""
    from shipworthy.core.records import Sample, say
    from shipworthy.evals.plan import Plan, SuitePlan
    from shipworthy.workspace.suite import Suite
    from shipworthy.workspace.use import Use

    samples = tuple(
        Sample(id=f"B-{i}", messages=(say("user", f"Question {i}: say yes"),), expected="yes") for i in range(n)
    )
    suite = Suite(
        id="bench",
        version="1",
        title="Bench",
        content="synthetic",
        metric="match",
        scorers=(Use(use="instant"),),
        samples=samples,
        digest="sha256:0",
    )
    return Plan("full", 1, [SuitePlan(suite, samples, suite.attacks, attempts, 1)])


async def run_engine(
    n: int, target: Any, *, cache: bool, concurrency: int | None = None, attempts: int = 1
) -> dict[str, float]:
    """Run a plan of n attempts, so many on each sample, durable, scored, and return what it took."""
    from shipworthy.evals.manifest import make_manifest
    from shipworthy.evals.models import build_crew
    from shipworthy.evals.run import run_plan
    from shipworthy.evals.subject import Subject
    from shipworthy.exchange.cache import ReplyCache
    from shipworthy.store.declare import declare_run
    from shipworthy.store.runlog import RunLog

    plan, subject = plan_of(n // attempts, attempts), Subject(target)
    crew = build_crew(plan, subject)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "run"
        declare_run(directory, make_manifest(plan, subject, crew, system="SYS-bench", spec_digest="sha256:0"))
        log = RunLog.open(directory)
        replies = ReplyCache(Path(scratch) / "replies.sqlite") if cache else None
        cpu, wall = time.process_time(), time.perf_counter()
        ending = await run_plan(plan, subject, crew, log, cache=replies, concurrency=concurrency)
        if replies is not None:
            replies.close()
        log.close()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        await crew.close()
        await subject.close()
    if (ending.finished, ending.errors) != (n, 0):
        raise SystemExit(f"{ending}: the measurement is void")
    return {"n": n, "cpu_ms": cpu / n * 1e3, "wall_s": wall, "rate": n / wall}


def instant(n: int, *, cache: bool) -> Coroutine[Any, Any, dict[str, float]]:
    """Measure the engine alone."""
    sys.path.insert(0, str(HERE))
    from instant import InstantTarget

    return run_engine(n, InstantTarget(), cache=cache)


def large(n: int) -> Coroutine[Any, Any, dict[str, float]]:
    """Measure the engine alone, on `SAMPLES` samples: what grows then is the engine's, and not the plan's own texts."""
    sys.path.insert(0, str(HERE))
    from instant import InstantTarget

    return run_engine(n, InstantTarget(), cache=False, attempts=n // SAMPLES)


async def over_http(n: int, url: str) -> dict[str, float]:
    """Measure the engine through the `openai_compatible` target."""
    sys.path.insert(0, str(HERE))
    import aiohttp  # noqa: F401 - outside the clock, as it is for the bare loop
    import instant  # noqa: F401 - registers the scorer

    from shipworthy.core.registry import create

    target = create("target", "openai_compatible", {"base_url": url, "model": "stub"})
    return await run_engine(n, target, cache=False, concurrency=CONNECTIONS)


async def bare(n: int, ask: Callable[[str], Coroutine[Any, Any, str]]) -> dict[str, float]:
    """Ask n questions from `CONNECTIONS` workers, read the answers, and do nothing else."""
    numbers = iter(range(n))

    async def work() -> None:
        for number in numbers:
            if await ask(f"Question {number}: say yes") != "yes":
                raise SystemExit("the stub answered something else")

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"n": n, "cpu_ms": cpu / n * 1e3, "wall_s": wall, "rate": n / wall}


async def bare_aiohttp(n: int, url: str) -> dict[str, float]:
    """Measure a loop around aiohttp."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:

        async def ask(question: str) -> str:
            body = {"model": "stub", "messages": [{"role": "user", "content": question}]}
            async with session.post(url + "/chat/completions", json=body) as response:
                answer: str = (await response.json())["choices"][0]["message"]["content"]
                return answer

        return await bare(n, ask)


async def target_alone(n: int, url: str) -> dict[str, float]:
    """Measure a loop around the `openai_compatible` target, without the engine."""
    import aiohttp  # noqa: F401 - outside the clock, as it is for the bare loop

    from shipworthy.core.records import Request, say
    from shipworthy.core.registry import create

    target = create("target", "openai_compatible", {"base_url": url, "model": "stub"})

    async def ask(question: str) -> str:
        reply = await target.send(Request(messages=(say("user", question),)))
        return str(reply.text)

    found = await bare(n, ask)
    await target.close()
    return found


WORKSPACE = {
    "system.yaml": """
system: {id: SYS-bench, title: Bench, owner: nobody}
targets: {default: {use: instant_target}}
risks: [{id: RK-no, title: It says no, severity: S3}]
requirements:
  - id: RQ-yes
    text: It says yes.
    mitigates: [RK-no]
    criteria: [{id: CR-yes, suite: bench, must: lower95 >= 0.90}]
""",
    "suites/bench/suite.yaml": """
id: bench
version: "1"
title: Bench
content: synthetic
metric: match
scorers: [instant_scorer]
""",
    "suites/bench/card.md": "# Bench",
    "plugins/instant_target.py": """
from instant import InstantTarget
from shipworthy.core.registry import target

@target
def instant_target():
    return InstantTarget()
""",
    "plugins/instant_scorer.py": """
from instant import MatchScorer
from shipworthy.core.registry import scorer

@scorer
def instant_scorer():
    return MatchScorer()
""",
}


async def gate(n: int) -> dict[str, float]:
    """Measure what `shipworthy gate` does once the workspace is loaded: read the run, decide, register, report."""
    sys.path.insert(0, str(HERE))
    from shipworthy.cli.gate import keep, load_run
    from shipworthy.core.registry import create
    from shipworthy.evals.api import evaluate_async
    from shipworthy.evidence.documents import readout
    from shipworthy.release.decide import decide
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, text in WORKSPACE.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        with (root / "suites/bench/samples.jsonl").open("w", encoding="utf-8") as file:
            for number in range(n):
                said = [{"role": "user", "content": f"Question {number}: say yes"}]
                file.write(json.dumps({"id": f"B-{number}", "messages": said, "expected": "yes"}) + "\n")
        workspace = Workspace.load(root, allow_code=True)
        made = await evaluate_async(workspace, cache=False, progress=False)
        report = create("report", "text")
        cpu, wall = time.process_time(), time.perf_counter()
        run, seen = load_run(Layout(root), made.id, marks=False)
        decision = decide(workspace, run)
        keep(Layout(root), decision, [run])
        report.render(decision, readout(workspace, decision, run, seen={run.id: seen}))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if (decision.verdict, len(run)) != ("ship", n):
        raise SystemExit(f"{decision.verdict}: the measurement is void")
    return {"n": n, "gate_cpu_s": cpu, "wall_s": wall}


MEASUREMENTS: dict[str, Callable[..., Coroutine[Any, Any, dict[str, float]]]] = {
    "engine": lambda n: instant(n, cache=False),
    "large": large,
    "engine with reply cache": lambda n: instant(n, cache=True),
    "gate": gate,
    "http engine": over_http,
    "http target": target_alone,
    "http aiohttp": bare_aiohttp,
}


def median(values: Iterable[float]) -> float:
    """Return the middle value (the folder has a `statistics.py`, which hides the library's)."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def peak_mb() -> float:
    """Return the most memory this program had; `ru_maxrss` would include what its parent had when it forked."""
    for line in Path("/proc/self/status").read_text().splitlines() if Path("/proc/self/status").exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)


def measured(name: str, n: int, *arguments: str) -> dict[str, float]:
    """Run one measurement in a fresh process."""
    command = [sys.executable, str(HERE / "engine.py"), "measure", name, str(n), *arguments]
    result: dict[str, float] = json.loads(subprocess.check_output(command, text=True))
    return result


def over_http_beside_bare() -> dict[str, float]:
    """Measure engine, target and a bare aiohttp loop by turns, against one stub, and return medians and shares.

    The shares are medians of the rounds' own: what disturbs one round disturbs all of its measurements.
    """
    stub = subprocess.Popen([sys.executable, str(HERE / "stub_server.py"), "0.05"], stdout=subprocess.PIPE, text=True)
    names = {"http": "http engine", "target": "http target", "bare": "http aiohttp"}
    try:
        assert stub.stdout is not None
        url = f"http://127.0.0.1:{int(stub.stdout.readline())}/v1"
        rounds = [{key: measured(name, REQUESTS, url) for key, name in names.items()} for _ in range(ROUNDS)]
    finally:
        stub.kill()
        stub.wait()
    found = {f"{key}_{what}": median(r[key][what] for r in rounds) for key in names for what in HTTP_COLUMNS}
    for key in ("http", "target"):
        found[f"{key}_share_wall"] = median(r[key]["rate"] / r["bare"]["rate"] for r in rounds)
        found[f"{key}_share_cpu"] = median(r["bare"]["cpu_ms"] / r[key]["cpu_ms"] for r in rounds)
    return found


def print_http(found: dict[str, float]) -> list[str]:
    """Print what was measured over HTTP; return the limits that it breaks."""
    print(f"{REQUESTS:,} requests to a stub that answers after 50 ms, {CONNECTIONS} connections, median of {ROUNDS}\n")
    print(f"{'':28}{'requests/s':>12}{'of bare':>9}{'CPU ms each':>13}{'of bare':>9}{'peak MB':>9}")
    for label, key in (("shipworthy", "http"), ("its target alone", "target"), ("bare aiohttp loop", "bare")):
        rate, cpu, peak = (found[f"{key}_{what}"] for what in HTTP_COLUMNS)
        wall_share, cpu_share = (found.get(f"{key}_share_{what}", 1.0) for what in ("wall", "cpu"))
        print(f"{label:28}{rate:>12,.0f}{wall_share:>9.0%}{cpu:>13.3f}{cpu_share:>9.0%}{peak:>9.0f}")
    return [f"{name} {found[name]:.2f} < {least}" for name, least in SHARES.items() if found[name] < least]


def figures() -> dict[str, float]:
    """Return the figures that are promised, as one object."""
    floor = json.loads(subprocess.check_output([sys.executable, str(HERE / "floor.py"), str(ATTEMPTS)], text=True))
    rounds = [measured("engine", ATTEMPTS) for _ in range(ROUNDS)]
    http = over_http_beside_bare()
    return {
        "cpu_ms": median(row["cpu_ms"] for row in rounds),
        "floor_cpu_ms": floor["cpu_ms"],
        "peak_mb": median(row["peak_mb"] for row in rounds),
        "gate_cpu_s": median(measured("gate", ATTEMPTS)["gate_cpu_s"] for _ in range(ROUNDS)),
        **http,
    }


def over(found: dict[str, float]) -> list[str]:
    """Return the limits that the promised figures break."""
    broken = [f"{key} {found[key]:.3f} > {limit}" for key, limit in LIMITS.items() if found[key] > limit]
    if found["cpu_ms"] > FLOORS * found["floor_cpu_ms"]:
        broken.append(f"cpu_ms is {found['cpu_ms'] / found['floor_cpu_ms']:.1f} times the floor, more than {FLOORS:g}")
    if found["gate_cpu_s"] > GATE_CPU_S:
        broken.append(f"gate_cpu_s {found['gate_cpu_s']:.2f} > {GATE_CPU_S}")
    return broken + [f"{name} {found[name]:.2f} < {least}" for name, least in SHARES.items() if found[name] < least]


def grown(as_json: bool) -> int:
    """Print the peak memory of large runs; return 1 where one is over its limit."""
    found = {n: measured("large", n) for n in LARGE_MB}
    if as_json:
        print(json.dumps({f"peak_mb_{n}": row["peak_mb"] for n, row in found.items()}))
    else:
        for n, row in found.items():
            print(f"{n:>9,} attempts on {SAMPLES:,} samples: {row['peak_mb']:.0f} MB, at most {LARGE_MB[n]:.0f}")
    return any(row["peak_mb"] > LARGE_MB[n] for n, row in found.items())


def main() -> int:
    """Print both tables; exit 1 where a limit is broken."""
    broken = []
    print(f"{ATTEMPTS:,} attempts, instant target: planned, asked, scored, each durable in a hash-chained log\n")
    print(f"{'':28}{'CPU ms each':>12}{'x ours':>8}{'peak MB':>9}{'x ours':>8}{'wall s':>8}")
    floor = json.loads(subprocess.check_output([sys.executable, str(HERE / "floor.py"), str(ATTEMPTS)], text=True))
    ours = measured("engine", ATTEMPTS)
    cached = measured("engine with reply cache", ATTEMPTS)
    for label, row in (("shipworthy", ours), ("shipworthy, reply cache on", cached), ("floor (no product)", floor)):
        print(
            f"{label:28}{row['cpu_ms']:>12.3f}{row['cpu_ms'] / ours['cpu_ms']:>8.1f}"
            f"{row['peak_mb']:>9.0f}{row['peak_mb'] / ours['peak_mb']:>8.1f}{row['wall_s']:>8.1f}"
        )
        if row is not floor:
            broken += [
                f"{label}: {key} {row[key]:.3f} > {LIMITS[key]}"
                for key in ("cpu_ms", "peak_mb")
                if row[key] > LIMITS[key]
            ]
    for label, cpu, peak in PEERS:
        print(f"{label:28}{cpu:>12.3f}{cpu / ours['cpu_ms']:>8.1f}{peak:>9}{peak / ours['peak_mb']:>8.1f}{'*':>8}")
    print("* measured on 2026-11-23; `python bench/peers/run.py` measures them again here\n")
    seconds = measured("gate", ATTEMPTS)["gate_cpu_s"]
    print(f"a gate on them, the workspace loaded: {seconds:.2f} CPU s\n")
    broken += [f"gate {seconds:.2f} CPU s > {GATE_CPU_S}"] if seconds > GATE_CPU_S else []
    if ours["cpu_ms"] > FLOORS * floor["cpu_ms"]:
        broken.append(f"an attempt takes {ours['cpu_ms'] / floor['cpu_ms']:.1f} times the floor, more than {FLOORS:g}")

    broken += print_http(over_http_beside_bare())
    print("\nover the limit: " + "; ".join(broken) if broken else "\nwithin the limits")
    return bool(broken)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        result = asyncio.run(MEASUREMENTS[sys.argv[2]](int(sys.argv[3]), *sys.argv[4:]))
        result["peak_mb"] = peak_mb()
        print(json.dumps(result))
    elif sys.argv[1:2] == ["large"]:
        sys.exit(grown("--json" in sys.argv))
    elif sys.argv[1:2] == ["http"]:
        http = over_http_beside_bare()
        if "--json" in sys.argv:
            print(json.dumps(http))
            sys.exit(any(http[name] < least for name, least in SHARES.items()))
        sys.exit(bool(print_http(http)))
    elif "--json" in sys.argv:
        promised = figures()
        print(json.dumps(promised))
        sys.exit(bool(over(promised)))
    else:
        sys.exit(main())
