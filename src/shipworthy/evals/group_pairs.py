"""Counterfactual pairs: the same cases with another group in them, each group against the reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.evals.results import Run
from shipworthy.stats import PairedDifference, holm, paired_difference
from shipworthy.workspace.suite import Suite

GROUP, REFERENCE = "group:", "role:reference"


class GroupPair(NamedTuple):
    """One group against the reference on the cases that both have.

    Attributes:
        change: the group's rate less the reference's, paired by case; its p-value is before correction.
        adjusted: p-value, by Holm over all groups of the suite.
        rate, reference_rate: in [0, 1], over the paired cases.
    """

    group: str
    reference: str
    cases: int
    rate: float
    reference_rate: float
    change: PairedDifference
    adjusted: float


def group_pairs(run: Run, suite: Suite, metric: str = "") -> list[GroupPair]:
    """Return every group of a suite against its reference.

    A sample's tag ``group:NAME`` says its group; samples of one cluster are one case. The reference is the group of the
    samples tagged ``role:reference``, in each case.

    Args:
        metric: an event; the suite's main one if left out.

    Raises:
        UsageError: the suite tags no groups or no reference, the metric counts no events, or no case has both scored.
    """
    name = metric or suite.metric
    if run.metric(suite.id, name).kind != "event":
        raise UsageError(f"the metric {name!r} is a value: pairs are compared by an event")
    groups = {s.id: next((t.removeprefix(GROUP) for t in s.tags if t.startswith(GROUP)), "") for s in suite.samples}
    references = {s.id for s in suite.samples if REFERENCE in s.tags}
    if not any(groups.values()) or not references:
        raise UsageError(f"the suite {suite.id!r} has no samples tagged {GROUP}NAME, or none tagged {REFERENCE}")
    cells = _cells(run, suite.id, name, groups, references)
    pairs = [(group, *rest) for group, rest in ((g, _against(g, cells)) for g in sorted(cells)) if rest is not None]
    if not pairs:
        raise UsageError("no case has an answer with a score both in a group and in the reference")
    adjusted = holm([change.p_value for *_, change in pairs])
    return [
        GroupPair(group, reference, cases, rate, other, change, float(p))
        for (group, reference, cases, rate, other, change), p in zip(pairs, adjusted, strict=True)
    ]


_Cells = Mapping[str, Mapping[str, tuple[str, list[int]]]]
_REFERENCE = ""


def _cells(
    run: Run, suite: str, metric: str, groups: Mapping[str, str], references: set[str]
) -> dict[str, dict[str, tuple[str, list[int]]]]:
    """Return by group, then case, the reference's own name and hits; the reference's are under ``""``."""
    found: dict[str, dict[str, tuple[str, list[int]]]] = defaultdict(dict)
    for row in run.rows():
        hit = next((score.hit for score in row.scores if score.metric == metric), None)
        if row.suite != suite or hit is None or row.sample not in groups:
            continue
        of = _REFERENCE if row.sample in references else groups[row.sample]
        found[of].setdefault(row.cluster, (groups[row.sample], []))[1].append(int(hit))
    return found


def _against(group: str, cells: _Cells) -> tuple[str, int, float, float, PairedDifference] | None:
    own, reference = cells[group], cells.get(_REFERENCE, {})
    cases = sorted(own.keys() & reference.keys())
    if group == _REFERENCE or not cases:
        return None
    new, old = [own[case][1] for case in cases], [reference[case][1] for case in cases]
    change = paired_difference(*_counts(new), *_counts(old))
    named = ", ".join(sorted({reference[case][0] for case in cases}))
    return named, len(cases), _rate(new), _rate(old), change


def _counts(cells: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    return [sum(cell) for cell in cells], [len(cell) for cell in cells]


def _rate(cells: Sequence[Sequence[int]]) -> float:
    return sum(sum(cell) / len(cell) for cell in cells) / len(cells)
