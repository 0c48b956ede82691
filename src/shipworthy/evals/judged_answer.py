"""A scorer's word on a labelled answer, and shares of such words with exact limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

from shipworthy.stats import rate_interval
from shipworthy.workspace.labelled import LabelledAnswer


class JudgedAnswer(NamedTuple):
    """A scorer's word on one labelled answer: `hit` None where it gave none, `error` why where it failed."""

    answer: LabelledAnswer
    hit: bool | None
    confidence: float | None = None
    error: str = ""

    @property
    def right(self) -> bool:
        """Whether it says what people say."""
        return self.hit is self.answer.hit


class Share(Struct, frozen=True):
    """So many of so many, with exact 95 % limits (Clopper and Pearson)."""

    right: int
    of: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """In [0, 1]."""
        return self.right / self.of


def independent(judged: Iterable[JudgedAnswer]) -> Iterator[JudgedAnswer]:
    """Yield one answer of each kind of label a cluster, by a hash of its id: they do not depend on one another."""
    chosen: dict[tuple[str, bool], JudgedAnswer] = {}
    for one in judged:
        key = one.answer.cluster, one.answer.hit
        if key not in chosen or place(one.answer.id) < place(chosen[key].answer.id):
            chosen[key] = one
    yield from chosen.values()


def share(right: Sequence[bool]) -> Share | None:
    """Return how many are true, with exact limits; None of nothing."""
    if not right:
        return None
    found = rate_interval([int(one) for one in right], [1] * len(right))
    return Share(found.hits, found.trials, found.low, found.high)


def place(id: str) -> bytes:
    """Return where an answer stands in an order that nobody chose."""
    return sha256(id.encode("utf-8", "replace")).digest()
