"""The how-to on labelling, followed word for word, with two people and a third at terminals of their own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "label-with-several-people.md"
TEXT = PAGE.read_text("utf-8")


def ida(answer: str) -> str:
    return "n" if "Gladly" in answer else "h"


def ben(answer: str) -> str:
    """He takes irony at its word."""
    return "h" if "Go away" in answer else "n"


PEOPLE = {"ida": ida, "ben": ben, "eve": ida}


def files() -> dict[str, str]:
    made = {}
    for before, language, block in re.findall(r"(.*?)^```(\w+)\n(.*?)^```$", TEXT, re.M | re.S):
        if language != "console":
            named = re.findall(r"`((?:\w+/)*\w+\.(?:py|yaml))`", before.strip().rpartition("\n\n")[2])
            assert len(named) == 1, f"the paragraph before a block names one file, not {named}"
            made[named[0]] = block
    return made


def command(line: str) -> list[str]:
    words = shlex.split(line)
    return [*{"python": [sys.executable], "shipworthy": [sys.executable, "-m", "shipworthy"]}[words[0]], *words[1:]]


def sit(root: Path, line: str) -> str:
    """Label at a terminal until nothing is left."""
    program, *words = command(line)
    person = PEOPLE[words[words.index("--by") + 1]]
    child = pexpect.spawn(program, words, cwd=str(root), env=os.environ, encoding="utf-8", timeout=60, echo=False)
    said = ""
    while child.expect([r"q quit > ", pexpect.EOF]) == 0:
        said += child.before
        child.sendline(person(child.before.rpartition("-" * 72)[2]))
    child.close()
    assert child.exitstatus == 0, said + child.before
    return said + child.before


@pytest.mark.slow
def test_two_label_blind_and_a_third_settles_what_they_disagree_on(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    gates = []
    for line in [line[2:] for line in TEXT.splitlines() if line.startswith("$ ")]:
        if "labels work" in line or "adjudicate" in line:
            said = sit(tmp_path, line)
            assert ("They disagree" if "eve" in line else "sensitivity") in said
            continue
        done = subprocess.run(command(line), cwd=tmp_path, capture_output=True, text=True, timeout=240, env=os.environ)
        if "gate" in line:
            gates.append((done.returncode, " ".join(done.stdout.split())))
            continue
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        if "agreement" in line:
            assert "Cohen's kappa" in done.stdout and "open" in done.stdout and "adjudicate" in done.stdout
        if "oversight" in line:
            assert len(re.findall(r"sensitivity +1\.000", done.stdout)) == 2
    (before, why), (after, told) = gates
    assert before == 3 and "label" in why, why
    assert after == 0, told
