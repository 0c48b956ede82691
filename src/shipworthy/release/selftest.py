"""The gate tests itself: A/A repeats of one input, planted regressions, and truths at the limit.

All of it goes through the very functions that decide. How often two looks at the same thing differ says what a verdict
is worth; how often a worsening that somebody planted is blocked says what the gate would find; and how often a truth at
the limit passes is the error rate that every criterion promises, here on this gate's own data.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

from shipworthy.core.confirmation import standing
from shipworthy.core.errors import UsageError
from shipworthy.core.records import CriterionResult, Metric, Verdict
from shipworthy.core.selftest import GateSelftest
from shipworthy.evals.results import Run
from shipworthy.evals.tally import Counts
from shipworthy.release.criteria import Evidence, assess
from shipworthy.release.decide import overall, s1_hits, s1_unscored
from shipworthy.release.redraw import PlantedShift, Redraw, Redrawn
from shipworthy.store.audit import AuditLog
from shipworthy.store.confirmations import read_words
from shipworthy.store.draws import LabelEntries, read_said
from shipworthy.store.layout import Layout
from shipworthy.workspace.kinds.requirement import Criterion, Requirement
from shipworthy.workspace.load import Workspace

SIZES = (0.05, 0.1, 0.2)
"""Of planted regressions, as shares of a metric's range."""


class SelftestPlan(NamedTuple):
    """How much a self-test does.

    Attributes:
        repeats: A/A repeats, >= 2; `draws` data sets of each planted regression and each truth at a limit.
        sizes: of planted regressions, as shares of a metric's range, in (0, 1].
        how: where re-drawn repeats come from.
        seed: of all draws.
    """

    repeats: int = 100
    draws: int = 100
    sizes: Sequence[float] = SIZES
    how: Redrawn = "samples"
    seed: int = 0


def selftest(
    workspace: Workspace,
    run: Run,
    baseline: Run | None = None,
    *,
    plan: SelftestPlan = SelftestPlan(),
    rerun: Callable[[], Iterator[Run]] | None = None,
) -> GateSelftest:
    """Test the gate of a workspace on what one run recorded.

    Args:
        run: complete, with its marks; `baseline` as for `decide`, with its marks.
        rerun: makes further runs of the same plan on the target, `plan.repeats` of them; else the repeats are re-drawn.

    Raises:
        UsageError: the run is not complete, or re-drawing it in this way changes nothing.

    Planted regressions and truths at a limit are made in re-drawn samples whatever the repeats are: in a share of the
    clusters every word on the criterion's metric is turned to its worst, or, to come down to a limit, to its best. That
    is the truth that is hardest to bound: few samples, wholly weak. Criteria audited by labels have neither: labels are
    of the run's own attempts. Wrong to use for what another model, or other prompts than these or their like, would do.
    """
    if not run.complete:
        raise UsageError(f"the run {run.id} is not complete: a self-test starts from a whole one")
    layout = Layout(workspace.root)
    with AuditLog(layout.control_url) as audit:
        said, words = read_said(audit), read_words(audit, until=sys.maxsize)
    out = frozenset(word.attempt for word in standing(words, run.id, run.s1_hits).values() if word.said == "no-hit")
    redraw = Redraw(run, baseline, out)
    gate = _Gate(workspace, said, redraw, plan.seed)
    if rerun is not None:
        verdicts = Counter(gate.verdict(one, baseline) for one in rerun())
    else:
        redraw.check(plan.how)
        verdicts = Counter(gate.verdict(*redraw.draw(plan.how, gate.rng)) for _ in range(plan.repeats))
    planted: dict[str, dict[str, list[int]]] = {f"{round(1000 * size)}": {} for size in plan.sizes}
    at_limit: dict[str, int] = {}
    for requirement, criterion in workspace.criteria():
        found = assess(workspace, requirement, criterion, Evidence((run,), (baseline,) if baseline else (), said))
        if found.rate is None or found.measure is None or criterion.audited_by:
            continue

        aim = _aim(run, criterion, found, found.measure)
        for size in plan.sizes:
            got = gate.drawn((requirement, criterion), aim.plant(size * aim.width), plan.draws)
            planted[f"{round(1000 * size)}"][criterion.id] = [plan.draws - got["ship"], got["no-ship"]]
        at_limit[criterion.id] = gate.drawn((requirement, criterion), aim.plant(aim.room), plan.draws)["ship"]
    return GateSelftest(
        system=run.manifest.system,
        gate=workspace.gate.id,
        run=run.id,
        spec_digest=run.manifest.spec_digest,
        subject_digest=run.manifest.subject_digest,
        how="re-run" if rerun is not None else plan.how,
        repeats=verdicts.total(),
        verdicts=dict(sorted(verdicts.items())),
        planted=planted,
        at_limit=at_limit,
        draws=plan.draws,
        seed=plan.seed,
    )


