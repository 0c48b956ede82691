"""The labelling loop in a real terminal (tmux), killed in the middle and taken up again: no word is lost."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import read_labels
from shipworthy.store.layout import Layout
from shipworthy.store.queues import load_queue, read_words

FILES = {
    "desk.py": "def answer(text: str) -> str:\n    return 'Yes.' if text.endswith('0') else 'No.'\n",
    "system.yaml": "system: {id: SYS-desk, title: Desk, owner: us}\n",
    "targets.yaml": 'targets:\n  default: {use: python, call: "desk:answer", version: "1"}\n',
    "suites/yes.yaml": (
        "id: yes\nversion: 1.0.0\ntitle: Does it say yes?\ncontent: synthetic\nmetric: regex\n"
        "scorers:\n  - {use: regex, pattern: 'Yes'}\nsamples: yes.jsonl\n"
    ),
    "suites/yes.jsonl": "".join(
        f'{{"id": "SM-{n:02}", "messages": [{{"role": "user", "content": "Ask {n}"}}]}}\n' for n in range(30)
    ),
}
SHIPWORTHY = [sys.executable, "-m", "shipworthy"]


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    for words in (["eval"], ["labels", "queue", "--suite", "yes", "--people", "ida,ben", "--twice"]):
        done = subprocess.run([*SHIPWORTHY, *words, "--allow-code"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path


class Terminal:
    """A session of tmux with a server of its own."""

    def __init__(self, folder: Path) -> None:
        self._base: list[str] = []
        self._folder = folder

    def tmux(self, *words: str) -> str:
        return subprocess.run([*self._base, *words], check=True, capture_output=True, text=True).stdout

    def open(self, *words: str) -> int:
        """Start a program in a terminal, and return the process's id."""
        # Another server each time: the last one may still be on its way out, and would take a new session with it.
        self._base = ["tmux", "-L", f"sw-{os.getpid()}-{time.monotonic_ns()}", "-f", "/dev/null"]
        environment = [f"-e{name}={os.environ[name]}" for name in ("PATH", "PYTHONPATH") if name in os.environ]
        line = f"exec {shlex.join([*SHIPWORTHY, *words])}"
        keep = ["set-option", "-g", "remain-on-exit", "on", ";"]
        size = ["-d", "-x", "90", "-y", "50", "-c", str(self._folder)]
        self.tmux(*keep, "new-session", *size, *environment, line)
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    def wait(self, pattern: str) -> str:
        for _ in range(600):
            said = self.tmux("capture-pane", "-p", "-J")
            if re.search(pattern, said):
                return said
            time.sleep(0.05)
        raise AssertionError(f"{pattern} never came:\n{said}")

    def close(self) -> None:
        if self._base:
            subprocess.run([*self._base, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def terminal(folder):
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    made = Terminal(folder)
    yield made
    made.close()


def kept(folder):
    layout = Layout(folder)
    queue = load_queue(layout)
    with AuditLog(layout.control_url) as audit:
        return read_words(layout, queue, 1), read_labels(audit, queue.run)


def test_the_loop_survives_kill_nine_and_goes_on_where_it_was(folder, terminal):
    process = terminal.open("labels", "work", "--by", "ida", "--allow-code")
    for number in range(1, 8):
        terminal.wait(rf"(?s)\n{number} of 30\n.*q quit > \s*$")
        terminal.tmux("send-keys", "h" if number % 2 else "n", "Enter")
    # The eighth is shown, so the seventh is kept.
    before = terminal.wait(r"(?s)\n8 of 30\n.*q quit > \s*$")
    os.kill(process, signal.SIGKILL)
    words, labels = kept(folder)
    assert [word.word for word in words] == ["hit", "no-hit"] * 3 + ["hit"]
    assert [label.hit for label in labels] == [True, False] * 3 + [True]
    terminal.close()
    terminal.open("labels", "work", "--by", "ida", "--allow-code")
    again = terminal.wait(r"(?s)\n8 of 30\n.*q quit > \s*$")
    asked = re.compile(r"(?s)\n8 of 30\n.*?\| (Ask \d+)")
    assert asked.search(again)[1] == asked.search(before)[1]
    terminal.tmux("send-keys", "c", "Enter")
    terminal.wait(r"comment > \s*$")
    terminal.tmux("send-keys", "-l", "write to ida.voss@tarnwick.example")
    terminal.tmux("send-keys", "Enter", "h", "Enter", "u", "Enter", "n", "Enter", "q", "Enter")
    said = terminal.wait(r"8 of 30 have a word")
    assert "goes on where you were" in said
    words, labels = kept(folder)
    assert [word.word for word in words[7:]] == ["hit", "undo", "no-hit"]
    assert words[7].comment == "write to [redacted:email]"
    assert [label.hit for label in labels[7:]] == [True, None, False]


def test_lines_from_a_pipe_are_keys_as_well(folder):
    work = [*SHIPWORTHY, "labels", "work", "--by", "ben", "--allow-code"]
    done = subprocess.run(work, cwd=folder, input="x\n" + "n\n" * 30, capture_output=True, text=True)
    assert done.returncode == 0 and "All 30 have a word" in done.stdout, done.stderr
    assert "x: type one of the letters" in done.stdout
    nobody = subprocess.run([*work[:-2], "bo", "--allow-code"], cwd=folder, capture_output=True, text=True)
    assert nobody.returncode == 2 and "dealt to nobody called 'bo'" in nobody.stderr
