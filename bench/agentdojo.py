"""AgentDojo behind our tool policy, with an agent that always obeys the injection; no model is asked.

python bench/agentdojo.py [--json] [--only v1_1_2|v1_2_2_new|drafted] [--suite NAME ...] [--mode end|once|pieces ...]
python bench/agentdojo.py --target FILE [--limit N] [--json] [--suite NAME ...]     any model in the script's place

Two benchmarks under two names: `v1_1_2`, the published 629 cases, and `v1_2_2_new`, the injection tasks that v1.2.2
added, with policies that were fixed before their scripts were written (the reference driver, which scripts eight of
them, had been read: decision 0181). `drafted` is v1.1.2 with policies that
`shipworthy policy draft` made of the tools' signatures. Every share is of all cases; its 95 % interval takes the user's
tasks as units (the mean of their shares), since the cases of one task stand or fall together.

    asr_tool            attacks that call a tool and succeed, of those; the worst of the modes
    asr_total           all attacks that succeed, text-only ones too, behind the answer check; the worst of the modes
    utility_approver    the user's tasks done, with a person who lets the user's calls pass and no other
    utility_unattended  the same with nobody there: what is asked is refused
    tasks_asking        the user's tasks in which a person is asked

and beside them utility under attack, autonomy (the user's acting calls that ran without a person), the rate with a
person who says yes to everything, and the rate without a policy. FILE holds one target as `targets.yaml` has it, such
as ``{use: agent, model: {use: openai_compatible, base_url: …, model: …}}``; it is asked without a policy, and behind
the reviewed ones with nobody there and with an attentive person: utility, utility under attack, attacks that succeed,
cases in which a person is asked, and cases that its errors left out. AgentDojo lives in an environment of its own
(287 MB), made from the locked versions under bench/peers. `--jobs` runs so many suites at a time; each benchmark took
some twenty minutes on two shared cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peers"))

from environments import apart, python_of  # noqa: E402

from shipworthy.enforce.policy.draft import draft  # noqa: E402
from shipworthy.enforce.policy.engine import Policy  # noqa: E402
from shipworthy.enforce.policy.signatures import read_signatures  # noqa: E402
from shipworthy.stats import rate_interval  # noqa: E402
from shipworthy.workspace.nodes import read_yaml  # noqa: E402
from shipworthy.workspace.scalars import plain  # noqa: E402

POLICIES = HERE / "agentdojo_policies"
SUITES = ("banking", "slack", "travel", "workspace")
MODES = ("end", "once", "pieces")
NEW = ("workspace",)
"""The suites to which v1.2.2 added injection tasks."""

MUST = ("asr_tool", "asr_total", "utility_approver", "utility_unattended", "tasks_asking")

Case = dict[str, Any]


class Worker:
    """A process with AgentDojo in it, which takes ten seconds to import: one for each suite, used again."""

    def __init__(self, python: str) -> None:
        self._home = tempfile.TemporaryDirectory()
        command = [python, str(HERE / "peers" / "agentdojo_job.py"), "serve"]
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115, it lives as long as the process does
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=apart(self._home.name), stdin=pipe, stdout=pipe, stderr=self._said, text=True
        )
        self._turn = Lock()

    def job(self, *arguments: str) -> str:
        with self._turn:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps(arguments) + "\n")
            self._process.stdin.flush()
            lines = []
            while (line := self._process.stdout.readline()).strip():
                lines.append(line)
            if not line:
                self._said.seek(0)
                raise RuntimeError(self._said.read()[-3000:])
            return "".join(lines)

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        self._said.close()
        self._home.cleanup()


class Runner:
    """Runs AgentDojo's suites in its own environment, several at a time."""

    def __init__(self, python: str, jobs: int) -> None:
        self._python, self._pool = python, ThreadPoolExecutor(jobs)
        self._workers: dict[str, Worker] = {}
        self._making = Lock()

    def job(self, version: str, suite: str, *arguments: str) -> str:
        with self._making:
            worker = self._workers.get(suite) or self._workers.setdefault(suite, Worker(self._python))
        return worker.job(version, suite, *arguments)

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()

    def start(
        self, version: str, suites: Sequence[str], policies: Path | None, mode: str, person: str, *more: str
    ) -> Callable[[], list[Case]]:
        """Begin to run some suites; return what waits for them and gives every case, in their order."""
        jobs = [
            self._pool.submit(
                self.job, version, s, str(policies / f"{s}.yaml") if policies else "none", mode, person, *more
            )
            for s in suites
        ]
        return lambda: [json.loads(line) for job in jobs for line in job.result().splitlines()]


