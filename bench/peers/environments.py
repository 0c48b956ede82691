"""Environments of other tools, each made from the lock beside this file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".nox" / "peers"
OFFLINE = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_SELF_HOSTED": "1",
}


def python_of(name: str) -> str:
    """Return the interpreter of a peer's environment, making the environment first where it is not there."""
    place, lock = ENVIRONMENTS / name, HERE / f"requirements-{name}.txt"
    python = place / "bin" / "python"
    if not (place / "ready").exists() or (place / "ready").read_text() != lock.read_text():
        print(f"   making the environment of {name} ...", file=sys.stderr, flush=True)
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)
        (place / "ready").write_text(lock.read_text())
    return str(python)
