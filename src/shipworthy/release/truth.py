"""What is assumed of a system, so that a whole gate can be drawn: every bad rate is the same share of its limit.

A metric of a suite counts what is bad: its hits, or the misses of a metric whose hits are good. Where criteria limit
it, its rate is the share of the strictest limit on each attack. A criterion with a margin sees no change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shipworthy.core.records import Metric
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.release.power import declared, declared_metrics
from shipworthy.stats.suite_draws import Block, HitLaw
from shipworthy.workspace.kinds.requirement import Criterion
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.use import Use

BASE = 0.2
"""Bad rate of a metric that has margins only: of the two that `power_table` assumes the one that asks for more."""


class TruthCell(NamedTuple):
    """Trials of a sample that the same tests look at: the attacks that made them, and whether the sample is S1."""

    attacks: frozenset[str]
    s1: bool


class Counted(NamedTuple):
    """One metric of events on one suite, with all criteria on it.

    Attributes:
        limit: of the rate of what is bad, the largest over the attacks; `scales` how much lower it is in each cell.
        scaled: whether the rate is a share of `limit`; with margins only it is `limit` itself.
        rule: whether its hits on S1 samples fall under the S1 rule.
        pairs: whether some criterion compares with an old run.
    """

    suite: str
    metric: Metric
    criteria: tuple[Criterion, ...]
    cells: tuple[TruthCell, ...]
    blocks: tuple[Block, ...]
    limit: float
    scales: tuple[float, ...]
    icc: float
    scaled: bool

    @property
    def pairs(self) -> bool:
        return any(c.parsed.test == "noninferiority" for c in self.criteria)

    @property
    def rule(self) -> tuple[bool, ...]:
        """Which cells the S1 rule looks at."""
        return tuple(cell.s1 and self.metric.bad_event for cell in self.cells)

    def law(self, share: float) -> HitLaw:
        """Return what is assumed with all rates at a share, in [0, 1], of their limits."""
        return HitLaw(self.limit * share if self.scaled else self.limit, self.icc, self.scales)

    def grown(self, times: float) -> tuple[Block, ...]:
        """Return the clusters of a plan with so many times the samples, in the same proportions."""
        grown, before, after = [], 0, 0
        for block in self.blocks:
            before += block.clusters
            grown.append(block._replace(clusters=round(before * times) - after))
            after = round(before * times)
        return tuple(block for block in grown if block.clusters)


class Assumed(NamedTuple):
    """What the chance of the whole gate is worked out from.

    Attributes:
        values: criteria on values with their metric and the clusters of the plan.
        s1_samples: in the plan, on suites with a metric that the S1 rule looks at.
        left_out: ids of criteria that no share of a limit says anything of.
        notes: what is assumed beside that, in words.
    """

    counted: tuple[Counted, ...]
    values: tuple[tuple[Criterion, Metric, int], ...]
    s1_samples: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def assume(workspace: Workspace, plan: Plan) -> Assumed:
    """Return what is assumed for a gate and a plan."""
    groups: dict[tuple[str, str], list[Criterion]] = {}
    values: list[tuple[Criterion, Metric, int]] = []
    left_out: list[str] = []
    parts = {part.id: part for part in plan.suites}
    metrics: dict[tuple[str, str], Metric] = {}
    for _, criterion in workspace.criteria():
        suite = workspace.suite(criterion.suite)
        metric = declared(suite, criterion.metric or suite.metric)
        part = parts.get(criterion.suite)
        if metric.kind == "value":
            values.append((criterion, metric, part.clusters if part else 0))
        elif _against(criterion, metric) or (criterion.parsed.each and metric.reducer == "any"):
            left_out.append(criterion.id)
        elif part and part.clusters and attacks_of(criterion, part.attacks):
            metrics[suite.id, metric.name] = metric
            groups.setdefault((suite.id, metric.name), []).append(criterion)
    counted = tuple(_counted(parts[key[0]], metrics[key], found) for key, found in groups.items())
    under = [part for part in plan.suites if any(m.bad_event for m in declared_metrics(part.suite))]
    s1 = sum(sample.severity == "S1" for part in under for sample in part.samples)
    return Assumed(counted, tuple(values), s1, tuple(left_out), tuple(_notes(under, counted, left_out, values)))


def attacks_of(criterion: Criterion, attacks: Iterable[Use]) -> tuple[str, ...]:
    """Return the names of the attacks that a criterion looks at."""
    return tuple(a.name for a in attacks if criterion.attack is None or a.matches(criterion.attack))


def _against(criterion: Criterion, metric: Metric) -> bool:
    """Whether a limit is on the good side of its metric: a rate of harm that must be high, of help that must be low."""
    return criterion.parsed.test == "threshold" and (criterion.parsed.side == "upper") != (metric.good == "low")


def bad_limit(criterion: Criterion) -> float:
    """Return the limit of a criterion on a rate as one of what is bad."""
    must = criterion.parsed
    return must.limit if must.side == "upper" else 1 - must.limit


def _counted(part: SuitePlan, metric: Metric, criteria: list[Criterion]) -> Counted:
    limited = [c for c in criteria if c.parsed.test == "threshold"]
    strictest = min(map(bad_limit, limited), default=BASE)
    whole = frozenset(a.name for a in part.attacks)
    limits = dict.fromkeys(sorted(whole), strictest)
    for name in whole if metric.reducer == "mean" else ():
        of_it = [bad_limit(c) for c in limited if name in attacks_of(c, part.attacks)]
        limits[name] = min(of_it, default=strictest)
    scaled = bool(limited)
    s1_there = any(sample.severity == "S1" for sample in part.samples)
    if not limited and s1_there and metric.bad_event:
        limits = dict.fromkeys(limits, 0.0)  # a base rate of hits, one of which is too many, would say nothing
    classes: dict[tuple[object, ...], list[str]] = {}
    for name, limit in limits.items():
        looks = tuple(name in attacks_of(c, part.attacks) and (not c.parsed.each or name) for c in criteria)
        key = (limit, *looks) if metric.reducer == "mean" else ()
        classes.setdefault(key, []).append(name)
    cells = [TruthCell(frozenset(names), s1) for names in classes.values() for s1 in (False, True)]
    blocks = _blocks(part, metric, cells)
    used = [i for i in range(len(cells)) if any(block.cells[i] for block in blocks)]
    top = max(limits.values())
    scales = [limits[min(cell.attacks)] / top if top else 1.0 for cell in cells]
    return Counted(
        suite=part.id,
        metric=metric,
        criteria=tuple(criteria),
        cells=tuple(cells[i] for i in used),
        blocks=tuple(Block(b.clusters, tuple(b.cells[i] for i in used)) for b in blocks),
        limit=top,
        scales=tuple(scales[i] for i in used),
        icc=part.suite.icc,
        scaled=scaled,
    )


def _blocks(part: SuitePlan, metric: Metric, cells: list[TruthCell]) -> list[Block]:
    """Clusters by how many trials each has in every cell, in order of these numbers."""
    # Reduced by ``any``, all attempts on a sample are one trial.
    most, able = part.attempts if metric.reducer == "mean" else 1, part.applicable
    found: dict[str, list[int]] = {}
    for sample in part.samples:
        trials = found.setdefault(sample.cluster or sample.id, [0] * len(cells))
        for place, cell in enumerate(cells):
            if cell.s1 is (sample.severity == "S1"):
                can = sum(able.can(name, sample) for name in cell.attacks) if able.why else len(cell.attacks)
                trials[place] += can * most if metric.reducer == "mean" else min(can, 1)
    # A cluster that no attack can change is none: nothing is ever counted on it.
    alike = Counter(tuple(trials) for trials in found.values() if any(trials))
    return [Block(clusters, trials) for trials, clusters in sorted(alike.items())]


def _notes(
    under: list[SuitePlan],
    counted: tuple[Counted, ...],
    left_out: list[str],
    values: list[tuple[Criterion, Metric, int]],
) -> Iterator[str]:
    yield (
        "every planned attempt is scored, no S1 hit is confirmed to be none, attempts of one sample are as alike as "
        "the suite's planned ICC says, nothing changes from a baseline; metrics and suites are independent"
    )
    if any(not c.scaled for c in counted):
        yield (
            f"a metric with margins only has a bad rate of {100 * BASE:.0f} % before and after, whatever the column; "
            "none where a hit on an S1 sample would be one too many"
        )
    if values:
        yield "of a value the mean is that part of the way from its best to its limit; of a margin, unchanged"
    known = {(c.suite, c.metric.name) for c in counted if c.scaled}
    for part in under:
        names = sorted({m.name for m in declared_metrics(part.suite) if m.bad_event and (part.id, m.name) not in known})
        if names and any(sample.severity == "S1" for sample in part.samples):
            yield f"{part.id}: no criterion limits {', '.join(names)}, so no S1 sample is taken to be hit there"
    if any(part.applicable.why for part in under):
        yield "attempts are left out whose attack cannot change the sample; clusters without any other, too"
    if left_out:
        yield f"left out, as no share of the limit is a truth for them: {', '.join(left_out)}"
