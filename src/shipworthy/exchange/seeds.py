"""The seeds of one conversation's requests."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from shipworthy.core.events import Party
from shipworthy.core.messages import Message

_encode = msgspec.json.Encoder().encode


class Seeds:
    """The conversation's own seed, and another one for each time that a role is asked the same again.

    Args:
        seed: the conversation's, in [0, 2**31).
    """

    __slots__ = ("_before", "_first", "_seed")

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._first: tuple[Message, ...] | None = None
        self._before: dict[bytes, int] = {}

    def first(self, said: tuple[Message, ...]) -> int:
        """Return the seed of the first request to the target."""
        self._first = said  # Most conversations have one turn: nothing is hashed before there is a second.
        return self._seed

    def next(self, role: Party, said: tuple[Message, ...]) -> int:
        """Return the seed of any other request."""
        if self._first is not None:
            first, self._first = self._first, None
            self._before[_key("target", first)] = 1
        key = _key(role, said)
        before = self._before.get(key, 0)
        self._before[key] = before + 1
        return (self._seed + before) & 0x7FFFFFFF


def _key(role: Party, said: tuple[Message, ...]) -> bytes:
    try:
        return sha256(role.encode() + _encode(said)).digest()
    except UnicodeEncodeError:  # half a surrogate pair: only its own kind can be told from it
        return sha256(role.encode() + repr(said).encode("utf-8", "backslashreplace")).digest()
