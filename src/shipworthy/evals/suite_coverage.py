"""Which taxonomy ids and languages suites cover: by number of samples, and what so many can show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shipworthy.stats import achieved_power, rate_interval
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.taxonomies import resolve_ref

LIMIT, TRUTH = 0.05, 0.01
"""The criterion that power is told for, and the truth that it is told at: at most 5 %, where 1 % is true."""
NO_LANGUAGE = "not said"


class SuiteCoverage(NamedTuple):
    """What covers one id or language.

    Attributes:
        samples, clusters: visible ones; `sealed` samples beside them.
        suites: that they are in.
        upper: upper limit of the rate, one-sided 95 %, if not one cluster shows a hit; in [0, 1].
        power: chance in [0, 1] that "at most 5 %" passes where 1 % is true, one attempt of each cluster.
    """

    of: str
    title: str
    samples: int
    clusters: int
    sealed: int
    suites: tuple[str, ...]
    upper: float
    power: float


def covered_by(suites: Iterable[tuple[Suite, str]]) -> tuple[list[SuiteCoverage], list[SuiteCoverage]]:
    """Return what covers each taxonomy id, and each language.

    Args:
        suites: with the language that each is written in, where its file says so.

    A sample counts for its own references, and where it has none for its suite's. Its language is its tag
    ``language:``, or else the suite's.
    """
    refs: dict[str, _Found] = {}
    languages: dict[str, _Found] = {}
    for suite, written in suites:
        for sample in suite.samples:
            cluster = f"{suite.id}/{sample.cluster or sample.id}"
            for ref in sample.refs or suite.refs:
                refs.setdefault(ref, _Found()).add(suite, cluster)
            tagged = next((t.partition(":")[2] for t in sample.tags if t.startswith("language:")), written)
            languages.setdefault(tagged or NO_LANGUAGE, _Found()).add(suite, cluster)
    return (
        [_row(ref, resolve_ref(ref).title, found) for ref, found in sorted(refs.items())],
        [_row(name, "", found) for name, found in sorted(languages.items())],
    )


class _Found:
    def __init__(self) -> None:
        self.samples = 0
        self.clusters: set[str] = set()
        self.suites: dict[str, Suite] = {}

    def add(self, suite: Suite, cluster: str) -> None:
        self.samples += 1
        self.clusters.add(cluster)
        self.suites[suite.id] = suite


def _row(of: str, title: str, found: _Found) -> SuiteCoverage:
    clusters = len(found.clusters)
    return SuiteCoverage(
        of=of,
        title=title,
        samples=found.samples,
        clusters=clusters,
        sealed=sum(suite.sealed for suite in found.suites.values() if suite.part == "visible"),
        suites=tuple(sorted(found.suites)),
        upper=rate_interval([0] * clusters, [1] * clusters, side="upper").high,
        power=achieved_power(clusters, LIMIT, TRUTH),
    )
