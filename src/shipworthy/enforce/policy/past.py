"""A conversation as a policy sees it: the user's words, texts of others, calls and what came of each, the answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from shipworthy.core.errors import Problem, WorkspaceError

_HINT = 'write {"says": "...", "calls": [{"tool": "...", "args": {}, "gave": ...}], "answers": [{"text": "..."}]}'


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


class PastAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An answer of the past as the target gave it, before a policy looked at it.

    Attributes:
        after: how many calls of the conversation came before it; None for all of them.
        verdict: ``deny`` where something of it was left out then; "" where nothing was, or nobody looked.
        says: as of a call. `read`: texts of others that were shown since the last call.
    """

    text: str
    after: int | None = None
    verdict: Literal["", "allow", "deny"] = ""
    says: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    turn: int = 1


class Past(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A conversation of the past: the user's words, the calls in their order, and the answers.

    An answer before which nothing of others was read is left out: no policy looks at it.
    """

    says: str
    calls: tuple[Made, ...] = ()
    id: str = ""
    answers: tuple[PastAnswer, ...] = ()

    def __post_init__(self) -> None:
        ends = [len(self.calls) if one.after is None else one.after for one in self.answers]
        if any(not 0 <= end <= len(self.calls) for end in ends) or ends != sorted(ends):
            raise ValueError("'after' of an answer counts the calls before it, and answers stand in their order")

    def in_order(self) -> Iterator[Made | PastAnswer]:
        """Yield calls and answers as they came one after the other."""
        waiting = list(self.answers)
        for number, call in enumerate(self.calls):
            while waiting and waiting[0].after is not None and waiting[0].after <= number:
                yield waiting.pop(0)
            yield call
        yield from waiting


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
