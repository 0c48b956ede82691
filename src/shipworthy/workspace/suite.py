"""A suite: a versioned set of samples with attacks, scorers and a metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Literal

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Sample
from shipworthy.workspace.use import Use


@dataclass(frozen=True, kw_only=True, repr=False)
class Suite:
    """A suite, loaded: its samples in declared order.

    Attributes:
        attempts: of each sample and attack.
        hidden: references to real values, secret or personal, that no answer may leave in a file; with any of them the
            content is private, whatever the suite's file says.
        icc: planned correlation of attempts within a cluster, in [0, 1].
        digest: ``sha256:…`` of everything in it that a result depends on; the card is not part of it.
        card: markdown.
        part: ``visible`` or ``sealed``; ``""`` where no sample is sealed.
        sealed: how many samples the file has in its sealed part.
        left_out: ids of the file's samples that are not among these: of the other part, or rejected by a reviewer.
        reviewed: how many of the samples a person has read and accepted; the others are drafts.
        source: the file that the samples stand in, and `lines`, 1-based, where in it each does.
    """

    id: str
    version: str
    title: str
    content: Literal["synthetic", "private"]
    metric: str
    scorers: tuple[Use, ...]
    samples: tuple[Sample, ...]
    attacks: tuple[Use, ...] = (Use(use="none"),)
    attempts: int = 1
    max_error_rate: float = 0.02
    hidden: tuple[str, ...] = ()
    icc: float = 0.3
    refs: tuple[str, ...] = ()
    license: str = ""
    card: str = ""
    digest: str = ""
    part: str = ""
    sealed: int = 0
    left_out: frozenset[str] = frozenset()
    reviewed: int = 0
    source: Path | None = None
    lines: Sequence[int] = ()

    def __repr__(self) -> str:
        attacks = ", ".join(use.name for use in self.attacks)
        return f"<Suite {self.id} {self.version}: {len(self.samples):,} samples, attacks {attacks}>"

    @cached_property
    def clusters(self) -> int:
        """Number of independent clusters among the samples."""
        return len({sample.cluster or sample.id for sample in self.samples})

    def select(self, n: int | None = None) -> tuple[Sample, ...]:
        """Return n samples, stratified by their ``stratum:`` tag; all, in declared order, if n is None.

        Each next sample comes from the stratum that is furthest behind its share (Sainte-Lague), and within a stratum
        from a cluster not yet used, in declared order. A suite without strata is spread: its samples are taken in the
        order of a hash of their ids, since files are often sorted by what they are about. So it depends on the files
        alone, never on an outcome, and the first n of a larger selection are the smaller selection.

        Raises:
            ValueError: n is below 1.
        """
        if n is None:
            return self.samples
        return self._first(n)

    def _first(self, n: int) -> tuple[Sample, ...]:
        if any(tag.startswith("stratum:") for sample in self.samples for tag in sample.tags):
            return self._select(n, self.samples)
        return self._select(n, tuple(sorted(self.samples, key=partial(_place, 0))))

    def draw(self, n: int, draws: Sequence[int]) -> tuple[Sample, ...]:
        """Return n samples that neither `select` nor an earlier draw has used, stratified like those of `select`.

        A draw orders what is unused by a hash of its seed and the sample's id. A sample whose cluster was used counts
        as used: it is a variant of one that was seen.

        Args:
            draws: seeds, oldest first; the last one is the draw that is returned. With none it is the selection itself.

        Raises:
            UsageError: fewer than n samples are left.
        """
        chosen = self._first(n)
        used: set[str] = set()
        for seed in draws:
            used |= {sample.cluster or sample.id for sample in chosen}
            left = [sample for sample in self.samples if (sample.cluster or sample.id) not in used]
            if len(left) < n:
                raise UsageError(
                    f"the suite {self.id!r} has {len(left):,} samples that were not used yet, and the plan asks for "
                    f"{n:,}: there is no fresh draw of it (add samples to the bank, or plan fewer)"
                )
            left.sort(key=partial(_place, seed))
            chosen = self._select(n, tuple(left))
        return chosen

    @staticmethod
    def _select(n: int, samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        if n < 1:
            raise ValueError("a selection needs at least one sample")
        queues = list(_by_stratum(samples).values())
        # (what it lags behind, negated; its place among the strata, which decides between equals; how many are taken)
        lagging = [(-float(len(queue)), place, 0) for place, queue in enumerate(queues)]
        heapify(lagging)
        chosen: list[Sample] = []
        for _ in range(min(n, len(samples))):
            _, place, taken = heappop(lagging)
            queue = queues[place]
            chosen.append(queue[taken])
            if taken + 1 < len(queue):
                heappush(lagging, (-len(queue) / (2 * taken + 3), place, taken + 1))
        return tuple(chosen)


def _place(seed: int, sample: Sample) -> bytes:
    return sha256(b"%d\0%s" % (seed, sample.id.encode("utf-8", "surrogatepass"))).digest()


def _by_stratum(samples: tuple[Sample, ...]) -> dict[str, list[Sample]]:
    """Return each stratum's samples: the first of every cluster, then the second of every cluster, ..."""
    rounds: dict[str, list[tuple[int, int, Sample]]] = {}
    seen: defaultdict[tuple[str, str], int] = defaultdict(int)
    for position, sample in enumerate(samples):
        stratum = next((tag for tag in sample.tags if tag.startswith("stratum:")), "")
        key = stratum, sample.cluster or sample.id
        rounds.setdefault(stratum, []).append((seen[key], position, sample))
        seen[key] += 1
    return {
        stratum: [sample for *_, sample in sorted(entries, key=lambda e: e[:2])] for stratum, entries in rounds.items()
    }
