"""A set of attempt ids that takes 12 bytes an id, where a set of strings takes 120.

A run of a million attempts must know which of them are made, and its memory must hardly grow with them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator

from shipworthy.core.finished import PLANNED

_MIX = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio: spreads ids that differ in few digits (Knuth 6.4)
_MASK = (1 << 64) - 1
_SMALLEST = 10  # bits

_common = re.compile("AT-[0-9a-f]{16}").fullmatch


def compact(id: str) -> int:
    """Return the number in an id of the common form, ``AT-`` and 16 lowercase hex digits, or 0 for any other id.

    >>> compact("AT-00000000000000ff")
    255
    >>> compact("AT-00000000000000ff-2")
    0
    """
    # `int` is lenient (spaces, underscores, capitals), so the digits are looked at first.
    return int(id[3:], 16) if _common(id) else 0


class AttemptIds:
    """A set of attempt ids: exact, growing, without removal.

    Ids of the common form are numbers in a table with open addressing and linear probing, at most two thirds full.
    All others (the second try of an attempt ends in ``-2``) are few and stand in an ordinary set.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._used, self._shift = 0, 64 - _SMALLEST
        self._table = array("Q", [0]) * (1 << _SMALLEST)
        # 0 marks a free slot of the table, so the one id of that number stands here, too.
        self._others: set[str] = set()
        self._retries = 0
        for id in ids:
            self.add(id)

    def add(self, id: str) -> bool:
        """Add an id; say whether it was not there before."""
        number = compact(id)
        if not number:
            new = id not in self._others
            self._retries += new and len(id) > PLANNED
            self._others.add(id)
            return new
        slot = self._slot(number)
        if self._table[slot]:
            return False
        self._table[slot] = number
        self._used += 1
        if 3 * self._used > 2 * len(self._table):
            self._grow()
        return True

    def __contains__(self, id: object) -> bool:
        if not isinstance(id, str):
            return False
        number = compact(id)
        return bool(self._table[self._slot(number)]) if number else id in self._others

    def __len__(self) -> int:
        return self._used + len(self._others)

    @property
    def made(self) -> int:
        """How many planned attempts the ids stand for: a second try counts with the first."""
        return len(self) - self._retries

    def __iter__(self) -> Iterator[str]:
        """Yield the ids, in no order."""
        yield from (f"AT-{number:016x}" for number in self._table if number)
        yield from self._others

    def _slot(self, number: int) -> int:
        """Return where a number is, or the free slot where it would be."""
        table = self._table
        last = len(table) - 1
        slot = (number * _MIX & _MASK) >> self._shift
        while (there := table[slot]) and there != number:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        old = self._table
        self._shift -= 1
        self._table = array("Q", [0]) * (2 * len(old))
        for number in old:
            if number:
                self._table[self._slot(number)] = number