class _Gate:
    """Gives the verdict on runs that stand in no ledger."""

    def __init__(self, workspace: Workspace, said: LabelEntries, redraw: Redraw, seed: int) -> None:
        self._workspace, self._said, self.redraw, self.rng = workspace, said, redraw, np.random.default_rng(seed)

    def drawn(self, about: tuple[Requirement, Criterion], plant: PlantedShift, draws: int) -> Counter[Verdict]:
        """Return how often one criterion has each verdict in re-drawn samples with something planted."""
        found: Counter[Verdict] = Counter()
        for _ in range(draws):
            evidence = self._evidence(*self.redraw.draw("samples", self.rng, plant))
            found[assess(self._workspace, *about, evidence).verdict] += 1
        return found

    def verdict(self, run: Run, baseline: Run | None) -> Verdict:
        evidence = self._evidence(run, baseline)
        results = tuple(assess(self._workspace, r, c, evidence) for r, c in self._workspace.criteria())
        hits = tuple(s1_hits(evidence))
        return overall(self._workspace, evidence, results, hits, tuple(s1_unscored(evidence, hits)))[0]

    def _evidence(self, run: Run, baseline: Run | None) -> Evidence:
        return Evidence((run,), (baseline,) if baseline is not None else (), self._said)


class _Aim(NamedTuple):
    """What a criterion looks at, for planting: of a condition on each attack, the attack with the worst rate.

    Attributes:
        mean: over clusters, of the new run; `worst` and `best` the ends of what can be said.
        room: how much the mean may still move to the bad side until the truth is at the limit; negative beyond it.
        width: of the range.
    """

    criterion: Criterion
    metric: Metric
    attack: str | None
    mean: float
    worst: float
    best: float
    room: float

    @property
    def width(self) -> float:
        return abs(self.worst - self.best)

    def plant(self, by: float) -> PlantedShift:
        """Return what moves the mean, in expectation, so far to the bad side; or as far as it goes."""
        to = self.worst if by >= 0 else self.best
        share = min(1.0, abs(by) / abs(to - self.mean)) if to != self.mean else 0.0
        return PlantedShift(self.criterion.suite, self.metric, self.attack, share, to)


def _aim(run: Run, criterion: Criterion, found: CriterionResult, metric: Metric) -> _Aim:
    must = criterion.parsed
    low, high = (metric.low, metric.high) if metric.kind == "value" else (0.0, 1.0)
    worst, best = (high, low) if must.side == "upper" else (low, high)
    attack = criterion.attack
    if must.each:
        each = run.by_attack(criterion.suite, metric.name, attack)
        attack = max(each, key=lambda name: _mean(each[name]))
    mean = _mean(run.counts(criterion.suite, metric.name, attack))
    if must.test == "threshold":
        room = must.limit - mean if must.side == "upper" else mean - must.limit
    else:
        # Of a change the limit is a margin, and the new run alone is moved.
        changed = found.rate or 0.0
        room = must.limit - (changed if must.side == "upper" else -changed)
    return _Aim(criterion, metric, attack, mean, worst, best, room)


def _mean(counts: Counts) -> float:
    shares = [total / n for total, n in zip(counts.totals, counts.trials, strict=True) if n]
    return fmean(shares) if shares else 0.0
