"""Past calls under another policy: which of them would be decided otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.enforce.policy.decision import Decision
from shipworthy.enforce.policy.engine import Policy


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of the past and what it gave; `verdict` is what was said of it then, "" where nobody noted it."""

    tool: str
    args: dict[str, Any] = {}
    gave: Any = None
    verdict: str = ""


class Past(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation of the past: the user's words, and the calls in their order."""

    says: str
    calls: tuple[Made, ...] = ()
    id: str = ""


class Changed(NamedTuple):
    """A call on which two policies differ: conversation, place of the call from 1, the words before and after."""

    session: str
    number: int
    tool: str
    before: str
    after: Decision


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
            found.append(msgspec.json.decode(line, type=Past))
        except (msgspec.DecodeError, RecursionError) as error:
            hint = 'write {"says": "...", "calls": [{"tool": "...", "args": {}, "gave": ...}]}'
            raise WorkspaceError([Problem(path, number, f"is no conversation: {error}", hint)]) from None
    return found


def words_on(policy: Policy, past: Past) -> Iterator[Decision]:
    """Yield a policy's word on each call of a conversation. Each call is taken to have been made, whatever it says.

    That keeps what comes after it comparable; what a person would have answered is not known.
    """
    session = policy.session(user=past.id)
    session.hear([past.says])
    for call in past.calls:
        decision = session.decide(call.tool, call.args)
        if decision.word != "allow":
            session.ran_anyway(call.tool, call.args)
        yield decision
        session.returned(call.tool, call.args, call.gave)


def changes(past: Iterable[Past], new: Policy, old: Policy | None = None) -> Iterator[Changed]:
    """Yield the calls whose word changes.

    Args:
        old: what is compared with; what was noted of each call then if left out, and calls of which nothing was noted
            count as allowed.
    """
    for place, session in enumerate(past, start=1):
        now = list(words_on(new, session))
        then = (
            [d.word for d in words_on(old, session)]
            if old is not None
            else [c.verdict or "allow" for c in session.calls]
        )
        for number, (call, before, after) in enumerate(zip(session.calls, then, now, strict=True), start=1):
            if before != after.word:
                yield Changed(session.id or f"line {place}", number, call.tool, before, after)


def rule_changes(old: Policy, new: Policy) -> Iterator[tuple[str, str]]:
    """Yield each tool whose rule differs, and how: added, removed, or the keys that changed."""
    before, after = (dict(p.describe()["policy"]) for p in (old, new))
    for key in sorted((before.keys() | after.keys()) - {"tools"}):
        if before.get(key) != after.get(key):
            yield key, f"{before.get(key)} -> {after.get(key)}"
    for tool in sorted(before["tools"].keys() | after["tools"].keys()):
        was, now = before["tools"].get(tool), after["tools"].get(tool)
        if was is None:
            yield tool, "added: its calls were refused"
        elif now is None:
            yield tool, "removed: its calls are refused"
        elif was != now:
            yield tool, "changed: " + ", ".join(sorted(k for k in was if was[k] != now[k]))
