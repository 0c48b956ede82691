"""Which attempts people label to audit a scorer: a stratified random draw that anyone can repeat.

Standard library only: the command that draws, the gate, and the verifier of a pack use these same rules. Who may choose
what is labelled can choose what is easy, so the gate takes the labels of a draw only, and all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

DRAWN = "labels.drawn"
"""The kind of entry that holds a draw."""

LABELLED = "label.given"
"""The kind of entry that holds a label."""

QUEUED = "labels.queued"
"""The kind of entry that holds the digest of a queue: what was dealt to whom."""

REVIEWED = "labels.reviewed"
"""The kind of entry that says that those who labelled a queue were shown the scorer's words: nobody adds to it then."""

_READING = re.compile(
    r"(?P<rubric>[^;]*)"
    r"(?:;queue=(?P<queue>[\w.-]+);reader=(?P<reader>[1-9]\d{0,3});of=(?P<of>[1-9]))?"
    r"(?:;(?P<adjudicated>adjudicated))?",
    re.ASCII,
)


ADJUDICATED = "adjudicated"
"""What stands in the rubric of a label that settles a disagreement."""


class LabelOrigin(NamedTuple):
    """Under what a label was given, as its rubric says it: ``rude@1;queue=LQ-1;reader=2;of=2``.

    The chain holds no names. Which reader of a queue gave a word, by number, is enough to tell a correction of one's
    own word from a disagreement.

    Attributes:
        rubric: name and version, or the empty string.
        queue: id of the queue that dealt the attempt, empty for a label of other origin.
        reader: place of the person in the queue, from 1; 0 without a queue.
        of: how many people the queue deals each attempt to.
        adjudicated: whether the label settles a disagreement.
    """

    rubric: str = ""
    queue: str = ""
    reader: int = 0
    of: int = 1
    adjudicated: bool = False

    def __str__(self) -> str:
        """As a label's rubric holds it."""
        parts = [self.rubric]
        if self.queue:
            parts += [f"queue={self.queue}", f"reader={self.reader}", f"of={self.of}"]
        return ";".join([*parts, ADJUDICATED] if self.adjudicated else parts)


def label_origin(rubric: str) -> LabelOrigin:
    """Return what the rubric of a label says. What is not of our form is a rubric's name, whole.

    >>> label_origin("rude@1;queue=LQ-1;reader=2;of=2") == LabelOrigin("rude@1", "LQ-1", 2, 2)
    True
    >>> label_origin(";adjudicated").adjudicated, label_origin("harm@2").rubric, label_origin("a;b").rubric
    (True, 'harm@2', 'a;b')
    """
    found = _READING.fullmatch(rubric)
    if found is None:
        return LabelOrigin(rubric)
    numbers = (int(found["reader"]), int(found["of"])) if found["queue"] else (0, 1)
    return LabelOrigin(found["rubric"], found["queue"] or "", *numbers, found["adjudicated"] is not None)


def is_adjudication(rubric: str) -> bool:
    """Say whether a label with this rubric settles a disagreement."""
    return label_origin(rubric).adjudicated


class Candidate(NamedTuple):
    """An attempt that a scorer gave a score: its record's id, its cluster, and whether it was called a hit."""

    id: str
    cluster: str
    hit: bool


class Draw(NamedTuple):
    """A draw, as an entry of the audit chain holds it.

    Attributes:
        run, suite, metric: what it is of; `attack` an id or full name, or the empty string for all of them.
        seed: of the order.
        positives, negatives: most attempts of those that were called a hit, and of the others.
        digest: of the ids that were drawn.
        entry: number in the audit chain; 0 before it has one.
    """

    run: str
    suite: str
    metric: str
    attack: str
    seed: int
    positives: int
    negatives: int
    digest: str = ""
    entry: int = 0

    @property
    def about(self) -> tuple[str, str, str, str]:
        """What it is of."""
        return self.run, self.suite, self.metric, self.attack


