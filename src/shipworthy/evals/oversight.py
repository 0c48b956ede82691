"""How well people watch: right on answers of known label, words faster than reading, and what tiring does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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

SITTING_S = 1800.0
"""Seconds without a word after which somebody who answers comes to it fresh."""


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
        fatigue: right on known answers by place in a sitting, each interface by itself where there are several.
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
        fatigue=tuple(_fatigue(queue, known, sorted({w.interface for w in given}))),
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


def _fatigue(queue: LabelQueue, known: Sequence[QueueWord], interfaces: Sequence[str]) -> Iterable[TiredPart]:
    for interface in interfaces:
        numbered = [(w.place, _cluster(queue, w), _right(queue, w)) for w in known if w.interface == interface]
        for part in _parts(numbered):
            yield part if len(interfaces) == 1 else part._replace(places=f"{part.places}, {interface}")


class JointWatch(NamedTuple):
    """What everybody together is worth who labelled: rates on known hits and on known others, None without any."""

    people: int
    sensitivity: RateInterval | None
    specificity: RateInterval | None


def joint(queues: Iterable[tuple[LabelQueue, Mapping[int, Sequence[QueueWord]]]]) -> JointWatch:
    """Return how often the last words of all people on known answers are right; an answer is one cluster.

    Args:
        queues: each with the words of its readers by number.
    """
    hits, others, people = list[tuple[str, bool]](), list[tuple[str, bool]](), set[str]()
    for queue, by_reader in queues:
        for reader, words in by_reader.items():
            _, said = replay(words)
            for item, word in said.items():
                people.add(queue.people[reader - 1])
                one = queue.items[item]
                if one.known:
                    (hits if one.hit else others).append((one.cluster, (word == "hit") is one.hit))
    return JointWatch(len(people), _rate(hits), _rate(others))


def _parts(numbered: Sequence[tuple[int, str, bool]]) -> Iterable[TiredPart]:
    """Yield the parts of a fatigue curve from places in a sitting, clusters, and whether each word was right."""
    first = 1
    for end in (*BANDS, None):
        part = [one for one in numbered if first <= one[0] and (end is None or one[0] <= end)]
        right = _rate((cluster, yes) for _, cluster, yes in part)
        if right is not None:
            yield TiredPart(f"{first}-{end}" if end is not None else f"{first} and later", right)
        first = (end or 0) + 1


class KnownWord(NamedTuple):
    """A word on something whose right answer is known: who gave it, when (seconds), what is right and what was said.

    ``True`` is the careful answer: a hit, a no to a call.
    """

    by: str
    at: float
    right: bool
    said: bool


class Watchfulness(NamedTuple):
    """What one person's words on known items are worth.

    Attributes:
        caught: share of those to be refused that were; the rest were waved through.
        passed: share of those to be let pass that were.
        fatigue: right by place in a sitting; a pause of `SITTING_S` begins another one.
    """

    by: str
    words: int
    caught: RateInterval | None
    passed: RateInterval | None
    fatigue: tuple[TiredPart, ...]


def watches(words: Iterable[KnownWord], others: Iterable[tuple[str, float]] = ()) -> list[Watchfulness]:
    """Return what each person's words are worth, with exact 95 % intervals, by name.

    Args:
        others: who answered something of unknown answer, and when: it tires, too.
    """
    by: dict[str, list[KnownWord]] = {}
    for word in words:
        by.setdefault(word.by, []).append(word)
    tiring = list(others)
    found = []
    for name in sorted(by):
        mine = by[name]
        places = _places(sorted([*(w.at for w in mine), *(at for who, at in tiring if who == name)]))
        numbered = [(places[w.at], str(n), w.right == w.said) for n, w in enumerate(mine)]
        found.append(
            Watchfulness(
                by=name,
                words=len(mine),
                caught=_rate((str(n), w.said) for n, w in enumerate(mine) if w.right),
                passed=_rate((str(n), not w.said) for n, w in enumerate(mine) if not w.right),
                fatigue=tuple(_parts(numbered)),
            )
        )
    return found


def _places(times: Sequence[float]) -> dict[float, int]:
    """Return the place in its sitting of each of some times, which are in order."""
    places: dict[float, int] = {}
    place, before = 0, float("-inf")
    for at in times:
        place = place + 1 if at - before < SITTING_S else 1
        places[at], before = place, at
    return places
