"""Every bench prints one object with --json, and those that need nothing else still run on the code of today."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
PARTS = {"stub_server", "floor", "instant", "credentials", "gateway_load", "run"}
"""What others measure with, and what runs the others."""


def scripts() -> list[Path]:
    made = [
        path for path in sorted(BENCH.glob("*.py")) if path.stem not in PARTS and not path.stem.startswith("train_")
    ]
    return [path for path in made if "__main__" in path.read_text(encoding="utf-8")]


def run(*words: str, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.stem)
def test_it_says_that_it_takes_json(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "--json" in (ast.get_docstring(ast.parse(text)) or "") or 'add_argument("--json"' in text
    assert "json.dumps(" in text


def test_there_are_benches() -> None:
    assert len(scripts()) > 12


def test_the_control_state_is_measured(tmp_path: Path) -> None:
    small = "import control; control.EVENTS, control.RUNS, control.ATTEMPTS, control.ROUNDS = 3000, 2, 3, 1"
    code = f"import sys; sys.path.insert(0, {str(BENCH)!r}); {small}; sys.argv = ['control', '--json']; control.main()"
    assert {"append_verify_cpu_s", "runs_list_s"} <= json.loads(run("-c", code)).keys()


def test_a_question_about_evidence_is_measured() -> None:
    small = "import evidence as e; e.ATTEMPTS, e.SAMPLES, e.ROUNDS, e.PACKED, e.PACK_MB = 200, 100, 1, 200, 0"
    code = f"import sys; sys.path.insert(0, {str(BENCH)!r}); {small}; sys.argv[1:] = ['--json']; e.main()"
    assert {"trace_why_s", "trace_why_cpu_s", "verify_50mb_s", "verify_standalone_50mb_s"} <= json.loads(
        run("-c", code)
    ).keys()


@pytest.mark.parametrize("what", ["engine", "engine with reply cache", "gate", "large"])
def test_the_engine_is_measured(what: str) -> None:
    assert json.loads(run(str(BENCH / "engine.py"), "measure", what, "4000"))["peak_mb"] > 0


def test_a_run_log_is_measured(tmp_path: Path) -> None:
    for verb in ("write", "read"):
        assert json.loads(run(str(BENCH / "runlog.py"), "measure", str(tmp_path / "run"), verb, "200"))["peak_mb"] > 0


def test_a_search_against_guards_is_measured() -> None:
    words = ("--kind", "canary", "--means", "known", "--tries", "12", "--jobs", "1", "--json")
    told = json.loads(run(str(BENCH / "guarded.py"), *words))
    assert [(row["kind"], row["reached"]["n"]) for row in told["rows"]] == [("canary", 8)]
    assert all(goal["plain_found"] == ["GD-canary: canary"] for goal in told["goals"])
