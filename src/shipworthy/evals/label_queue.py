"""Dealing a draw to people: in seeded order, each attempt to one or two of them, mixed with answers of known label."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from shipworthy.core.errors import UsageError
from shipworthy.core.label_draw import Candidate, Draw, Drawn, take
from shipworthy.evals.results import Run
from shipworthy.store.queues import LabelQueue, QueueItem
from shipworthy.workspace.labelled import LabelledAnswer, LabelledFile

if TYPE_CHECKING:
    from shipworthy.scorers._rubric import Rubric

T = TypeVar("T", int, str)

PEOPLE = 100
"""Most people that one queue is dealt to."""
EVERYTHING = 2**62


class KnownAnswers(NamedTuple):
    """Answers of known label to mix in.

    Attributes:
        file: what was read; `name` how to find it again.
        share: of what each person is shown, in (0, 0.5].
    """

    file: LabelledFile
    name: str
    share: float


def deal(
    run: Run,
    draw: Draw,
    drawn: Drawn,
    candidates: Sequence[Candidate],
    people: Sequence[str],
    *,
    suite: str,
    twice: bool,
    seed: int,
    rubric: Rubric | None = None,
    known: KnownAnswers | None = None,
) -> LabelQueue:
    """Deal what was drawn.

    Orders are those of hashes of the seed: the same call deals the same. Everybody is dealt as many attempts, but for
    one, and every pair of people shares as many, nearly. Each person has an order of their own, in which known answers
    stand at random, as many hits as others where the file has them.

    Args:
        candidates: what the draw was made from; they give each attempt its chance of being drawn.
        twice: whether two people are dealt each attempt, or one.
        rubric: by which they label.

    Raises:
        UsageError: too few people, one twice, names that are none, or known answers that are too few, of one kind, or
            told from the others at a glance.
    """
    _check_people(people, twice)
    inclusion = _inclusion(draw, drawn, candidates)
    ids = _ordered((*drawn.positives, *drawn.negatives), seed, "items")
    items = [QueueItem(attempt=id, inclusion=inclusion[id]) for id in ids]
    own: list[list[int]] = [[] for _ in people]
    for place in range(len(ids)):
        first = place % len(people)
        own[first].append(place)
        if twice:
            # The partner moves on with each round, so that everybody meets everybody.
            step = 1 + place // len(people) % (len(people) - 1)
            own[(first + step) % len(people)].append(place)
    if known is not None:
        _check_known(run, ids, known.file)
        places: dict[str, int] = {}
        for reader, dealt in enumerate(own, start=1):
            for answer in _chosen(known, len(dealt), seed, reader):
                if answer.id not in places:
                    places[answer.id] = len(items)
                    items.append(QueueItem(known=answer.id, hit=answer.hit, cluster=answer.cluster))
                dealt.append(places[answer.id])
    now = datetime.now(UTC)
    return LabelQueue(
        id=f"LQ-{now:%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}",
        run=run.id, suite=suite, metric=draw.metric, draw=draw.entry, of=2 if twice else 1, seed=seed,
        created=now.strftime("%Y-%m-%dT%H:%M:%SZ"), people=tuple(people), items=tuple(items),
        deals=tuple(tuple(_ordered(dealt, seed, f"reader {n}")) for n, dealt in enumerate(own, start=1)),
        rubric=rubric.name.replace(";", ",") if rubric else "", rubric_digest=rubric.digest if rubric else "",
        known_file=known.name if known else "", known_digest=known.file.digest if known else "",
    )  # fmt: skip


def _check_people(people: Sequence[str], twice: bool) -> None:
    if not 1 + twice <= len(people) <= PEOPLE:
        least = "two people at least, each attempt has two labels" if twice else "somebody"
        raise UsageError(f"a queue is dealt to {least} (--people ida,ben), and to {PEOPLE} at most")
    for name, times in Counter(people).items():
        if times > 1:
            raise UsageError(f"{name!r} stands twice in --people")
        if not name.strip() or not name.isprintable():
            raise UsageError(f"{name!r} is no name for somebody who labels")


def _inclusion(draw: Draw, drawn: Drawn, candidates: Sequence[Candidate]) -> dict[str, tuple[float, float]]:
    """Return for each drawn attempt its chance among its sample's attempts, and then among those of its kind."""
    sizes = Counter(one.cluster for one in candidates)
    cluster = {one.id: one.cluster for one in candidates}
    whole = take(candidates, draw._replace(positives=EVERYTHING, negatives=EVERYTHING))
    found = {}
    for some, of in ((drawn.positives, whole.positives), (drawn.negatives, whole.negatives)):
        for id in some:
            found[id] = 1 / sizes[cluster[id]], len(some) / len(of)
    return found


def _check_known(run: Run, ids: Sequence[str], file: LabelledFile) -> None:
    """Refuse known answers that anybody would know again."""
    wanted = set(ids)
    some = [row.attempt() for row in run.rows() if row.id in wanted]
    if any(attempt.messages[:1] for attempt in some) and (bare := [one for one in file.answers if not one.request]):
        raise UsageError(f"the known answer {bare[0].id!r} has no request: it would be told from the run's at a glance")
    if any(one.documents for one in file.answers) and not any(attempt.documents for attempt in some):
        raise UsageError("known answers have documents, and the run's have none: they would be told apart at a glance")
    kinds = {one.hit for one in file.answers}
    if kinds != {True, False}:
        raise UsageError(f"all known answers are {'hits' if True in kinds else 'no-hits'}: both kinds are needed")


def _chosen(known: KnownAnswers, dealt: int, seed: int, reader: int) -> list[LabelledAnswer]:
    """Return known answers for one person: by turns a hit and none, as long as there are both."""
    wanted = max(2, ceil(known.share * dealt / (1 - known.share) - 1e-9))
    if wanted > len(known.file.answers):
        raise UsageError(
            f"{known.name} has {len(known.file.answers):,} answers, and {wanted:,} are needed for a share of "
            f"{known.share:g}: name more, or a smaller --share"
        )
    by_id = {one.id: one for one in known.file.answers}
    kinds = [
        _ordered([id for id, one in by_id.items() if one.hit is hit], seed, f"known {reader}") for hit in (True, False)
    ]
    longest = max(map(len, kinds))
    turns = [kind[n] for n in range(longest) for kind in kinds if n < len(kind)]
    return [by_id[id] for id in turns[:wanted]]


def _ordered(some: Sequence[T], seed: int, what: str) -> list[T]:
    def place(one: T) -> bytes:
        return sha256(f"{what}\n{seed}\n{one}".encode()).digest()

    return sorted(some, key=place)
