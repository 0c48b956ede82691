"""The waves of a sequential run: which clusters come next, and after how many attempts it may be looked at.

A run that is stopped when it has decided must not choose its samples by what came of them. So its clusters come in a
drawn order, a wave is finished whole before anybody looks, and what is looked at is all that was begun.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from itertools import accumulate, chain

from shipworthy.core.records import RunManifest
from shipworthy.evals.plan import Plan, PlanItem, SuitePlan

WAVE = 20
"""Clusters between two looks: as many as are asked at once anyway. A look costs nothing but the wait for the last."""


class Waves:
    """The order of a plan's items where some of its suites may end early.

    Args:
        plan: all items.
        suites: ids of those that may end early; the others are made whole, in the first wave.
        size: clusters of a wave, >= 1.
    """

    def __init__(self, plan: Plan, suites: Collection[str], size: int = WAVE) -> None:
        self._plan = plan
        self._parts = {part.id: _waves(part, plan.seed, size) for part in plan.suites if part.id in suites}
        self.looks: Mapping[str, tuple[int, ...]] = {
            part.id: tuple(accumulate(len(wave) * len(part.attacks) * part.attempts for wave in self._parts[part.id]))
            for part in plan.suites
            if part.id in suites
        }

    @classmethod
    def of(cls, plan: Plan, manifest: RunManifest) -> Waves | None:
        """Return the waves of a declared run; None of one that is made whole."""
        early = [use.id for use in manifest.suites if use.looks]
        return cls(plan, early) if early else None

    def rounds(self, decided: Callable[[], Collection[str]]) -> Iterator[Iterator[PlanItem]]:
        """Yield the items of one wave of every suite that goes on, until none does.

        Args:
            decided: is asked after each wave which suites need no more.
        """
        whole = (part for part in self._plan.suites if part.id not in self._parts)
        first: Iterator[PlanItem] = chain.from_iterable(whole)
        done: Collection[str] = ()
        for number in range(max(map(len, self._parts.values()), default=1)):
            parts = [part for part in self._plan.suites if part.id in self._parts and part.id not in done]
            waves = [_items(part, self._parts[part.id][number : number + 1]) for part in parts]
            yield chain(first, *waves)
            first, done = iter(()), decided()
            if all(part.id in done or number + 1 >= len(self._parts[part.id]) for part in parts):
                return


def _waves(part: SuitePlan, seed: int, size: int) -> list[list[int]]:
    """Return the places of a suite's samples, wave by wave, clusters in an order that is drawn from the plan's seed."""
    clusters: dict[str, list[int]] = {}
    for place, sample in enumerate(part.samples):
        clusters.setdefault(sample.cluster or sample.id, []).append(place)

    def drawn(cluster: str) -> bytes:
        return sha256(f"{seed}\0{part.id}\0{cluster}".encode("utf-8", "surrogatepass")).digest()

    order = sorted(clusters, key=drawn)
    return [[p for name in order[at : at + size] for p in clusters[name]] for at in range(0, len(order), size)]


def _items(part: SuitePlan, waves: list[list[int]]) -> Iterator[PlanItem]:
    """Yield all attempts on the samples at some places of a suite: the same items as in a run that is made whole."""
    width = len(part.samples)
    for places in waves:
        for number in range(part.attempts):
            for turn in range(len(part.attacks)):
                yield from (part.item((number * len(part.attacks) + turn) * width + place) for place in places)
