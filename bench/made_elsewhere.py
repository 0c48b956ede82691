"""Results that lm-eval, Scout and Petri make on the spot, imported.

python bench/made_elsewhere.py [TOOL ...] [--json]

Each tool runs in an environment of its own, see `bench/peers/environments.py`, offline, with models that are mocks of
its own or answer at random: what is tried is the reading of today's files, not what they measure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peers"))

from environments import apart, python_of  # noqa: E402

from shipworthy.evals.imports.bring import read_foreign  # noqa: E402

LOG = HERE.parent / "tests/unit/evals/imports/files/inspect.eval"
JOBS = {"lm-eval": ("lm_eval_job.py", ()), "scout": ("scout_job.py", (str(LOG),)), "petri": ("petri_job.py", ())}
HUB = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def made(tool: str) -> list[dict[str, object]]:
    """Let a tool write its files, and return what was read of each."""
    script, arguments = JOBS[tool]
    with tempfile.TemporaryDirectory() as home:
        command = [python_of(tool), str(HERE / "peers" / script), *arguments]
        done = subprocess.run(command, env=apart(home) | HUB, cwd=home, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{tool} failed: {done.stderr[-2000:]}")
        files = [Path(line) for line in done.stdout.splitlines() if line.startswith("/") and Path(line).is_file()]
        found = [(path.name, read_foreign(path)) for path in files]
    if not found:
        raise SystemExit(f"{tool} named no file")
    return [
        {
            "tool": one.tool, "version": one.version, "file": name, "attempts": len(one.attempts),
            "scores": sum(len(attempt.said) for attempt in one.attempts),
            "metrics": {suite: [metric.name for metric in some] for suite, some in one.metrics.items()},
            "notes": list(one.notes),
        }
        for name, one in found
    ]  # fmt: skip


def main() -> None:
    """Print a line a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=", ".join(JOBS))
    parser.add_argument("--json", action="store_true", help="print one JSON object a tool")
    given = parser.parse_args()
    if odd := set(given.tools) - set(JOBS):
        parser.error(f"no such tool: {', '.join(sorted(odd))}")
    for tool in given.tools or JOBS:
        for row in made(tool):
            print(json.dumps(row) if given.json else "  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
