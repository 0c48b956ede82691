"""Whether Inspect's own reader opens what we export: `python bench/interchange.py RUN-DIRECTORY [--json]`.

Inspect runs in an environment of its own, see `bench/peers/environments.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from peers.environments import apart, python_of

from shipworthy.evals.exports import inspect_log
from shipworthy.evals.results import Run

READ = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries
log = read_eval_log(sys.argv[1])
scores = {s.name: {m.name: m.value for m in s.metrics.values()} for s in log.results.scores}
print(json.dumps({"status": log.status, "samples": len(log.samples), "scores": scores,
                  "summaries": len(read_eval_log_sample_summaries(sys.argv[1])),
                  "errors": sum(s.error is not None for s in log.samples)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    options = parser.parse_args()
    run, found = Run.load(options.run), {}
    for use in run.manifest.suites:
        with tempfile.TemporaryDirectory() as home:
            path = Path(home) / "log.json"
            path.write_text(json.dumps(inspect_log(run, use.id)))
            command = [python_of("inspect"), "-c", READ, str(path)]
            done = subprocess.run(command, env=apart(home), capture_output=True, text=True, check=True)
            found[use.id] = json.loads(done.stdout.splitlines()[-1])
        if found[use.id]["samples"] != run.made(use.id) - sum(run.inapplicable(use.id).values()):
            raise SystemExit(f"Inspect read {found[use.id]['samples']} samples of {use.id}")
    if options.json:
        print(json.dumps(found))
    else:
        for suite, row in found.items():
            print(f"{suite}: {row['samples']} samples, {row['errors']} errors, {row['status']}; {row['scores']}")


if __name__ == "__main__":
    main()
