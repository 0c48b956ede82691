"""What stands behind the tokens of a session: in memory alone, of bounded size, forgotten after a time."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from time import monotonic
from typing import NamedTuple

from shipworthy.detect.normalise import skeleton

TOKEN = re.compile(r"<([A-Z][A-Z_]{0,24})_([0-9]{1,6})>")

SESSIONS, VALUES, SECONDS = 10_000, 1_000, 3600.0
"""Sessions that are kept, values of one, and seconds unused after which one is forgotten, when any is next used."""


class _Kept(NamedTuple):
    token: str
    value: str


class VaultSession:
    """The values of one session. The same value has the same token, however it is spaced.

    Attributes:
        used: when it was last asked for.
    """

    def __init__(self) -> None:
        self.used = 0.0
        self._of: dict[tuple[str, str], _Kept] = {}
        self._own: dict[str, str] = {}
        self._bare: set[str] = set()
        self._counts: dict[str, int] = {}

    def token(self, kind: str, value: str, *, own: bool) -> str:
        """Return the token of a value; "" where the session holds no more.

        Args:
            own: the asker wrote it: it may be restored for them.
        """
        key = kind, skeleton(value).text
        kept = self._of.get(key)
        if kept is None:
            if len(self._of) >= VALUES:
                return ""
            self._counts[kind] = self._counts.get(kind, 0) + 1
            kept = self._of[key] = _Kept(f"<{kind.upper()}_{self._counts[kind]}>", value)
        if own:
            self._own[kept.token] = kept.value
            self._bare.add(key[1])
        return kept.token

    def own(self, value: str) -> bool:
        """Say whether the asker wrote this value."""
        return skeleton(value).text in self._bare

    def tokens(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield where a text holds tokens of the asker's own values, and the values."""
        for found in TOKEN.finditer(text):
            if (value := self._own.get(found[0])) is not None:
                yield *found.span(), value


class Vault:
    """Sessions by user and name; the one that was not used for longest goes first.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._sessions: OrderedDict[tuple[str, str], VaultSession] = OrderedDict()

    def session(self, user: str, name: str) -> VaultSession:
        """Return a session, a new one where there is none or it is forgotten."""
        now = self._clock()
        while self._sessions:
            oldest = next(iter(self._sessions.values()))
            if len(self._sessions) <= SESSIONS and now - oldest.used <= SECONDS:
                break
            self._sessions.popitem(last=False)
        session = self._sessions.setdefault((user, name), VaultSession())
        self._sessions.move_to_end((user, name))
        session.used = now
        return session
