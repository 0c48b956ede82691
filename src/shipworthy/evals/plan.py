"""What a run will do: samples x attacks x attempts, each with a stable id, a seed of its own and a content hash.

A plan keeps the samples and the shape, not the items: an item is made when it is asked for, so a plan of a million
attempts takes no more memory than its suites. Every property of an item follows from the plan's seed and the item's
own name, never from its place: taking a suite, a sample or an attack out leaves all other items as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import blake2b, sha256
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, overload

import msgspec
from msgspec import Struct

from shipworthy.core.digests import digest
from shipworthy.core.errors import IntegrityError, UsageError, did_you_mean
from shipworthy.core.records import Sample

if TYPE_CHECKING:
    from shipworthy.evals.applicable import Applicable
    from shipworthy.workspace.kinds.plan import PlanSpec
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.suite import Suite
    from shipworthy.workspace.use import Use

_encode = msgspec.json.Encoder(order="sorted").encode
_SEED_BYTES = 6  # Seeds stay below 2**48: exact in JSON everywhere, and wide enough never to meet.


class PlanItem(Struct, frozen=True, gc=False):
    """One attempt that is to be made.

    Attributes:
        id: ``AT-`` and 16 hex digits, from suite, sample, attack and number alone: the same in every run.
        attack: name of the attack with its parameters, as `Use.name`.
        number: 1-based, among the attempts with the same sample and attack.
        seed: of the attack's random numbers and the target's sampling, in [0, 2**48); from the plan's seed and the id.
        content_hash: of sample, attack and seed.
    """

    id: str
    suite: str
    sample: Sample
    attack: str
    number: int
    seed: int
    content_hash: str

    @property
    def cluster(self) -> str:
        """Samples that are variants of one another share it."""
        return self.sample.cluster or self.sample.id


def split_try(attempt_id: str) -> tuple[str, int]:
    """Return the planned attempt's id and the number of the try.

    >>> split_try("AT-00ff00ff00ff00ff-2")
    ('AT-00ff00ff00ff00ff', 2)
    >>> split_try("AT-00ff00ff00ff00ff")
    ('AT-00ff00ff00ff00ff', 1)

    Raises:
        IntegrityError: it is no attempt's id: whoever can write a log can chain such a record, too.
    """
    planned, number = attempt_id[:19], attempt_id[20:]
    if not number:
        return planned, 1
    if len(number) > 9 or not (number.isascii() and number.isdigit()):
        raise IntegrityError(f"{attempt_id[:40]!r} is the id of no attempt: a number stands behind its second hyphen")
    return planned, int(number)


MANY = 100_000
"""Words from which on their hashes are compared instead of the words: a million take 8 MB then, and not a hundred."""


def _distinct(words: Callable[[], Iterable[str]], count: int) -> int:
    """Return how many different words there are among so many."""
    if count < MANY:
        return len(set(words()))
    import numpy as np  # which only large plans pay for

    hashed = (int.from_bytes(blake2b(w.encode("utf-8", "surrogatepass"), digest_size=8).digest()) for w in words())
    return len(np.unique(np.fromiter(hashed, np.uint64)))


def _twice(words: Callable[[], Iterable[str]], count: int) -> str | None:
    """Return a word that occurs twice among so many, or None. They are read again only where something is doubtful."""
    if _distinct(words, count) == count:
        return None
    seen: set[str] = set()
    return next((word for word in words() if word in seen or seen.add(word)), None)  # type: ignore[func-returns-value]


def plan_item(suite: str, sample: Sample, attack: tuple[str, bytes], number: int, seed: int) -> PlanItem:
    """Return the item of one sample, attack and number.

    Args:
        suite: its id.
        attack: its name, and the SHA-256 of all that it is made from.
        number: of the attempt, from 1.
        seed: the plan's.
    """
    called, made = attack
    key = sha256(_encode([suite, sample.id, called, number]))
    name = f"AT-{key.hexdigest()[:16]}"
    own = int.from_bytes(sha256(b"%d\0%s" % (seed, key.digest())).digest()[:_SEED_BYTES])
    content = sha256(sha256(_encode(sample)).digest() + made + b"%d" % own).hexdigest()
    return PlanItem(name, suite, sample, called, number, own, f"sha256:{content}")


class SuitePlan:
    """One suite's part of a plan.

    Args:
        suite: the suite.
        samples: those of its samples that are used.
        attacks: those of its attacks that are used.
        attempts: of each sample and attack, >= 1.
        seed: the plan's.

    Raises:
        UsageError: two samples share an id, or two attacks a name: their attempts could not be told apart.
    """

    def __init__(
        self, suite: Suite, samples: Sequence[Sample], attacks: Sequence[Use], attempts: int, seed: int
    ) -> None:
        # The samples are read one by one and never copied: a suite may read them from a file as they are asked for.
        self.suite, self.samples, self.attacks = suite, samples, tuple(attacks)
        self.attempts, self.seed = attempts, seed
        if (twice := _twice(lambda: (sample.id for sample in samples), len(samples))) is not None:
            raise UsageError(f"the suite {suite.id!r} has the sample {twice!r} twice")
        if (twice := _twice(lambda: (attack.name for attack in self.attacks), len(self.attacks))) is not None:
            raise UsageError(f"the suite {suite.id!r} has the attack {twice!r} twice")
        self._attack_hashes = [sha256(_encode([a.use, a.params])).digest() for a in self.attacks]

    @property
    def id(self) -> str:
        """The suite's id."""
        return self.suite.id

    @cached_property
    def clusters(self) -> int:
        """Number of independent clusters among the samples."""
        return _distinct(lambda: (sample.cluster or sample.id for sample in self.samples), len(self.samples))

    @cached_property
    def applicable(self) -> Applicable:
        """Which of the attacks can change which of the samples; builds the attacks."""
        from shipworthy.evals.applicable import Applicable

        return Applicable(self)

    def __len__(self) -> int:
        """Attempts, those included that an attack cannot make of a sample: each of them has a record."""
        return len(self.samples) * len(self.attacks) * self.attempts

    def __iter__(self) -> Iterator[PlanItem]:
        for index in range(len(self)):
            yield self.item(index)

    def item(self, index: int) -> PlanItem:
        """Return the item at a place of the suite's order, 0 <= index < len(self).

        Attempt numbers are outermost; within one, every sample meets one attack before any meets a second (a Latin
        square). A run that is stopped early has then covered as many clusters, and each attack as often, as it could.
        """
        width = len(self.attacks)
        number, rest = divmod(index, len(self.samples) * width)
        turn, place = divmod(rest, len(self.samples))
        which = (place + turn) % width
        attack = self.attacks[which].name, self._attack_hashes[which]
        return plan_item(self.suite.id, self.samples[place], attack, number + 1, self.seed)

    @cached_property
    def _samples_digest(self) -> str:
        state = sha256()
        for sample in self.samples:
            state.update(sha256(_encode(sample)).digest())
        return state.hexdigest()

    def shape(self) -> dict[str, object]:
        """Return JSON that determines every item in order."""
        return {
            "suite": self.suite.id,
            "samples": self._samples_digest,
            "attacks": [[a.name, h.hex()] for a, h in zip(self.attacks, self._attack_hashes, strict=True)],
            "attempts": self.attempts,
        }


