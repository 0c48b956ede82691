"""How many tests there are: functions, cases that pytest makes of them, and both beside the lines of source.

python bench/count.py
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def functions(path: Path) -> int:
    """Return how many test functions a file defines, methods of classes included."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return sum(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name.startswith("test_") for n in nodes)


def lines(folder: Path) -> int:
    """Return the lines of all Python files in a folder."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in folder.rglob("*.py"))


def cases() -> int:
    """Return how many cases pytest collects."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    collected = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return sum("::" in line for line in collected.splitlines())


if __name__ == "__main__":
    tests, made = sum(map(functions, (REPOSITORY / "tests").rglob("test_*.py"))), cases()
    source = lines(REPOSITORY / "src")
    print(f"{tests:,} test functions, {made:,} cases, {source:,} lines of source")
    print(f"{1000 * tests / source:.0f} functions and {1000 * made / source:.0f} cases a thousand lines")
