"""SECURITY.md is the threat model: each claim in its tables names tests, and each of those is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| who |", "| what |"))]


def _named(row: str) -> list[Path]:
    """Return the paths that the last cell of a row names; one without a folder lies beside the one before it."""
    found: list[Path] = []
    for name in re.findall(r"`([^`]+)`", row.rstrip(" |").rpartition(" | ")[2]):
        beside = found and "/" not in name
        found.append(found[-1].parent / name if beside else ROOT / name)
    return found


def test_there_are_two_tables():
    assert len(ROWS) > 25
    assert sum("| claims |" in line for line in TEXT.splitlines()) == 1


@pytest.mark.parametrize("row", ROWS, ids=[row[2:40] for row in ROWS])
def test_each_claim_names_tests_that_are_there(row: str) -> None:
    named = _named(row)
    assert named, "a claim without a test"
    for path in named:
        assert path.is_relative_to(ROOT / "tests"), path
        files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
        assert files, path
        for file in files:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
            assert any(node.name.startswith("test_") for node in functions), file


def test_the_bench_that_it_names_has_the_cases_and_prints_the_counts():
    bench = ast.parse((ROOT / "bench" / "hostile.py").read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(bench) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {"refused", "traceback", "accepted_wrongly", "tried"} <= words
    modules = {path.stem for path in (ROOT / "bench" / "hostile_cases").glob("*.py")} & words
    assert len(modules) >= 18
    assert "bench/hostile.py --share" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "bench/hostile.py ||" in (ROOT / ".ci" / "nightly").read_text(encoding="utf-8")