class Plan:
    """What a run will do.

    Attributes:
        id: of the plan in the workspace.
        seed: every item's seed follows from it.
        suites: the parts.
        digest: ``sha256:…`` of the items in their order.
    """

    def __init__(self, id: str, seed: int, suites: Sequence[SuitePlan]) -> None:
        self.id, self.seed, self.suites = id, seed, tuple(suites)

    @cached_property
    def digest(self) -> str:
        return digest({"seed": self.seed, "suites": [part.shape() for part in self.suites]})

    @property
    def items(self) -> Sequence[PlanItem]:
        """The items in the order in which they are started, made one by one as they are read."""
        return _Items(self)

    def __len__(self) -> int:
        return sum(map(len, self.suites))

    def __iter__(self) -> Iterator[PlanItem]:
        """Yield the items, the suites interleaved in proportion: a run that stops early has a share of each."""
        return self.shard(0, 1)

    def shard(self, number: int, shards: int) -> Iterator[PlanItem]:
        """Yield the items of one shard, dealt like cards: each shard has a share of every suite and attack.

        Args:
            number: of the shard, 0 <= number < shards.
        """
        order = merge(*(_paced(rank, part) for rank, part in enumerate(self.suites)))
        return (self.suites[part].item(index) for _, part, index in islice(order, number, None, shards))

    def suite(self, name: str) -> SuitePlan:
        """Return one suite's part.

        Raises:
            UsageError: the plan has no such suite.
        """
        for part in self.suites:
            if part.id == name:
                return part
        known = [part.id for part in self.suites]
        raise UsageError(f"the plan {self.id!r} has no suite {name!r}: {did_you_mean(name, known)}")


