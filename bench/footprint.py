"""What an installation costs: size and packages of the core, CPU of `--help`, beside the peers' measured figures.

python bench/footprint.py            builds the wheel, installs it without extras into a scratch environment, measures
python bench/footprint.py --json     the same figures as one JSON object
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
LIMITS = {"size_mb": 350, "packages": 45, "help_cpu_s": 0.2}

# Installed from the package index on 2026-11-23, two shared cores; cold `--help`, user + system, median of 3.
PEERS = [
    ("inspect-ai 0.3.285", 325, 82, 2.44),
    ("promptfoo 0.121.20", 1400, 700, 2.20),
    ("pyrit 1.1.0", 1100, 104, 0.11),
    ("deepeval 4.3.1", 185, 67, 2.10),
    ("lm-eval 0.4.13", 758, 70, 0.36),
    ("garak 0.17.1", 1600, 178, 0.12),
]


def cpu_seconds(command: list[str]) -> float:
    """User plus system seconds of one finished run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure() -> dict[str, float]:
    """Install the core into a scratch environment and measure it."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch) / "env"
        venv.create(environment, with_pip=True)
        python = str(environment / "bin" / "python")
        pip = [python, "-m", "pip", "-q", "--disable-pip-version-check"]
        # The wheel is built here, where the backend is; the locks say what it needs.
        build = [sys.executable, *pip[1:], "wheel", "--no-deps", "--no-build-isolation", "-w", scratch, str(REPOSITORY)]
        subprocess.run(build, check=True)
        (wheel,) = Path(scratch).glob("shipworthy-*.whl")
        lock = str(REPOSITORY / "requirements" / "core.txt")
        subprocess.run([*pip, "install", "--require-hashes", "-r", lock], check=True)
        subprocess.run([*pip, "install", "--no-index", "--no-deps", str(wheel)], check=True)
        names = json.loads(subprocess.check_output([python, "-m", "pip", "list", "--format", "json"], text=True))
        packages = [p["name"] for p in names if p["name"] not in ("pip", "setuptools", "wheel")]
        (site,) = (environment / "lib").glob("python*/site-packages")
        size = sum(
            f.stat().st_size
            for f in site.rglob("*")
            if f.is_file() and f.relative_to(site).parts[0].partition("-")[0] not in ("pip", "setuptools", "wheel")
        )
        command = [str(environment / "bin" / "shipworthy"), "--help"]
        cpu_seconds(command)
        runs = [cpu_seconds(command) for _ in range(5)]
    return {"size_mb": round(size / 1e6), "packages": len(packages), "help_cpu_s": round(sorted(runs)[2], 3)}


def main() -> int:
    """Print the table, or one object; exit 1 where a limit is broken."""
    ours = measure()
    broken = [f"{k}: {ours[k]} > {v}" for k, v in LIMITS.items() if ours[k] > v]
    if "--json" in sys.argv:
        print(json.dumps(ours))
        return bool(broken)
    print(f"{'':24}{'MB':>8}{'packages':>10}{'--help CPU s':>14}")
    print(f"{'shipworthy (core)':24}{ours['size_mb']:>8}{ours['packages']:>10}{ours['help_cpu_s']:>14}")
    print(f"{'  limit':24}{LIMITS['size_mb']:>8}{LIMITS['packages']:>10}{LIMITS['help_cpu_s']:>14}")
    for name, size, packages, cpu in PEERS:
        print(f"{name:24}{size:>8}{packages:>10}{cpu:>14}")
    print("over the limit: " + ", ".join(broken) if broken else "within the limits")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
