"""How well people watch: right on answers of known label, words faster than reading, and what tiring does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shipworthy.evals.labelling import replay
from shipworthy.stats import RateInterval, rate_interval
from shipworthy.store.queues import LabelQueue, QueueWord

FASTEST = 600.0
"""Words a minute that nobody reads faster and understands; silent reading is near 240 (Brysbaert 2019)."""
CHARACTERS = 6.0
"""Of a word and the blank after it."""
BANDS = (25, 50, 100, 200)
"""Last places in a sitting of the parts of the fatigue curve; what comes after the last is one part more."""


class TiredPart(NamedTuple):
    """One part of a fatigue curve: places in a sitting, such as ``26-50``, and how many known answers were right."""

    places: str
    right: RateInterval


class Oversight(NamedTuple):
    """What one person's words on a queue are worth. Rates are None where nothing was counted.

    Attributes:
        by: who; `words` given of those that were dealt; `skipped` still.
        known: of these words, on answers of known label.
        sensitivity: share of known hits that the person called one; `specificity` of others that they called none.
        fast: share of words given faster than anybody reads what was shown.
        default: the person's commonest word; `same` how often it was given.
        fatigue: right on known answers by place in a sitting.
    """

    by: str
    dealt: int
    words: int
    skipped: int
    known: int
    sensitivity: RateInterval | None
    specificity: RateInterval | None
    fast: RateInterval | None
    default: str
    same: RateInterval | None
    fatigue: tuple[TiredPart, ...]


def oversight(queue: LabelQueue, reader: int, words: Sequence[QueueWord], *, fastest: float = FASTEST) -> Oversight:
    """Return what one person's words are worth, with 95 % intervals, exact where no two answers depend on one another.

    The last word on each item counts, with all the time that the item was shown.

    Args:
        words: all that the person did, oldest first.
        fastest: words a minute; a word of six characters.

    Wrong to use to compare two people who saw few known answers, for which the intervals are wide, and to call a quick
    person careless: who has seen an answer elsewhere need not read it.
    """
    _, said = replay(words)
    last = {word.item: word for word in words if word.word in ("hit", "no-hit") and word.item in said}
    given = [word for word in last.values() if word.word == said[word.item]]
    known = [word for word in given if queue.items[word.item].known]
    commonest = Counter(word.word for word in given).most_common(1)
    default = commonest[0][0] if commonest else ""
    passed = {word.item for word in words if word.word == "skip"} - set(said)
    return Oversight(
        by=queue.people[reader - 1],
        dealt=len(queue.deals[reader - 1]),
        words=len(given),
        skipped=len(passed),
        known=len(known),
        sensitivity=_rate((_cluster(queue, w), _right(queue, w)) for w in known if queue.items[w.item].hit),
        specificity=_rate((_cluster(queue, w), _right(queue, w)) for w in known if not queue.items[w.item].hit),
        fast=_rate((str(w.item), w.seconds < w.characters / CHARACTERS / fastest * 60) for w in given),
        default=default,
        same=_rate((str(w.item), w.word == default) for w in given),
        fatigue=tuple(_fatigue(queue, known)),
    )


def _right(queue: LabelQueue, word: QueueWord) -> bool:
    return (word.word == "hit") is queue.items[word.item].hit


def _cluster(queue: LabelQueue, word: QueueWord) -> str:
    return queue.items[word.item].cluster


def _rate(counted: Iterable[tuple[str, bool]]) -> RateInterval | None:
    hits: Counter[str] = Counter()
    trials: Counter[str] = Counter()
    for cluster, yes in counted:
        hits[cluster] += yes
        trials[cluster] += 1
    return rate_interval([hits[one] for one in trials], list(trials.values())) if trials else None


def _fatigue(queue: LabelQueue, known: Sequence[QueueWord]) -> Iterable[TiredPart]:
    first = 1
    for end in (*BANDS, None):
        part = [word for word in known if first <= word.place and (end is None or word.place <= end)]
        right = _rate((_cluster(queue, word), _right(queue, word)) for word in part)
        if right is not None:
            yield TiredPart(f"{first}-{end}" if end is not None else f"{first} and later", right)
        first = (end or 0) + 1
