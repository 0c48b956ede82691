"""A budgeted search: the nearest tries kept and varied further, the same seed the same tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Generic, NamedTuple, TypeVar

from shipworthy.core.errors import UsageError

KEPT = 12
"""Tries that are varied further."""

FRESH = 0.15
"""Of the tries that begin again from a first one."""

Try = TypeVar("Try")
Came = TypeVar("Came")


class Weighed(NamedTuple, Generic[Came]):
    """What came of a try: whether it reached the goal, how near it came (higher is nearer), its length."""

    came: Came
    reached: bool
    near: float
    size: int


class Climbed(NamedTuple, Generic[Try, Came]):
    """What a search came to.

    Attributes:
        tries: that were made.
        first: the number of the try that reached the goal, from 1; 0 where none did.
        reached: how many did.
        shortest: the shortest of the nearest, which reached it where any did.
        came: what came of that one.
    """

    tries: int
    first: int
    reached: int
    shortest: Try
    came: Came


class Climber(Generic[Try, Came]):
    """The search, one try at a time: `next` gives one, `tell` takes what came of it. Several may be under way.

    The first third of the tries, at most, are first ones; what comes after varies the nearest, or joins two of them.

    Args:
        begin: first tries; the last is made first.
        vary: makes another of one.
        key: what two equal tries share: none is given twice.
        tries: 1 or more. Fewer are given where nothing new turns up.
        cross: joins two tries into one; `crossed` of the later tries are made so.

    Raises:
        UsageError: there is nothing to begin with, or no try to make.
    """

    def __init__(
        self,
        begin: Sequence[Try],
        vary: Callable[[Try, Random], Try],
        key: Callable[[Try], object],
        *,
        tries: int,
        rng: Random,
        cross: Callable[[Try, Try, Random], Try] | None = None,
        crossed: float = 0.3,
    ) -> None:
        if not begin or tries < 1:
            raise UsageError("a search needs something to begin with and a try to make")
        self._begin, self._vary, self._key, self._rng = begin, vary, key, rng
        self._cross, self._crossed, self._tries = cross, crossed, tries
        self._waiting = list(begin)[: max(1, tries // 3)]
        self._kept: list[tuple[float, int, Try, Came]] = []
        self._seen: set[object] = set()
        self._given = self._idle = 0

    def next(self) -> Try | None:
        """Return a try that was not given before; None where there is none left."""
        while self._given < self._tries and self._idle < 20 * self._tries:
            one = self._another()
            if (name := self._key(one)) in self._seen:
                self._idle += 1
                continue
            self._seen.add(name)
            self._given += 1
            return one
        return None

    def _another(self) -> Try:
        rng, kept = self._rng, self._kept
        if self._waiting:
            return self._waiting.pop()
        if not kept or rng.random() < FRESH:
            return self._vary(rng.choice(self._begin), rng)
        if self._cross is not None and len(kept) > 1 and rng.random() < self._crossed:
            return self._cross(self._near(), self._near(), rng)
        return self._vary(self._near(), rng)

    def _near(self) -> Try:
        return min(self._rng.sample(self._kept, min(3, len(self._kept))), key=lambda k: k[:2])[2]

    def tell(self, one: Try, weighed: Weighed[Came]) -> None:
        """Take in what came of a try."""
        self._kept.append((-weighed.near, weighed.size, one, weighed.came))
        self._kept.sort(key=lambda k: k[:2])
        del self._kept[KEPT:]

    @property
    def nearest(self) -> tuple[Try, Came]:
        """The shortest of the nearest tries, and what came of it. One must have been told."""
        return self._kept[0][2:]


def climb(
    begin: Sequence[Try],
    vary: Callable[[Try, Random], Try],
    play: Callable[[Try], Weighed[Came]],
    key: Callable[[Try], object],
    *,
    tries: int,
    rng: Random,
) -> Climbed[Try, Came]:
    """Look for a try that reaches a goal, one after another; see `Climber`.

    Args:
        play: says what comes of one; the same try comes to the same.

    Raises:
        UsageError: there is nothing to begin with, or no try to make.
    """
    climber: Climber[Try, Came] = Climber(begin, vary, key, tries=tries, rng=rng)
    made = first = reached = 0
    while (one := climber.next()) is not None:
        made += 1
        weighed = play(one)
        if weighed.reached:
            reached += 1
            first = first or made
        climber.tell(one, weighed)
    shortest, came = climber.nearest
    return Climbed(made, first, reached, shortest, came)
