"""Environments of other tools, each made from the lock beside this file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
ENVIRONMENTS = REPOSITORY / ".nox" / "peers"
PYTHONS = {"petri": "python3.12"}
"""Peers that want another Python than ours: on the path, or where a variable such as PYTHON312 says."""
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
        _make(name, place)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)
        (place / "ready").write_text(lock.read_text())
    return str(python)


def _make(name: str, place: Path) -> None:
    """Make an empty environment, of the Python that the peer wants."""
    if name not in PYTHONS:
        venv.create(place, with_pip=True)
        return
    wanted = os.environ.get(PYTHONS[name].upper().replace(".", "")) or shutil.which(PYTHONS[name])
    if wanted is None:
        raise SystemExit(f"{name} wants {PYTHONS[name]}: put it on the path")
    subprocess.run([wanted, "-m", "venv", place], check=True)


def sources_of(name: str) -> Path:
    """Return the folder of a locked package's own files, without what it needs: for data that are read and not run."""
    place, lock = ENVIRONMENTS / name, HERE / f"requirements-{name}.txt"
    if not (place / "ready").exists() or (place / "ready").read_text() != lock.read_text():
        print(f"   taking the files of {name} ...", file=sys.stderr, flush=True)
        shutil.rmtree(place, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "--target", place, "-r", lock], check=True)
        (place / "ready").write_text(lock.read_text())
    return place


def apart(home: str) -> dict[str, str]:
    """Return the variables of a peer's process: nothing is sent, our sources can be imported, and it writes at home."""
    return os.environ | OFFLINE | {"PYTHONPATH": str(REPOSITORY / "src"), "HOME": home, "TMPDIR": home}


def run_apart(command: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a peer's program in a home of its own, which is gone afterwards; `how` as for `subprocess.run`."""
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(command, env=apart(home), text=True, **how)
