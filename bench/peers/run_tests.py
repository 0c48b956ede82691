"""Run tests of ours in a peer's environment: for packages that the development lock does not hold.

python bench/peers/run_tests.py NAME PATH ...

The environment is made from ``requirements-NAME.txt`` beside this file, and the tests run from this checkout,
without its conftest, which wants more packages.
"""

from __future__ import annotations

import sys

from environments import REPOSITORY, python_of, run_apart


def main() -> int:
    """Run them, and return pytest's exit code."""
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    name, *paths = sys.argv[1:]
    command = [python_of(name), "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", *paths]
    return run_apart(command, cwd=REPOSITORY).returncode


if __name__ == "__main__":
    sys.exit(main())
