"""A policy of another language in ours: what maps becomes conditions, what does not is said and fails closed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from shipworthy.core.errors import Problem, UsageError, WorkspaceError

READABLE = "args.all(k, args[k] != null && type(args[k]) != double)"
"""Cedar knows neither null nor fractions: a request that holds one is none."""

BREAKS = "1 / 0"
"""An expression without a value: the check breaks, and the call is refused."""

LONGEST_CONDITION = 100_000
DEEPEST_PART, DEEPEST_CONDITION = 24, 44
"""Brackets inside one another, of one policy and of a whole condition; CEL reads no more than some 47 choices."""

_BRACKET = re.compile(r'"(?:\\.|[^"\\])*"|[(){}\[\]]')
_HEAD = """\
# Imported by `shipworthy policy import` from {file}: nobody has looked at it yet.
# The source knows no origins of values, so no argument is checked for where it comes from: give each its class (see
# docs/reference/policy.md). Every tool is taken to be `external`. Tools that are not named here are refused, whatever
# the source says of them, and calls for which a condition has no answer, such as one without an argument that it reads.
# Give each rule a case that it allows and one that it refuses, and take out `why: imported`.
"""


class ImportNote(NamedTuple):
    """One thing that did not map: the line of the source, from 1, what it is, and what became of it.

    Attributes:
        tools: that it concerns; none where it is said once for all of them.
    """

    line: int
    what: str
    became: str
    tools: tuple[str, ...] = ()


class ToolDraft(NamedTuple):
    """The rule that a tool gets.

    Attributes:
        when: a condition in CEL; "" where it always holds.
        ask: a person is asked, since something that could refuse the call did not map.
        names: arguments that the source speaks of.
    """

    when: str
    ask: bool
    names: frozenset[str] = frozenset()


class Imported(NamedTuple):
    """What came of a file."""

    tools: Mapping[str, ToolDraft]
    notes: Sequence[ImportNote]

    def text(self, file: Path, arguments: Mapping[str, frozenset[str]]) -> str:
        """Return a ``policy.yaml``, each note at its tool.

        Args:
            file: that was imported.
            arguments: of tools whose signatures are known.
        """
        lines = [_HEAD.format(file=_plain(file.name))]
        lines += [f"# REVIEW {_plain(note_line(file, note))}\n" for note in self.notes if not note.tools]
        if not self.tools:
            return "".join(lines) + "tools: {}\n"
        lines.append("tools:\n")
        for name, draft in self.tools.items():
            here = [note for note in self.notes if name in note.tools]
            lines += [f"  # REVIEW {_plain(note_line(file, note))}\n" for note in here]
            rule: dict[str, Any] = {"effect": "external"}
            if known := sorted(draft.names | arguments.get(name, frozenset())):
                rule["args"] = dict.fromkeys(known, "none")
            if draft.ask:
                rule["ask"] = True
            if draft.when:
                rule["when"] = draft.when
            rule["why"] = "imported"
            dumped = yaml.safe_dump({name: rule}, sort_keys=False, width=1_000_000, allow_unicode=True)
            lines += [f"  {line}\n" for line in dumped.splitlines()]
        return "".join(lines)


def note_line(file: Path, note: ImportNote) -> str:
    """Return a note with its place."""
    return f"{file}:{note.line}: {note.what}: {note.became}"


def read_source(file: Path) -> str:
    """Read a policy of another language.

    Raises:
        WorkspaceError: it cannot be read, or is too large.
    """
    try:
        if file.stat().st_size > 4_000_000:
            raise WorkspaceError([Problem(file, 0, "is larger than 4 MB")])
        return file.read_text("utf-8")
    except OSError as error:
        raise WorkspaceError([Problem(file, 0, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise WorkspaceError([Problem(file, 0, "is not UTF-8")]) from None


def quoted(value: str | float) -> str:
    """Return a value as CEL writes it."""
    return json.dumps(value, ensure_ascii=False)


def both(parts: Sequence[str]) -> str:
    """Return what holds where all parts do, asked in their order: one without an answer leaves the whole without.

    CEL's own ``&&`` would go by whichever part has an answer. Halves of halves: CEL reads no more than some 47 choices
    inside one another.
    """
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({both(parts[:half])} ? {both(parts[half:])} : false)"


def either(parts: Sequence[str]) -> str:
    """Return what holds where one part does, asked in their order; see `both`."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({either(parts[:half])} ? true : {either(parts[half:])})"


def depth(text: str) -> int:
    """Return how many brackets of a condition stand inside one another.

    >>> depth('(a["("] + 1)')
    2
    """
    most = now = 0
    for sign in _BRACKET.findall(text):
        now += 1 if sign in "([{" else -1 if sign in ")]}" else 0
        most = max(most, now)
    return most


def bounded(when: str, tool: str) -> str:
    """Return a condition.

    Raises:
        UsageError: it became too long, or too deep for CEL.
    """
    if len(when) > LONGEST_CONDITION or depth(when) > DEEPEST_CONDITION:
        raise UsageError(
            f"the condition of the tool {tool!r} would be longer than {LONGEST_CONDITION:,} characters, or deeper than "
            f"{DEEPEST_CONDITION} levels: split the source"
        )
    return when


def _plain(text: str) -> str:
    """Return a text for one line of a comment: nothing in it can end the line."""
    return "".join(c if c.isprintable() else "?" for c in text)
