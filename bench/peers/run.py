"""Run the same job in other tools, each in an environment of its own, and print what it cost beside shipworthy.

python bench/peers/run.py [inspect] [deepeval] [promptfoo] [--n N]

The environments are made under ``.nox/peers`` from the locked versions beside this file: hundreds of megabytes, and
more than a gigabyte for promptfoo. The job is 2,000 samples unless --n says otherwise; nothing leaves the machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from environments import ENVIRONMENTS, HERE, apart, python_of, run_apart

PEERS = ("inspect", "deepeval", "promptfoo")


def python_job(name: str, n: int, *arguments: str) -> dict[str, Any]:
    """Run a peer's script and return the line of JSON it ends with."""
    command = [python_of(name), str(HERE / f"{name}_job.py"), str(n), *arguments]
    done = run_apart(command, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def promptfoo_job(n: int) -> dict[str, Any]:
    """Run promptfoo's command line; CPU and memory are of the whole process."""
    place = ENVIRONMENTS / "promptfoo"
    if not (place / "node_modules" / "promptfoo").exists():
        print("   installing promptfoo ...", flush=True)
        place.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / file, place)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True)
    with tempfile.TemporaryDirectory() as scratch:
        tests = [
            {"vars": {"question": f"Question {i}: say yes"}, "assert": [{"type": "equals", "value": "yes"}]}
            for i in range(n)
        ]
        provider = f"file://{HERE / 'promptfoo_provider.js'}"
        config = Path(scratch) / "promptfooconfig.json"
        config.write_text(json.dumps({"prompts": ["{{question}}"], "providers": [provider], "tests": tests}))
        out = Path(scratch) / "out.json"
        command = [str(place / "node_modules" / ".bin" / "promptfoo"), "eval", "-c", str(config), "-o", str(out)]
        command += ["--no-cache", "--no-progress-bar", "--no-table", "-j", "4"]
        environment = apart(scratch) | {"PROMPTFOO_CONFIG_DIR": scratch}
        began = time.perf_counter()
        with (Path(scratch) / "said.txt").open("w+") as said:
            process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(
                process.pid, 0
            )  # this child's own usage: an installation before it does not count
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            if not out.exists():
                raise RuntimeError(f"exit code {process.returncode}: {said.read()[-2000:]}")
        wall = time.perf_counter() - began
        stats = json.loads(out.read_text())["results"]["stats"]
    if stats["successes"] != n:
        raise RuntimeError(f"{stats}: the measurement is void")
    cpu = used.ru_utime + used.ru_stime
    return {"n": n, "cpu_ms": cpu / n * 1e3, "wall_s": wall, "peak_mb": used.ru_maxrss / 1024}


def ours(n: int) -> dict[str, Any]:
    """Run shipworthy's own job."""
    command = [sys.executable, str(HERE.parent / "engine.py"), "measure", "engine", str(n)]
    result: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return result


def main(arguments: list[str]) -> int:
    """Print the table; return 1 where a peer could not be run."""
    n = int(arguments[arguments.index("--n") + 1]) if "--n" in arguments else 2_000
    wanted = [name for name in arguments if name in PEERS] or list(PEERS)
    jobs: list[tuple[str, Any]] = []
    for name in wanted:
        if name == "promptfoo":
            jobs.append(("promptfoo", lambda: promptfoo_job(n)))
        else:
            jobs.append((name, lambda name=name: python_job(name, n)))
        if name == "inspect":
            jobs.append(("inspect, durable", lambda: python_job("inspect", n, "--realtime")))
    base = ours(n)
    print(f"{n:,} samples, instant target\n")
    print(f"{'':20}{'CPU ms each':>12}{'x ours':>8}{'peak MB':>9}{'x ours':>8}{'wall s':>8}")
    failed = False
    for label, job in [("shipworthy", lambda: base), *jobs]:
        try:
            row = job()
        except (RuntimeError, subprocess.CalledProcessError, OSError) as error:
            failed = True
            print(f"{label:20}could not be run: {error}")
            continue
        print(
            f"{label:20}{row['cpu_ms']:>12.3f}{row['cpu_ms'] / base['cpu_ms']:>8.0f}"
            f"{row['peak_mb']:>9.0f}{row['peak_mb'] / base['peak_mb']:>8.1f}{row['wall_s']:>8.1f}",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
