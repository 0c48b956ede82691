"""The adapters of the tool policy, each with the real package in an environment of its own: the same decisions?

python bench/adapters.py [--json] [--only FRAMEWORK ...] [--rounds N] [--tests]

379 recorded calls (bench/adapter_calls: four worlds of ours, agents that are hijacked on the way, the words of an
evaluation's own desk) are made again in each framework's own loop, by a model that is a script. For each framework:

    calls             recorded
    same              of these, the adapter's policy said the same word by the same rule
    refused           were denied, or refused by the person who was asked
    refused_not_run   of these, the tool did not run
    run_as_recorded   of the others, the tool ran, with the arguments that it ran with then
    us_with           microseconds of CPU a call, the framework's loop and the scripted model included
    ratio             to the same loop without an adapter; the least of some rounds each, by turns

`--tests` runs the unit tests and the how-tos of each framework in its environment too; nothing else has these packages
all together. The exit code is 1 where a decision differs, a refused call ran, or a test fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
sys.path.insert(0, str(HERE / "peers"))

from environments import python_of, run_apart  # noqa: E402

FRAMEWORKS = {
    "plain": "",
    "pydantic_ai": "pydantic-ai",
    "mcp": "mcp",
    "openai_agents": "openai-agents",
    "langchain": "langchain",
    "llama_index": "llama-index",
}
"""The name of each framework's lock under bench/peers; the decorator needs none."""

TESTS = ("tests/unit/adapters", "tests/docs/test_policy_in.py", "tests/docs/test_guards_without_a_proxy.py")


def run(framework: str, *line: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the interpreter that has a framework, in a home of its own: peers write where they like."""
    lock = FRAMEWORKS[framework]
    python = python_of(lock) if lock else sys.executable
    return run_apart([python, *line], cwd=REPOSITORY, capture_output=True)


def measured(framework: str, rounds: int) -> dict[str, Any]:
    """Replay the recorded calls through one framework."""
    done = run(framework, str(HERE / "adapter_calls" / "replay.py"), framework, "--rounds", str(rounds))
    if done.returncode:
        raise RuntimeError(f"{framework}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def tested(framework: str) -> str:
    """Run a framework's tests where it is installed; return what pytest says last, which begins with no 0 passed."""
    line = ["-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", "-k", framework, *TESTS]
    done = run(framework, *line)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-500:]
    if done.returncode:
        print(done.stdout[-3000:], file=sys.stderr)
        return f"failed: {last}"
    return last


def wrong(told: dict[str, Any]) -> bool:
    """Say whether something came out otherwise than it was recorded."""
    same = told["same"] == told["calls"] and told["refused_not_run"] == told["refused"]
    return bool(told["wrong"]) or not same or "failed" in told.get("tests", "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", action="append", choices=[*FRAMEWORKS])
    parser.add_argument("--rounds", type=int, default=3, help="0 measures no time")
    parser.add_argument("--tests", action="store_true", help="run the framework's tests in its environment too")
    given = parser.parse_args()
    told = {}
    for framework in given.only or FRAMEWORKS:
        told[framework] = measured(framework, given.rounds)
        if given.tests and FRAMEWORKS[framework]:
            told[framework]["tests"] = tested(framework)
    if given.json:
        print(json.dumps(told, indent=2))
    else:
        print(f"{'':14}{'same':>14}{'refused, not run':>19}{'us a call':>12}{'beside none':>13}")
        for name, one in told.items():
            times = f"{one['us_with']:>12.0f}{one['ratio']:>12.2f}x" if "ratio" in one else ""
            same, held = f"{one['same']} of {one['calls']}", f"{one['refused_not_run']} of {one['refused']}"
            print(f"{name:14}{same:>14}{held:>19}{times}  {one.get('tests', '')}")
            for line in one["wrong"][:10]:
                print(f"    {line}")
    return int(any(wrong(one) for one in told.values()))


if __name__ == "__main__":
    sys.exit(main())
