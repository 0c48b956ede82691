"""What people and second scorers say of hits on samples of severity S1, read from the audit chain.

A scorer's hit is a candidate: it counts until somebody says that it is none, and again as soon as somebody takes that
back. Standard library only: the gate, and the verifier of a pack, read the chain by these same rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

CONFIRMED = "hit.confirmed"
"""The kind of entry that holds one word on one hit."""

Said = Literal["hit", "no-hit"]

WORDS: tuple[Said, ...] = get_args(Said)


class HitWord(NamedTuple):
    """One word on one hit.

    Attributes:
        run, attempt: ids; of the planned attempt, whichever try was the hit.
        said: whether it is one.
        by: who, a person or a second scorer.
        because: why; may be empty.
        tries: ids of the records that were hits when it was said.
        entry: number of the entry in the audit chain.
    """

    run: str
    attempt: str
    said: Said
    by: str
    because: str
    tries: frozenset[str]
    entry: int


def word(number: int, body: Mapping[str, Any]) -> HitWord:
    """Return the word that an entry holds.

    Raises:
        ValueError: it says neither `hit` nor `no-hit`, or nobody said it.
        KeyError: it lacks something.
    """
    said, by = body["said"], body["by"]
    if said not in WORDS or not by:
        raise ValueError(f"entry {number} is no word on a hit")
    return HitWord(body["run"], body["attempt"], said, by, body["because"], frozenset(body["tries"]), number)


def standing(words: Iterable[HitWord], run: str, hits: Mapping[str, Collection[str]]) -> dict[str, HitWord]:
    """Return the word that stands on each hit of a run; a hit without one is not in it.

    The last word counts, whoever gave it. It says nothing of tries that were made after it: where one of them is a hit,
    the attempt has no word.

    Args:
        words: oldest first, of any runs.
        run: id.
        hits: ids of the planned attempts that are hits on samples of severity S1, each with those of its records that
            say so.

    >>> words = [word(4, {"run": "RUN-1", "attempt": "AT-1", "said": "no-hit", "by": "ada", "because": "a quotation",
    ...                   "tries": ["AT-1"]})]
    >>> [w.by for w in standing(words, "RUN-1", {"AT-1": ["AT-1"], "AT-2": ["AT-2"]}).values()]
    ['ada']
    >>> standing(words, "RUN-1", {"AT-1": ["AT-1", "AT-1-2"]}), standing(words, "RUN-2", {"AT-1": ["AT-1"]})
    ({}, {})
    """
    last = {one.attempt: one for one in words if one.run == run}
    return {id: last[id] for id in sorted(hits) if id in last and last[id].tries.issuperset(hits[id])}
