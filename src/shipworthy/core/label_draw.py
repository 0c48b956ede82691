"""Which attempts people label to audit a scorer: a stratified random draw that anyone can repeat.

Standard library only: the command that draws, the gate, and the verifier of a pack use these same rules. Who may choose
what is labelled can choose what is easy, so the gate takes the labels of a draw only, and all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

DRAWN = "labels.drawn"
"""The kind of entry that holds a draw."""

LABELLED = "label.given"
"""The kind of entry that holds a label."""


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

    The last word on an attempt counts, whoever gave it; all of them stay in the chain. A word that is neither a hit nor
    none (the metric does not apply) is no label.

    Args:
        entries: bodies of the entries of the kind `LABELLED`, oldest first.
    """
    said: dict[str, bool | None] = {}
    for body in entries:
        if body.get("run") == draw.run and body.get("metric") == draw.metric:
            hit = body.get("hit")
            said[str(body.get("attempt"))] = hit if isinstance(hit, bool) else None

    def of(ids: tuple[str, ...]) -> LabelCounts:
        words = [said[id] for id in ids if said.get(id) is not None]
        return LabelCounts(sum(map(bool, words)), len(words), len(ids))

    words = [f"{id} {said.get(id)}" for id in (*drawn.positives, *drawn.negatives)]
    return Audited(
        of(drawn.positives), of(drawn.negatives), f"sha256:{sha256(chr(10).join(words).encode()).hexdigest()}"
    )
