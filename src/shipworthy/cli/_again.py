"""The next command as it can be typed: with the workspace, and the leave, of the one that prints it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import click

_COMMAND = re.compile(r"(?P<before>`|^[ ]+)shipworthy (?P<line>[a-z][^`\n]*)(?P<after>`|$)", re.MULTILINE)
"""In backticks, or alone on a line that is set in."""


class Again(NamedTuple):
    """What commands that follow have in common with this one.

    Attributes:
        workspace: as it was given; relative to the folder the user stands in, as the next command will be.
        allow_code: whether this command was given leave, which the next will need as well.
    """

    workspace: Path = Path()
    allow_code: bool = False

    def line(self, *words: str) -> str:
        """Return a command line that a shell takes as it is printed.

        >>> Again(Path("my work"), True).line("gate")
        "shipworthy gate -C 'my work' --allow-code"
        >>> Again(Path("my work"), True).line("runs", "samples", "--hit")
        "shipworthy runs samples -C 'my work' --hit"
        >>> Again(Path(), True).line("keys", "list")
        'shipworthy keys list'
        """
        return f"shipworthy {self._whole(shlex.join(words))}"

    def told(self, text: str) -> str:
        """Return a message whose commands, in backticks or on lines of their own, can be typed where this one was.

        Whoever raises an error in the middle of the work knows the next verb, and not how this one was called.

        >>> Again(Path("w"), True).told("there is no run here yet: `shipworthy eval` makes one")
        'there is no run here yet: `shipworthy eval -C w --allow-code` makes one'
        """
        return _COMMAND.sub(lambda f: f"{f['before']}shipworthy {self._whole(f['line'])}{f['after']}", text)

    def _whole(self, line: str) -> str:
        words = line.split(" ")
        verb, command = _command(words)
        if command is None or {"-C", "--workspace"} & set(words):
            return line
        takes = {parameter.name for parameter in command.params}
        where = ["-C", shlex.quote(str(self.workspace))] if "workspace" in takes and self.workspace != Path() else []
        leave = ["--allow-code"] if self.allow_code and "allow_code" in takes and "--allow-code" not in words else []
        return " ".join([*words[:verb], *where, *words[verb:], *leave])


def _command(words: list[str]) -> tuple[int, click.Command | None]:
    """Return how many words name a verb, and the verb; None where they name none."""
    from shipworthy.cli import root

    found: click.Command = root
    for number, word in enumerate(words):
        if not isinstance(found, click.Group):
            return number, found
        context = click.Context(found)
        inner = found.get_command(context, word) if word in found.list_commands(context) else None
        if inner is None:
            return number, getattr(found, "decide", None)  # `gate` takes runs where it does not take its one command
        found = inner
    found = getattr(found, "decide", found)
    return len(words), None if isinstance(found, click.Group) else found
