"""What was used of tools, and what a person endorsed, beyond one request: shared by all workers while the gateway runs.

A policy's budget of a user holds "while the process lives". Here that is the gateway's: its workers are forked from one
process and share the key that is drawn in it. Recipients, endorsed values and the names of sessions stand in the files
only as codes under that key, which is nowhere on a disk: once the gateway has ended, nobody can read what they were,
and it begins anew.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, MutableSet
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from shipworthy.enforce.policy.budget import Accounts, Spent
from shipworthy.store.files import exclusive, make_directory

if TYPE_CHECKING:
    from shipworthy.enforce.policy.engine import Policy
    from shipworthy.enforce.policy.session import Session
    from shipworthy.workspace.policies import ToolBudget

FOLDER = "spent"
OLD_S = 86_400.0
"""Seconds after which what another run of the gateway left is removed."""

_KEY = secrets.token_bytes(32)


def coded(*words: str) -> str:
    """Return a code for some words, 32 hex digits, that means something in this process and its children alone."""
    return hmac.new(_KEY, msgspec.json.encode(words), sha256).hexdigest()[:32]


class CodedSpent(Spent):
    """What was used of one tool; its recipients are codes."""

    __slots__ = ()

    def beyond(self, budget: ToolBudget, amount: float, recipients: frozenset[str]) -> str:
        """Return what one more call would exceed, in half a sentence; "" where it fits."""
        return super().beyond(budget, amount, frozenset(map(coded, recipients)))

    def add(self, amount: float, recipients: frozenset[str]) -> None:
        """Book a call that may run."""
        super().add(amount, frozenset(map(coded, recipients)))


class CodedSet(MutableSet[tuple[str, str, str]]):
    """Endorsed values, as codes."""

    def __init__(self) -> None:
        self.codes: set[str] = set()

    def __contains__(self, value: object) -> bool:
        return isinstance(value, tuple) and coded(*map(str, value)) in self.codes

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        raise TypeError("codes cannot be read back")

    def __len__(self) -> int:
        return len(self.codes)

    def add(self, value: tuple[str, str, str]) -> None:
        """Take a value in."""
        self.codes.add(coded(*value))

    def discard(self, value: tuple[str, str, str]) -> None:
        """Take a value out."""
        self.codes.discard(coded(*value))


class _Line(Struct, frozen=True):
    """What was used of one tool, as it stands in a file."""

    calls: int
    amount: float
    recipients: tuple[str, ...] = ()


class _Kept(Struct, frozen=True):
    """A file: what was used by tool, and codes of what was endorsed."""

    spent: dict[str, _Line] = {}
    endorsed: tuple[str, ...] = ()


class _KeptAccounts(Accounts):
    """One user's accounts, whatever the name that is asked for."""

    def __init__(self) -> None:
        self.by_tool: defaultdict[str, Spent] = defaultdict(CodedSpent)

    def of(self, user: str, tool: str) -> Spent:
        return self.by_tool[tool]


class SpentBook:
    """The files of one gateway.

    Args:
        state: the gateway's folder.
    """

    def __init__(self, state: Path) -> None:
        self._all = state / FOLDER
        self._folder = self._all / coded("run")[:16]

    def page(self, client: str, session: str, policy: Policy) -> SpentPage:
        """Return what counts for one conversation.

        Args:
            session: empty where the client does not name it: then a request's own past is all that counts for it.
        """
        rules = [tool.rule for tool in policy.tools.values()]
        limited = {name: tool.rule.budget for name, tool in policy.tools.items() if tool.rule.budget is not None}
        conditions = any(rule.when is not None for rule in rules)  # which may name the calls of every tool
        of_user = frozenset(name for name, budget in limited.items() if budget.per == "user")
        of_session = frozenset(policy.tools if conditions else limited)
        user = self._folder / f"u{coded(client)}.json" if of_user else None
        own = self._folder / f"s{coded(client, session)}.json" if session else None
        return SpentPage(user, own, of_user, of_session)

    def clean(self) -> None:
        """Remove what runs that have ended long ago left."""
        with suppress(OSError):
            for folder in self._all.iterdir():
                if folder != self._folder and time.time() - folder.stat().st_mtime > OLD_S:
                    shutil.rmtree(folder, ignore_errors=True)


class SpentPage:
    """What counts for one conversation of one client.

    Args:
        user, session: the files that hold it; None where it does not count beyond the request.
        of_user, of_session: the tools whose use counts there.
    """

    def __init__(
        self, user: Path | None, session: Path | None, of_user: frozenset[str], of_session: frozenset[str]
    ) -> None:
        self._user, self._session, self._of_user, self._of_session = user, session, of_user, of_session
        self._accounts = _KeptAccounts()
        self._spent: defaultdict[str, Spent] = defaultdict(CodedSpent)
        self._endorsed = CodedSet()

    def session(self, policy: Policy, user: str) -> Session:
        """Return the policy's session over it."""
        return policy.session(user, accounts=self._accounts, spent=self._spent, endorsed=self._endorsed)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Read what counts before a word on a call, and keep what it comes to after it; no other worker does meanwhile.

        What the conversation itself shows counts too: of the two, whatever is more.

        Raises:
            OSError: it cannot be read or kept: the call is refused.
        """
        files = [file for file in (self._user, self._session) if file is not None]
        if not files:
            yield
            return
        make_directory(files[0].parent, mode=0o700)
        with exclusive(files[0].parent / "lock"):
            before = [_read(file) for file in files]
            for file, kept in zip(files, before, strict=True):
                _add(kept, self._accounts.by_tool if file is self._user else self._spent)
                self._endorsed.codes.update(kept.endorsed)
            yield
            for file, kept in zip(files, before, strict=True):
                now = self._now(file)
                if now != kept:
                    _write(file, now)

    def _now(self, file: Path) -> _Kept:
        own = file is self._session
        spent, tools = (self._spent, self._of_session) if own else (self._accounts.by_tool, self._of_user)
        lines = {
            tool: _Line(one.calls, one.amount, tuple(sorted(one.recipients)))
            for tool, one in sorted(spent.items())
            if one.calls and tool in tools
        }
        return _Kept(lines, tuple(sorted(self._endorsed.codes)) if own else ())


def _read(file: Path) -> _Kept:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return _Kept()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise OSError(f"{file} is damaged ({type(error).__name__})") from None


def _write(file: Path, kept: _Kept) -> None:
    """Write a file in one step. It has to outlast a worker and not the machine: the key goes with that."""
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as opened:
        opened.write(msgspec.json.encode(kept))
    draft.replace(file)


def _add(kept: _Kept, spent: defaultdict[str, Spent]) -> None:
    for tool, line in kept.spent.items():
        one = spent[tool]
        one.calls, one.amount = max(one.calls, line.calls), max(one.amount, line.amount)
        one.recipients |= set(line.recipients)