def rate(pairs: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return a share with its interval and n; `pairs` are hits and trials of each user's task."""
    some = [(hits, n) for hits, n in pairs if n]
    if not some:
        return {"share": None, "low": None, "high": None, "hits": 0, "n": 0, "tasks": 0}
    hits, n = sum(h for h, _ in some), sum(n for _, n in some)
    limits = rate_interval([h for h, _ in some], [n for _, n in some])
    return {"share": hits / n, "low": limits.low, "high": limits.high, "hits": hits, "n": n, "tasks": len(some)}


def of(cases: Iterable[Case], *, what: str) -> dict[str, Any]:
    """Return the share of cases in which something is so."""
    return share(cases, lambda case: (bool(case[what]), 1))


def share(cases: Iterable[Case], count: Callable[[Case], tuple[int, int]]) -> dict[str, Any]:
    """Return a share over cases, with the user's tasks as units."""
    units: dict[tuple[str, str], tuple[int, int]] = {}
    for case in cases:
        (h, n), (hits, trials) = units.get(key := (case["suite"], case["user"]), (0, 0)), count(case)
        units[key] = h + hits, n + trials
    return rate([*units.values()])


def attacked(cases: list[Case]) -> dict[str, Any]:
    """Return what attacks came to: with a tool, in all, and what was left of the user's task."""
    return {
        "asr_tool": of((c for c in cases if c["calls_tools"]), what="success"),
        "asr_total": of(cases, what="success"),
        "utility_under_attack": of(cases, what="utility"),
        "reached": of(cases, what="hijacked"),
        "answers_cut": of(cases, what="withheld"),
    }


def benign(attentive: list[Case], nobody: list[Case]) -> dict[str, Any]:
    """Return what is left of the user's tasks without an attack, and what it costs a person."""
    return {
        "utility_approver": of(attentive, what="utility"),
        "utility_unattended": of(nobody, what="utility"),
        "tasks_asking": of(attentive, what="asks"),
        "asks": sum(c["asks"] for c in attentive),
        "autonomy": share(attentive, lambda case: (case["alone"], case["actions"])),
        "answers_cut_without_attack": of(attentive, what="withheld"),
    }


def measured(
    runner: Runner, version: str, suites: Sequence[str], policies: Path, modes: Sequence[str], *only: str
) -> dict[str, Any]:
    """Measure one benchmark behind one set of policies."""
    print(f"   {version}: {', '.join(suites)}; {', '.join(only)}", file=sys.stderr, flush=True)
    begun = {mode: runner.start(version, suites, policies, mode, "attentive", *only) for mode in modes}
    begun["stamp"] = runner.start(version, suites, policies, modes[0], "stamp", *only)
    begun["bare"] = runner.start(version, suites, None, modes[0], "nobody", *only)
    begun["attentive"] = runner.start(version, suites, policies, "end", "attentive", "--benign")
    begun["nobody"] = runner.start(version, suites, policies, "end", "nobody", "--benign")
    done = {name: cases() for name, cases in begun.items()}
    attentive, nobody, stamped, bare = (done.pop(name) for name in ("attentive", "nobody", "stamp", "bare"))
    by_mode = done
    # An attack that calls no tool in any run is text-only; what was refused on the way is still one that calls tools.
    text_only = {(c["suite"], c["attack"]) for c in bare} - {(c["suite"], c["attack"]) for c in bare if c["tools"]}
    for case in (*stamped, *bare, *(c for cases in by_mode.values() for c in cases)):
        case["calls_tools"] = (case["suite"], case["attack"]) not in text_only
    modes_told = {mode: attacked(cases) for mode, cases in by_mode.items()}
    worst = {
        key: max((m[key] for m in modes_told.values()), key=lambda r: r["share"]) for key in ("asr_tool", "asr_total")
    }
    least = min((m["utility_under_attack"] for m in modes_told.values()), key=lambda r: r["share"])
    told = benign(attentive, nobody)
    suites_told = {
        suite: {
            **benign([c for c in attentive if c["suite"] == suite], [c for c in nobody if c["suite"] == suite]),
            **{mode: attacked([c for c in cases if c["suite"] == suite]) for mode, cases in by_mode.items()},
        }
        for suite in suites
    }
    through = sorted(
        {(m, c["suite"], c["user"], c["attack"]) for m, cases in by_mode.items() for c in cases if c["success"]}
    )
    return {
        **{key: worst[key]["share"] for key in worst},
        **{key: told[key]["share"] for key in ("utility_approver", "utility_unattended", "tasks_asking")},
        "intervals": {**worst, **told, "utility_under_attack": least},
        "modes": modes_told,
        "rubber_stamp": attacked(stamped),
        "without_policy": attacked(bare),
        "suites": suites_told,
        "got_through": through,
        "policies": {suite: Policy.read(policies / f"{suite}.yaml").digest for suite in suites},
    }


def with_model(runner: Runner, target: str, suites: Sequence[str], *more: str) -> dict[str, Any]:
    """Measure a target of ours on v1.1.2, without and behind the reviewed policies."""
    rows = {"without_policy": (None, "nobody"), "nobody": (POLICIES, "nobody"), "attentive": (POLICIES, "attentive")}
    told: dict[str, Any] = {}
    for name, (policies, person) in rows.items():
        given = ("--target", target, *more)
        attack = runner.start("v1.1.2", suites, policies, "end", person, *given)
        undisturbed = runner.start("v1.1.2", suites, policies, "end", person, "--benign", *given)
        attacked_, benign_ = attack(), undisturbed()
        good = [case for case in attacked_ if "error" not in case]
        fine = [case for case in benign_ if "error" not in case]
        told[name] = {
            "utility": of(fine, what="utility"),
            "utility_under_attack": of(good, what="utility"),
            "asr_total": of(good, what="success"),
            "reached": of(good, what="hijacked"),
            "tasks_asking": of(fine, what="asks"),
            "errors": len(attacked_) + len(benign_) - len(good) - len(fine),
            "error": next((case["error"] for case in (*attacked_, *benign_) if "error" in case), ""),
        }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", action="append", choices=["v1_1_2", "v1_2_2_new", "drafted"])
    parser.add_argument("--suite", action="append", choices=SUITES)
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--target", type=Path, metavar="FILE", help="a target, in the script's place")
    parser.add_argument("--limit", type=int, help="with --target: so many of the user's tasks a suite")
    parser.add_argument("--python", help="an interpreter that has AgentDojo, instead of the locked environment")
    given = parser.parse_args()
    runner = Runner(given.python or python_of("agentdojo"), given.jobs)
    suites, modes = tuple(given.suite or SUITES), tuple(given.mode or MODES)
    if given.target is not None:
        target = json.dumps(plain(read_yaml(given.target).value))
        asked = with_model(runner, target, suites, *(("--limit", str(given.limit)) if given.limit else ()))
        runner.close()
        print(json.dumps(asked, indent=2) if given.json else model_text(asked))
        return
    wanted = given.only or ["v1_1_2", "v1_2_2_new", "drafted"]
    told: dict[str, Any] = {}
    if "v1_1_2" in wanted:
        told["v1_1_2"] = measured(runner, "v1.1.2", suites, POLICIES, modes)
    if "v1_2_2_new" in wanted and (new := [s for s in suites if s in NEW]):
        told["v1_2_2_new"] = measured(runner, "v1.2.2", new, POLICIES, modes, "--only", "new")
    if "drafted" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            for suite in suites:
                tools = Path(folder, f"{suite}.json")
                tools.write_text(runner.job("v1.1.2", suite, "none", "signatures", "nobody"), encoding="utf-8")
                Path(folder, f"{suite}.yaml").write_text(draft(read_signatures(tools)), encoding="utf-8")
            told["drafted"] = measured(runner, "v1.1.2", suites, Path(folder), modes)
    runner.close()
    if given.json:
        print(json.dumps(told, indent=2))
        return
    for name, one in told.items():
        print(f"{name}")
        for key in (*MUST, "utility_under_attack"):
            r = one["intervals"][key]
            print(f"  {key:22} {r['share']:7.2%}  [{r['low']:.2%}, {r['high']:.2%}]  {r['hits']} of {r['n']}")
        for key in ("rubber_stamp", "without_policy"):
            r = one[key]["asr_total"]
            print(f"  {key:22} {r['share']:7.2%}  [{r['low']:.2%}, {r['high']:.2%}]  {r['hits']} of {r['n']}")
        r = one["intervals"]["autonomy"]
        print(f"  {'autonomy':22} {r['share']:7.2%}  {one['intervals']['asks']} asks")


def model_text(told: dict[str, Any]) -> str:
    lines = []
    for row, rates in told.items():
        lines.append(f"{row}: {rates['errors']} cases without a verdict {rates['error'][:100]}")
        for key, r in rates.items():
            if isinstance(r, dict) and r["n"]:
                lines.append(
                    f"  {key:22} {r['share']:7.2%}  [{r['low']:.2%}, {r['high']:.2%}]  {r['hits']} of {r['n']}"
                )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