class Drawn(NamedTuple):
    """Ids of records, those that were called a hit and the others, each in the order in which they were drawn."""

    positives: tuple[str, ...]
    negatives: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the ids and of which were called a hit."""
        said = "\n".join((*self.positives, "", *self.negatives))
        return f"sha256:{sha256(said.encode()).hexdigest()}"


class LabelCounts(NamedTuple):
    """What people said of a draw: how many are hits, of how many that were labelled, of how many that were drawn."""

    hits: int
    labelled: int
    drawn: int


def take(candidates: Iterable[Candidate], draw: Draw) -> Drawn:
    """Return what a draw takes: one attempt a cluster at random, then of each kind so many at random.

    One attempt a cluster, each of a cluster's with equal chance, so that labels are independent and a cluster counts
    once: among these attempts hits are as frequent as in the mean over clusters. The order is that of a hash of seed
    and id, which every reader can work out.

    >>> some = [Candidate(f"AT-{n}", f"SM-{n // 2}", n < 4) for n in range(20)]
    >>> found = take(some, Draw("RUN-1", "s", "m", "", 7, 1, 3))
    >>> len(found.positives), len(found.negatives), found == take(reversed(some), Draw("RUN-1", "s", "m", "", 7, 1, 3))
    (1, 3, True)
    """
    places = ((_place(draw, "cluster", one.id), one) for one in candidates)
    first: dict[str, tuple[bytes, Candidate]] = {}
    for place, one in places:
        if one.cluster not in first or (place, one.id) < (first[one.cluster][0], first[one.cluster][1].id):
            first[one.cluster] = place, one
    # Another hash than the one that chose in a cluster: the smallest of many is small, and large clusters would lead.
    order = sorted((one for _, one in first.values()), key=lambda one: (_place(draw, "order", one.id), one.id))
    return Drawn(
        tuple(one.id for one in order if one.hit)[: draw.positives],
        tuple(one.id for one in order if not one.hit)[: draw.negatives],
    )


def _place(draw: Draw, what: str, id: str) -> bytes:
    return sha256("\n".join((what, *draw.about, str(draw.seed), id)).encode()).digest()


def draw_of(number: int, body: Mapping[str, Any]) -> Draw:
    """Return the draw that an entry holds.

    Raises:
        ValueError: a number in it is none, or negative, or a text is none.
        KeyError: it lacks something.
    """
    texts = [body[name] for name in ("run", "suite", "metric", "attack", "digest")]
    numbers = [body[name] for name in ("seed", "positives", "negatives")]
    if any(type(text) is not str for text in texts) or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError(f"entry {number} is no draw")
    run, suite, metric, attack, digest = texts
    seed, positives, negatives = numbers
    return Draw(run, suite, metric, attack, seed, positives, negatives, digest, number)


def standing(
    draws: Iterable[Draw], about: tuple[str, str, str, str], candidates: Iterable[Candidate]
) -> tuple[Draw, Drawn] | None:
    """Return the draw that counts, and what it took: the first whose ids are those that the records give.

    The first, so that nobody draws until a draw is convenient. One that the records no longer give (an attempt
    without a score was tried again since) counts for nothing.

    Args:
        draws: oldest first.
        about: as in `Draw.about`.
    """
    known = list(candidates)
    for draw in draws:
        if draw.about == about and (drawn := take(known, draw)).digest == draw.digest:
            return draw, drawn
    return None


class Audited(NamedTuple):
    """What people said of a draw: of those called a hit, and of the others; `digest` of every word that counts."""

    positives: LabelCounts
    negatives: LabelCounts
    digest: str

    @property
    def missing(self) -> int:
        """Drawn attempts without a label."""
        return sum(some.drawn - some.labelled for some in (self.positives, self.negatives))


def labels(entries: Iterable[Mapping[str, Any]], draw: Draw, drawn: Drawn) -> Audited:
    """Return what people said of the attempts of a draw.

    A word that settled a disagreement counts, whatever is said after it, unless that settles it anew. Of an attempt
    that a queue dealt, all its readers' last words must be there and be the same: a disagreement that nobody settled
    is no label. Of any other, the last word counts, whoever gave it. All words stay in the chain. One that is neither
    a hit nor none (the metric does not apply, or it was taken back) is no label.

    Args:
        entries: bodies of the entries of the kind `LABELLED`, oldest first.
    """
    words: dict[str, _Words] = {}
    for body in entries:
        if body.get("run") == draw.run and body.get("metric") == draw.metric:
            hit = body.get("hit")
            known = words.setdefault(str(body.get("attempt")), _Words())
            known.add(label_origin(str(body.get("rubric") or "")), hit if isinstance(hit, bool) else None)
    said = {id: some.word for id, some in words.items()}

    def of(ids: tuple[str, ...]) -> LabelCounts:
        words = [said[id] for id in ids if said.get(id) is not None]
        return LabelCounts(sum(map(bool, words)), len(words), len(ids))

    told = [f"{id} {said.get(id)}" for id in (*drawn.positives, *drawn.negatives)]
    return Audited(
        of(drawn.positives), of(drawn.negatives), f"sha256:{sha256(chr(10).join(told).encode()).hexdigest()}"
    )


class _Words:
    """What was said of one attempt so far."""

    def __init__(self) -> None:
        self._last: bool | None = None
        self._settled: bool | None = None
        self._readers: dict[tuple[str, int], bool | None] = {}
        self._of = 1

    def add(self, under: LabelOrigin, hit: bool | None) -> None:
        if under.adjudicated:
            self._settled = hit
        elif under.queue:
            self._readers[under.queue, under.reader] = hit
            self._of = max(self._of, under.of)
        else:
            self._last = hit

    @property
    def word(self) -> bool | None:
        """The word that counts."""
        if self._settled is not None:
            return self._settled
        if not self._readers:
            return self._last
        given = [hit for hit in self._readers.values() if hit is not None]
        return given[0] if len(given) >= self._of and len(set(given)) == 1 else None
