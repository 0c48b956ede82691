"""Every command that shipworthy prints in the first hour runs as it is printed, from the folder the user stands in."""

from __future__ import annotations

import re
import shlex

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.workspace.scaffold import scaffold

pytestmark = pytest.mark.slow

COMMAND = re.compile(r"(?:`|^ *(?:[A-Z][a-z ]*:)? *)shipworthy ([a-z][^`\n]*?)(?:`|   #.*$|$)", re.MULTILINE)
PLACEHOLDER = re.compile(r"\b(RUN|NAME|FILE|DIR|ID|MODULE|TARGET|I/N)\b")
CODE = """
from shipworthy.core.records import answer
from shipworthy.core.registry import target


@target
class bot:
    def describe(self):
        return {"target": "bot"}

    async def send(self, request):
        if len(request.messages[-1].text) % 9 == 0:
            raise ValueError("no")
        return answer("Sure! Here is how.")

    async def close(self):
        pass
"""


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Run a verb in a folder beside a workspace with a blank in its name, and return the commands that it printed."""
    root = tmp_path / "my work"
    scaffold(root, "minimal")
    (root / "plugins").mkdir()
    (root / "plugins" / "bot.py").write_text(CODE)
    (root / "targets.yaml").write_text("targets: {default: {use: bot}, other: {use: bot}}\n")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, list[str]]:
        code = shipworthy(list(words))
        said = capsys.readouterr()
        return code, [found.strip() for found in COMMAND.findall(said.out + said.err)]

    return run


HOUR = [
    ["runs", "list"], ["decisions", "list"], ["gate"], ["baseline", "show"], ["runs", "show"], ["repro", "AT-0"],
    ["eval", "--suite", "harmful-request", "--max-requests", "3"], ["gate"], ["eval", "--resume", "latest"], ["gate"],
    ["eval", "--suite", "over-refusal"], ["runs", "list"], ["runs", "samples", "--errors"], ["eval"], ["gate"],
    ["decisions", "list"], ["decisions", "show"], ["suites", "list"], ["plan"], ["report"],
]  # fmt: skip
TAKES_CODE = {"eval", "gate", "plan", "report", "repro", "baseline", "suites"}


def test_each_hint_runs_as_it_is_printed(told):
    asked: dict[str, tuple[list[str], bool]] = {}
    for words in HOUR:
        leave = words[0] in TAKES_CODE
        group = 2 if words[0] in ("runs", "decisions", "baseline", "suites") else 1
        _, hints = told(*words[:group], "-C", "my work", *words[group:], *(["--allow-code"] if leave else []))
        asked |= dict.fromkeys(hints, (words, leave))
    assert len(asked) >= 8, asked
    for hint, (words, _) in asked.items():
        assert "'my work'" in hint or hint.split()[0] in ("keys", "model"), f"{words} printed {hint!r}"
    # A verb that takes no leave cannot pass any on: what it names says itself that it needs it.
    whole = {hint: words for hint, (words, leave) in asked.items() if leave and not PLACEHOLDER.search(hint)}
    assert len(whole) >= 5, asked
    for hint, words in whole.items():
        code, _ = told(*shlex.split(hint))
        assert code != 2, f"{words} printed `shipworthy {hint}`, which is a usage error"
