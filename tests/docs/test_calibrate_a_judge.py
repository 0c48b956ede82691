"""The how-to on judges, followed word for word: its files written, its commands run, its verdict and reason seen."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "calibrate-a-judge.md"


def files() -> dict[str, str]:
    """Return what the page has its reader save: the paragraph before each block of code names its file first."""
    made = {}
    for before, language, block in re.findall(r"(.*?)^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S):
        if language != "console":
            named = re.findall(r"`((?:\w+/)*\w+\.(?:py|yaml))`", before.strip().rpartition("\n\n")[2])
            assert len(named) == 1, f"the paragraph before a block names one file, not {named}"
            made[named[0]] = block
    return made


def run(root: Path, line: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line)
    programs = {"python": [sys.executable], "shipworthy": [sys.executable, "-m", "shipworthy"]}
    command = [*programs[words[0]], *words[1:]]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240, env=os.environ)


def test_the_judge_passes_its_bar_and_the_gate_corrects_by_it(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    lines = [line.removeprefix("$ ") for line in block.splitlines()]
    for line in lines[:-1]:
        done = run(tmp_path, line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        if "calibrate" in line:
            assert ".625" in done.stdout and "it passes its bar" in done.stdout
            page = (tmp_path / "judge.html").read_text("utf-8")
            assert "Passes its bar" in page and "What sways it" in page
    decided = run(tmp_path, lines[-1])
    assert decided.returncode == 3, decided.stdout + decided.stderr
    assert "corrected for its judge" in " ".join(decided.stdout.split())
    listed = run(tmp_path, "shipworthy judge list --allow-code")
    assert "rude@1" in listed.stdout and "50/80" in listed.stdout
    compared = run(tmp_path, "shipworthy judge compare manners --labels labels.jsonl --allow-code")
    assert compared.returncode == 0 and "judge" in compared.stdout
