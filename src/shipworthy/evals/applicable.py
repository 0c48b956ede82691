"""Which attacks of a plan can change which of its samples: known before anything is asked, alike in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from shipworthy.core.protocols import inapplicable
from shipworthy.workspace.parameters import build

if TYPE_CHECKING:
    from shipworthy.core.records import Sample
    from shipworthy.evals.plan import Plan, SuitePlan


class Applicable:
    """What the attacks of one suite's part say of its samples.

    An attack that cannot be built here, or that breaks when it is asked, is taken to change every sample: what is wrong
    with it, `check` and the attempt itself will say.

    Args:
        part: of a plan.

    Attributes:
        why: attack -> reason -> number of samples that it cannot change; attacks that can change all are left out.
    """

    def __init__(self, part: SuitePlan) -> None:
        self._part = part
        self.why: dict[str, Counter[str]] = {}
        self._out: dict[str, frozenset[str]] = {}
        for use in part.attacks:
            said: dict[str, str] = {}
            with suppress(Exception):  # somebody else's code
                attack = build("attack", use)
                said = {s.id: why for s in part.samples if (why := inapplicable(attack, s))}
            if said:
                self._out[use.name] = frozenset(said)
                self.why[use.name] = Counter(said.values())

    def can(self, attack: str, sample: Sample) -> bool:
        """Say whether an attack, by its full name, can change a sample."""
        return sample.id not in self._out.get(attack, ())

    def out(self, attack: str) -> int:
        """Return how many samples an attack cannot change."""
        return len(self._out.get(attack, ()))

    @property
    def attempts(self) -> int:
        """Planned attempts that are possible."""
        return len(self._part) - sum(map(len, self._out.values())) * self._part.attempts

    def clusters(self, attacks: Collection[str]) -> int:
        """Return the number of independent samples that at least one of some attacks can change."""
        if not attacks:
            return 0
        if any(not self.out(name) for name in attacks):
            return self._part.clusters
        kept = (s for s in self._part.samples if any(self.can(name, s) for name in attacks))
        return len({sample.cluster or sample.id for sample in kept})

    def samples(self, attacks: Collection[str]) -> int:
        """Return the number of pairs of a sample and one of some attacks that can change it."""
        return len(self._part.samples) * len(attacks) - sum(map(self.out, attacks))


def left_out(plan: Plan) -> Iterator[tuple[str, str, Mapping[str, int], int]]:
    """Yield suite, attack, reason -> samples, and the attempts left out, where an attack cannot change every sample."""
    for part in plan.suites:
        for name, why in part.applicable.why.items():
            yield part.id, name, why, why.total() * part.attempts
