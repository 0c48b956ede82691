"""The next command as it can be typed: with the workspace, and the leave, of the one that prints it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple


class Again(NamedTuple):
    """What commands that follow have in common with this one.

    Attributes:
        workspace: as it was given; relative to the folder the user stands in, as the next command will be.
        allow_code: whether this command was given leave, which the next will need as well.
    """

    workspace: Path
    allow_code: bool = False

    def line(self, *words: str, code: bool = True) -> str:
        """Return a command line that a shell takes as it is printed.

        Args:
            words: the verb, its arguments and options.
            code: whether the verb runs code of the workspace: one that does not has no `--allow-code`.

        >>> Again(Path("my work"), True).line("gate")
        "shipworthy gate -C 'my work' --allow-code"
        >>> Again(Path("."), True).line("runs", "samples", "--hit", code=False)
        'shipworthy runs samples --hit'
        """
        where = [] if str(self.workspace) == "." else ["-C", str(self.workspace)]
        group = 2 if words[0] in GROUPS and len(words) > 1 else 1
        leave = ["--allow-code"] if code and self.allow_code else []
        return shlex.join(["shipworthy", *words[:group], *where, *words[group:], *leave])


GROUPS = frozenset({"audit", "baseline", "decisions", "evidence", "keys", "labels", "model", "runs", "suites"})
"""Verbs with verbs of their own, which come before any option."""
