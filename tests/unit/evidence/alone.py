"""The stand-alone verifier, in interpreters that have Python and `cryptography` and nothing else."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from shipworthy.evidence.bundle import bundle
from shipworthy.evidence.verification import Verification
from shipworthy.store.trust import Trust

TAKES_MORE = {"dossier", "fields", "files", "pages", "report", "rules"}
"""Checks that take all of shipworthy."""

# As `python verify.py` would, but for the one folder: -I and -S leave nothing beside the standard library.
_RUN = """
import sys
sys.path.append(sys.argv[1])
sys.argv = sys.argv[2:]
with open(sys.argv[0], encoding="utf-8") as file:
    exec(compile(file.read(), sys.argv[0], "exec"), {"__name__": "__main__", "__file__": sys.argv[0]})
"""

# Verifies one pack after another: (trust, pack) in, the checks out. What it unpickles are the file's own classes.
_SERVE = """
import sys
sys.path.append(sys.argv[1])
told = {"__name__": "verifier", "__file__": sys.argv[2]}
with open(sys.argv[2], encoding="utf-8") as file:
    exec(compile(file.read(), sys.argv[2], "exec"), told)
sys.meta_path.insert(0, told["Inside"]())
import pickle, struct
from shipworthy.evidence.verify import verify_bytes
while head := sys.stdin.buffer.read(8):
    trust, pack = pickle.loads(sys.stdin.buffer.read(struct.unpack(">Q", head)[0]))
    found = verify_bytes(pack, trust)
    kept = pickle.dumps([tuple(check) for check in found.checks])
    sys.stdout.buffer.write(struct.pack(">Q", len(kept)) + kept)
    sys.stdout.buffer.flush()
"""


@cache
def _place() -> tuple[Path, Path]:
    """Return a folder with `cryptography` alone, and the verifier beside it."""
    root = Path(tempfile.mkdtemp(prefix="shipworthy-alone-"))
    folder, file = root / "only", root / "verify.py"
    folder.mkdir()
    for name in ("cryptography", "cffi", "_cffi_backend"):
        found = find_spec(name)
        if found is not None and found.origin is not None:
            there = Path(found.origin).parent if found.submodule_search_locations else Path(found.origin)
            (folder / there.name).symlink_to(there)
    file.write_bytes(bundle())
    return folder, file


def command(*arguments: object) -> list[str]:
    """Return the command line that runs the verifier, given its arguments."""
    folder, file = _place()
    return [sys.executable, "-I", "-S", "-c", _RUN, str(folder), str(file), *map(str, arguments)]


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the verifier in a process of its own."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, **options)


class Alone:
    """A process that verifies one pack after another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def checks(self, data: bytes, trust: Trust) -> list[tuple[Any, ...]]:
        """Return what the stand-alone verifier finds: what, whether it holds, the detail, whether it was compared."""
        if self._process is None:
            folder, file = _place()
            words = [sys.executable, "-I", "-S", "-c", _SERVE, str(folder), str(file)]
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ))
        sent, answers = self._process.stdin, self._process.stdout
        assert sent is not None and answers is not None
        asked = pickle.dumps((trust, data))
        sent.write(struct.pack(">Q", len(asked)) + asked)
        sent.flush()
        head = answers.read(8)
        assert len(head) == 8, "the stand-alone verifier ended"
        found: list[tuple[Any, ...]] = pickle.load(io.BytesIO(answers.read(struct.unpack(">Q", head)[0])))
        return found

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()


def agree(found: Verification, alone: list[tuple[Any, ...]]) -> None:
    """Hold both verifiers to the same checks with the same words, as far as the stand-alone one goes.

    It may stop short of the library's only where it says itself what it did not compare.
    """
    mine = [tuple(check) for check in found.checks if check.what not in TAKES_MORE]
    theirs = [check for check in alone if check[0] not in TAKES_MORE]
    assert theirs == mine
    if all(check[1] for check in theirs):
        assert any(not check[3] for check in alone), alone
