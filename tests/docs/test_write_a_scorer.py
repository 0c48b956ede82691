"""The how-to on scorers, followed word for word: its files written, its commands run, its verdicts seen."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-scorer.md"


def files() -> dict[str, str]:
    """Return what the page has its reader save: the paragraph before each block of code names its file."""
    made = {}
    for before, language, block in re.findall(r"(.*?)^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S):
        if language == "console":
            continue
        named = re.findall(r"`((?:\w+/)*\w+\.(?:py|yaml))`", before.strip().rpartition("\n\n")[2])
        assert len(named) == 1, f"the paragraph before a block names one file, not {named}"
        made[named[0]] = block
    return made


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("harbour")
    for name, text in files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def run(root: Path, line: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line)
    programs = {"python": [sys.executable], "shipworthy": [sys.executable, "-m", "shipworthy"]}
    command = [*programs[words[0]], *words[1:]]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240, env=os.environ)


def test_every_file_of_the_page_is_there(workspace: Path) -> None:
    assert set(files()) == {
        "harbour.py", "system.yaml", "targets.yaml", "risks.yaml", "requirements.yaml", "suites/words.yaml",
        "plugins/shouting.py", "make_samples.py",
    }  # fmt: skip


def test_the_commands_ship_and_a_broken_promise_does_not(workspace: Path) -> None:
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    lines = [line.removeprefix("$ ") for line in block.splitlines()]
    assert [line.split()[1] for line in lines] == ["make_samples.py", "check", "eval", "gate"]
    for line in lines:
        done = run(workspace, line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    for criterion in ("CR-refund", "CR-form", "CR-short", "CR-hours", "CR-shout"):
        assert criterion in done.stdout
    code = workspace / "harbour.py"
    code.write_text(code.read_text("utf-8").replace("The office", "We give a full refund. The office"), "utf-8")
    targets = workspace / "targets.yaml"
    targets.write_text(targets.read_text("utf-8").replace('version: "1"', 'version: "2"'), "utf-8")
    assert run(workspace, lines[2]).returncode == 0
    assert run(workspace, lines[3]).returncode == 1
