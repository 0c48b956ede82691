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


def climb(
    begin: Sequence[Try],
    vary: Callable[[Try, Random], Try],
    play: Callable[[Try], Weighed[Came]],
    key: Callable[[Try], object],
    *,
    tries: int,
    rng: Random,
) -> Climbed[Try, Came]:
    """Look for a try that reaches a goal.

    The first third of the tries, at most, are first ones; what comes after varies the nearest.

    Args:
        begin: first tries; the last is made first.
        vary: makes another of one.
        play: says what comes of one; the same try comes to the same.
        key: what two equal tries share: none is made twice.
        tries: 1 or more. Fewer are made where nothing new turns up.

    Raises:
        UsageError: there is nothing to begin with, or no try to make.
    """
    if not begin or tries < 1:
        raise UsageError("a search needs something to begin with and a try to make")
    waiting = list(begin)[: max(1, tries // 3)]
    kept: list[tuple[float, int, Try, Came]] = []
    seen: set[object] = set()
    made = first = reached = idle = 0
    while made < tries and idle < 20 * tries:
        if waiting:
            one = waiting.pop()
        elif rng.random() < FRESH:
            one = vary(rng.choice(begin), rng)
        else:
            one = vary(min(rng.sample(kept, min(3, len(kept))), key=lambda k: k[:2])[2], rng)
        name = key(one)
        if name in seen:
            idle += 1
            continue
        seen.add(name)
        made += 1
        weighed = play(one)
        if weighed.reached:
            reached += 1
            first = first or made
        kept.append((-weighed.near, weighed.size, one, weighed.came))
        kept.sort(key=lambda k: k[:2])
        del kept[KEPT:]
    _, _, shortest, came = kept[0]
    return Climbed(made, first, reached, shortest, came)
