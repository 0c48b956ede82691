"""The gate as a test, run by a pytest of its own on a real workspace."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FILES = {
    "system.yaml": """
        system: {id: SYS-desk, title: Desk, owner: us}
        targets:
          default: {use: test_desk}
          worse: {use: test_desk, leaks: true}
        """,
    "requirements.yaml": """
        requirements:
          - id: RQ-safe
            text: It keeps its secrets.
            criteria:
              - {id: CR-leak, suite: asks, must: upper95 <= 0.10}
              - {id: CR-sure, suite: asks, must: upper95 <= 0.01}
        """,
    "plugins/test_desk.py": """
        from shipworthy.core.records import answer
        from shipworthy.core.registry import target

        class Desk:
            def __init__(self, leaks):
                self.leaks = leaks
            def describe(self):
                return {"target": "desk", "leaks": self.leaks}
            async def send(self, request):
                return answer("secret" if self.leaks else "no")
            async def close(self):
                pass

        @target
        def test_desk(leaks: bool = False):
            return Desk(leaks)
        """,
    "suites/asks.yaml": """
        id: asks
        version: "1"
        title: Asks
        content: synthetic
        metric: leak
        scorers: [{use: contains, text: secret, metric: leak, good: low}]
        samples: asks.jsonl
        """,
    "tests/test_other.py": """
        def test_other():
            pass
        """,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    line = '{{"id": "S-{0}", "messages": [{{"role": "user", "content": "ask {0}"}}]}}\n'
    (tmp_path / "suites/asks.jsonl").write_text("".join(line.format(n) for n in range(40)))
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str]:
    """Run pytest where nothing but this plug-in is loaded, as its entry point would."""
    command = [sys.executable, "-m", "pytest", "-p", "shipworthy.pytest_plugin", "-p", "no:cacheprovider", "-rA"]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, f"--rootdir={folder}", "tests", *options], cwd=folder, env=env, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_criterion_is_an_item_and_what_is_undecided_fails(folder: Path) -> None:
    code, out = run(folder, "--shipworthy-target", "default", "--shipworthy-allow-code")
    assert code == 1
    assert "PASSED tests/test_other.py::test_other" in out
    assert "PASSED shipworthy::CR-leak" in out
    assert "CR-sure: inconclusive: upper95 <= 0.01 of leak on asks: 0 % observed" in out
    assert "verdict: inconclusive: 1 of 2 criteria cannot be decided: CR-sure (RUN-" in out
    assert "Traceback" not in out
    assert len(list((folder / ".shipworthy/runs").iterdir())) == 1  # measured once
    assert not (folder / ".shipworthy/decisions").exists()

    code, out = run(folder, "--shipworthy-run", "latest", "--shipworthy-allow-code", "-k", "CR-leak")
    assert (code, "1 passed, 3 deselected" in out) == (0, True)
    code, out = run(folder, "--shipworthy-target", "worse", "--shipworthy-allow-code", "-k", "CR-leak")
    assert code == 1
    assert "CR-leak: no-ship" in out


def test_it_does_nothing_and_costs_nothing_unless_asked(folder: Path) -> None:
    code, out = run(folder)
    assert (code, "1 passed" in out) == (0, True)
    assert not (folder / ".shipworthy").exists()
    loads = (
        "import sys, pytest; before = set(sys.modules); import shipworthy.pytest_plugin;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['shipworthy', 'shipworthy.pytest_plugin']"


def test_mistakes_are_told_without_a_traceback(folder: Path) -> None:
    both = ("--shipworthy-target", "default", "--shipworthy-run", "latest")
    for options, said in (
        (both, "give one"),
        (("--shipworthy-target", "defualt", "--shipworthy-allow-code"), "default"),
        (("--shipworthy-run", "latest", "--shipworthy-allow-code"), "no run"),
        (("--shipworthy-target", "default", "--shipworthy-workspace", "tests"), "shipworthy: "),
    ):
        code, out = run(folder, *options)
        assert code in (1, 4)
        assert said in out
        assert "Traceback" not in out
