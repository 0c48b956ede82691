"""A conversation as a policy sees it: the user's words, the texts others wrote, the calls and what became of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from shipworthy.core.errors import Problem, WorkspaceError

_HINT = 'write {"says": "...", "calls": [{"tool": "...", "args": {}, "gave": ...}]}'


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call of the past and what it gave.

    Attributes:
        verdict: what was said of it then; "" where nobody noted it. `rule` is what decided.
        says: all of the user's words by then, oldest first, where they are others than the conversation's first.
        flagged: rules of guards that had flagged a text of the conversation by then.
        read: texts that others wrote and that were shown to the model before it: documents.
        made: it ran; `granted` because a person said yes, with the arguments `ran` where they changed them.
        failed: what it gave is an error's text.
        known: its arguments are on record.
        id, turn: of the call.
    """

    tool: str
    args: dict[str, Any] = {}
    gave: Any = None
    verdict: Literal["", "allow", "ask", "deny", "stop"] = ""
    rule: str = ""
    says: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    flagged: tuple[str, ...] = ()
    made: bool = True
    granted: bool = False
    ran: dict[str, Any] | None = None
    failed: bool = False
    known: bool = True
    id: str = ""
    turn: int = 1


class Past(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A conversation of the past: the user's words, and the calls in their order."""

    says: str
    calls: tuple[Made, ...] = ()
    id: str = ""


def read_past(path: Path) -> list[Past]:
    """Read conversations, one JSON object a line.

    Raises:
        WorkspaceError: with the line that is none.
    """
    found = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise WorkspaceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            past = msgspec.json.decode(line, type=Past)
        except (msgspec.DecodeError, RecursionError) as error:
            raise WorkspaceError([Problem(path, number, f"is no conversation: {error}", _HINT)]) from None
        found.append(past if past.id else msgspec.structs.replace(past, id=f"line {number}"))
    return found
