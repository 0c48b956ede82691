"""`make bench`: every figure shipworthy promises, measured here and now, beside the floor and the peers.

python bench/run.py [NAME ...] [--peers]
    --peers also installs and runs the peers in environments of their own (minutes, gigabytes)
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent

BENCHES = {
    "footprint": "size and packages of the core, CPU of --help",
    "engine": "CPU and memory an attempt costs; throughput over HTTP beside a bare client",
    "runlog": "memory of a run log of a million records, written and read",
    "gateway": "CPU and latency beside a proxy without guards; bytes that leave unseen; the kill switch",
    "control": "CPU of events appended and verified; a list of 500 runs",
    "labels": "CPU of a hundred labels given in the loop",
    "evidence": "a question about evidence, behind which a run of 100,000 attempts stands",
    "error_rates": "coverage and error rates, simulated",
    "attacks": "attempts a second of rules, a classifier and a search, beside garak and PyRIT",
    "guards": "CPU a text of each guard, and of the input path",
    "scorers": "agreement of each scorer with human labels (needs ../shared)",
}


def main(arguments: list[str]) -> int:
    """Run the benches named, or all; return 1 where one broke its limit."""
    wanted = [a for a in arguments if not a.startswith("-")] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"no bench {unknown[0]!r}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted:
        print(f"\n== {name}: {BENCHES[name]}", flush=True)
        started = time.monotonic()
        if subprocess.run([sys.executable, HERE / f"{name}.py"]).returncode:
            failed.append(name)
        print(f"   ({time.monotonic() - started:.0f} s)", flush=True)
    if "--peers" in arguments:
        print("\n== peers: the same job in other tools", flush=True)
        if subprocess.run([sys.executable, HERE / "peers" / "run.py"]).returncode:
            failed.append("peers")
    print("\nbroke a limit or failed: " + ", ".join(failed) if failed else "\nall within their limits")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
