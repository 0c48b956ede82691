"""How many tests there are: functions, cases that pytest makes of them, and both beside the lines of source.

python bench/count.py [--json]
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> dict[str, Function]:
    """Return the functions that a file defines, methods of classes included."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}


def says(function: Function, others: dict[str, Function], seen: frozenset[str] = frozenset()) -> bool:
    """Return whether a test says what must be: by itself, by a helper beside it, or in a process that must succeed."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert | ast.Raise):
            return True
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            checked = any(word.arg == "check" and ast.unparse(word.value) == "True" for word in node.keywords)
            if called in ("raises", "warns", "fail") or called.startswith("assert") or checked:
                return True
            helper = others.get(called)
            if helper is not None and called not in seen and says(helper, others, seen | {function.name}):
                return True
    return False


def lines(folder: Path) -> int:
    """Return the lines of all Python files in a folder."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in folder.rglob("*.py"))


def cases() -> int:
    """Return how many cases pytest collects."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    collected = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return sum("::" in line for line in collected.splitlines())


def main() -> None:
    """Print what was counted."""
    tests, quiet = 0, []
    for path in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        found = functions(ast.parse(path.read_text(encoding="utf-8")))
        mine = {name: function for name, function in found.items() if name.startswith("test_")}
        tests += len(mine)
        quiet += [f"{path.relative_to(REPOSITORY)}::{name}" for name in mine if not says(mine[name], found)]
    made, source = cases(), lines(REPOSITORY / "src")
    if "--json" in sys.argv:
        print(json.dumps({"functions": tests, "cases": made, "source_lines": source, "quiet": len(quiet)}))
        return
    print(f"{tests:,} test functions, {made:,} cases, {source:,} lines of source")
    print(f"{1000 * tests / source:.0f} functions and {1000 * made / source:.0f} cases a thousand lines")
    print(f"{len(quiet)} functions ask only that nothing is raised:", *quiet, sep="\n  ")


if __name__ == "__main__":
    main()