class _Items(Sequence[PlanItem]):
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._order = list(merge(*(_paced(rank, part) for rank, part in enumerate(plan.suites))))

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> PlanItem: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PlanItem]: ...
    def __getitem__(self, index: int | slice) -> PlanItem | Sequence[PlanItem]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        _, part, place = self._order[index]
        return self._plan.suites[part].item(place)


def _paced(rank: int, part: SuitePlan) -> Iterator[tuple[float, int, int]]:
    total = len(part)
    return (((index + 0.5) / total, rank, index) for index in range(total))


def make_plan(
    workspace: Workspace, plan: str = "full", *, suites: Sequence[str] | None = None, draws: Sequence[int] = ()
) -> Plan:
    """Expand a workspace's plan.

    Args:
        plan: its id; ``full`` is every suite as it is.
        suites: only these of its suites.
        draws: seeds of the fresh draws up to the one that is wanted, see `Suite.draw`; none for the plan's own samples.

    Raises:
        UsageError: an unknown plan, suite or attack; nothing is left to do; or a suite has no samples for a fresh draw.
    """
    spec = workspace.plan(plan)
    known = [entry.suite for entry in spec.suites]
    for name in suites or ():
        if name not in known:
            raise UsageError(f"the plan {plan!r} has no suite {name!r}: {did_you_mean(name, known)}")
    parts = [
        _part(workspace, spec, index, draws) for index, name in enumerate(known) if suites is None or name in suites
    ]
    made = Plan(plan, spec.seed, parts)
    if not len(made):
        raise UsageError(f"the plan {plan!r} has nothing to run: it names no suite with samples and attacks")
    return made


def _part(workspace: Workspace, spec: PlanSpec, index: int, draws: Sequence[int]) -> SuitePlan:
    entry = spec.suites[index]
    suite = workspace.suite(entry.suite)
    attacks = suite.attacks
    if entry.attacks is not None:
        for wanted in entry.attacks:
            if not any(attack.matches(wanted) for attack in suite.attacks):
                names = sorted({n for a in suite.attacks for n in (a.use, a.name)})
                raise UsageError(f"the suite {suite.id!r} has no attack {wanted!r}: {did_you_mean(wanted, names)}")
        attacks = tuple(a for a in suite.attacks if any(a.matches(wanted) for wanted in entry.attacks))
    samples = _fresh(suite, entry.samples, draws) if draws else suite.select(entry.samples)
    return SuitePlan(suite, samples, attacks, entry.attempts or suite.attempts, spec.seed)


def _fresh(suite: Suite, samples: int | None, draws: Sequence[int]) -> Sequence[Sample]:
    if samples is None or samples >= len(suite.samples):
        raise UsageError(
            f"the plan uses the suite {suite.id!r} whole, all {len(suite.samples):,} samples: nothing of it is unused, "
            "so there is no fresh draw (give the plan `samples: N`, or leave the suite out with --suite)"
        )
    return suite.draw(samples, draws)
