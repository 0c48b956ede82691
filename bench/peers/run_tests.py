"""Run tests of ours in a peer's environment: for packages that the development lock does not hold.

python bench/peers/run_tests.py NAME PATH ...

The environment is made from ``requirements-NAME.txt`` beside this file, and the tests run from this checkout,
without its conftest, which wants more packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from environments import HERE, OFFLINE, python_of

REPOSITORY = HERE.parents[1]


def main() -> int:
    """Run them, and return pytest's exit code."""
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    name, *paths = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | OFFLINE | {"PYTHONPATH": str(REPOSITORY / "src"), "HOME": home, "TMPDIR": home}
        command = [python_of(name), "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", *paths]
        return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
