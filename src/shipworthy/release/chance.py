"""The chance that a whole gate ships: every criterion passes on the same samples, and no S1 sample is hit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import ceil, inf, log
from zlib import crc32

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shipworthy.evals.plan import Plan
from shipworthy.release.power import least_clusters
from shipworthy.release.truth import Assumed, Counted, assume, attacks_of, bad_limit
from shipworthy.release.wording import POWER, count
from shipworthy.stats import achieved_power_for_mean
from shipworthy.stats.power import passing
from shipworthy.stats.suite_draws import DRAWS, SuiteDraws, draw_suite, no_hit
from shipworthy.workspace.kinds.requirement import Criterion
from shipworthy.workspace.load import Workspace

SHARES = (0.0, 0.05, 0.1, 0.25, 0.5)
"""Of the limits: the truths that are assumed, one after the other."""
MOST_TIMES = 64
"""Plans with more times the samples are not looked at."""
_STEP = 1.35
_NEAR = 1.02
Rows = NDArray[np.bool_]


class CriterionChance(Struct, frozen=True):
    """The chance in [0, 1] that one criterion passes, under each truth; none where the truths say nothing of it."""

    id: str
    chances: tuple[float, ...] = ()


class Sizes(Struct, frozen=True):
    """With how many times the plan's samples the whole gate ships with the promised power, all suites grown alike.

    Attributes:
        least, most: times the samples of the plan, about; `least` is None where no number will do, `most` where there
            is no upper end.
        s1_least, s1_most: the same in samples of severity S1.
        s1_cap: on more samples of severity S1 than this the S1 rule alone takes the power below the promise; None where
            none is ever hit.
        why: in words, where no number will do.
    """

    least: float | None
    most: float | None
    s1_least: int | None
    s1_most: int | None
    s1_cap: int | None
    why: str = ""


class GateChance(Struct, frozen=True):
    """The chance that the gate ships with a plan, under truths that are shares of all limits at once.

    Attributes:
        truths: the shares, in [0, 1]; every other sequence here has one entry for each of them.
        s1_samples: of severity S1 in the plan, where a scorer counts something bad.
        s1_rule: chance that no S1 sample is hit: worked out, not drawn.
        whole: chance that every criterion passes and no S1 sample is hit, on the same draws.
        promise: the power that `sizes` is about.
        draws: of the whole gate; a chance of .5 carries a standard error of ``.5 / sqrt(draws)``.
        assumes: what all this rests on, in words.
    """

    truths: tuple[float, ...]
    criteria: tuple[CriterionChance, ...]
    s1_samples: int
    s1_rule: tuple[float, ...]
    whole: tuple[float, ...]
    sizes: tuple[Sizes, ...]
    promise: float
    draws: int
    assumes: tuple[str, ...]


def gate_chance(workspace: Workspace, plan: Plan) -> GateChance | None:
    """Return the chance that a workspace's gate ships with a plan; None for a gate without a criterion.

    Hits are drawn from the beta-binomial model with each suite's planned ICC, once for all criteria on a metric and the
    S1 rule, and go through the bounds that decide. Seeded: the same files give the same figures.

    Wrong to trust further than `GateChance.assumes`: attempts without a score, several metrics of one suite that fail
    on the same samples (which makes the whole likelier than printed), and a few wholly weak samples among safe ones.
    """
    criteria = tuple(criterion for _, criterion in workspace.criteria())
    if not criteria:
        return None
    gate = _Gate(workspace, plan, criteria, assume(workspace, plan))
    drawn = [gate.draw(share, 1.0) for share in SHARES]
    rows = [
        CriterionChance(
            c.id, () if c.id in gate.assumed.left_out else tuple(float(d.passed[c.id].mean()) for d in drawn)
        )
        for c in criteria
    ]
    return GateChance(
        truths=SHARES,
        criteria=tuple(rows),
        s1_samples=gate.assumed.s1_samples,
        s1_rule=tuple(gate.s1(share) for share in SHARES),
        # The rule's chance is exact and the whole can only be below it: that much of a draw's luck is known.
        whole=tuple(min(d.whole, gate.s1(share)) for d, share in zip(drawn, SHARES, strict=True)),
        sizes=tuple(gate.sizes(share) for share in SHARES),
        promise=POWER,
        draws=min(d.draws for d in drawn),
        assumes=gate.assumed.notes,
    )


class _Drawn:
    """What came of a gate in many draws: which criteria passed in which, and in which no S1 sample was hit."""

    def __init__(self, draws: int) -> None:
        self.draws = draws
        self.passed: dict[str, Rows] = {}
        self.clear: Rows = np.ones(draws, dtype=bool)

    @property
    def whole(self) -> float:
        every = self.clear
        for passed in self.passed.values():
            every = every & passed
        return float(every.mean())


class _Gate:
    def __init__(self, workspace: Workspace, plan: Plan, criteria: tuple[Criterion, ...], assumed: Assumed) -> None:
        self.criteria, self.assumed = criteria, assumed
        self._bound = workspace.gate.bound
        self._attacks = {part.id: part.attacks for part in plan.suites}

    def draw(self, share: float, times: float) -> _Drawn:
        """Draw the gate with every bad rate at a share of its limit, on so many times the plan's samples."""
        suites = [
            draw_suite(c.grown(times), c.law(share), seed=_seed(c.suite, c.metric.name), pairs=c.pairs)
            for c in self.assumed.counted
        ]
        # What is drawn less often is of a size where chance hardly matters: the same number serves for all.
        drawn = _Drawn(min((s.draws for s in suites), default=DRAWS))
        for counted, suite in zip(self.assumed.counted, suites, strict=True):
            for criterion in counted.criteria:
                drawn.passed[criterion.id] = self._passes(criterion, counted, suite)[: drawn.draws]
            drawn.clear = drawn.clear & suite.without(counted.rule)[: drawn.draws]
        for criterion, metric, clusters in self.assumed.values:
            power = _power_of_mean(criterion, metric.low, metric.high, round(clusters * times), share)
            rng = np.random.default_rng(_seed(criterion.suite, criterion.id))
            drawn.passed[criterion.id] = rng.random(drawn.draws) < power
        for criterion in self.criteria:
            if criterion.id not in drawn.passed and criterion.id not in self.assumed.left_out:
                drawn.passed[criterion.id] = np.zeros(drawn.draws, dtype=bool)  # the plan does not run it
        return drawn

    def _passes(self, criterion: Criterion, counted: Counted, suite: SuiteDraws) -> Rows:
        must = criterion.parsed
        looked_at = attacks_of(criterion, self._attacks[counted.suite])
        groups = [frozenset([name]) for name in looked_at] if must.each else [frozenset(looked_at)]
        tail = 1 - must.level(len(groups))
        change = must.test == "noninferiority"
        passed = np.ones(suite.draws, dtype=bool)
        for group in groups:
            every = counted.metric.reducer == "any"  # all attempts on a sample are one trial, whatever the attack
            values, weights = suite.table([every or cell.attacks <= group for cell in counted.cells], change=change)
            limit = must.limit if change else bad_limit(criterion)
            if weights[0].sum() < criterion.min_clusters:
                return np.zeros(suite.draws, dtype=bool)
            if not change:
                passed &= limit >= 1 or passing(values, weights, "at_most", limit=limit, tail=tail, bound=self._bound)
                continue
            # Draws are of what is bad: a margin on the other side is on the fall of it.
            worse = (must.side == "upper") == (counted.metric.good == "low")
            if limit < 1:
                passed &= passing(
                    values if worse else -values, weights, "rise", limit=limit, tail=tail, bound=self._bound
                )
        return passed

    def s1(self, share: float, times: float = 1.0) -> float:
        """Return the chance that no S1 sample is hit."""
        chance = 1.0
        for counted in self.assumed.counted:
            chance *= no_hit(counted.grown(times), counted.law(share), counted.rule)
        return chance

    @cached_property
    def _fewest(self) -> tuple[float, str]:
        """Times the plan's samples below which some criterion cannot pass whatever is seen, and which one, in words."""
        found = (0.0, "")
        clusters = {c.id: sum(b.clusters for b in g.blocks) for g in self.assumed.counted for c in g.criteria}
        clusters |= {c.id: n for c, _, n in self.assumed.values}
        metrics = {c.id: g.metric for g in self.assumed.counted for c in g.criteria}
        metrics |= {c.id: metric for c, metric, _ in self.assumed.values}
        for c in self.criteria:
            if c.id in self.assumed.left_out:
                continue
            if not clusters.get(c.id):
                return inf, f"the plan does not run the suite of {c.id}"
            attacks = len(attacks_of(c, self._attacks[c.suite]))
            least = max(c.min_clusters, least_clusters(c, metrics[c.id], self._bound, attacks))
            why = f"{c.id} cannot pass on fewer than {count(least, 'sample')} (the plan has {clusters[c.id]:,})"
            found = max(found, (least / clusters[c.id], why))
        return found

    def sizes(self, share: float) -> Sizes:
        """Find from which size to which the whole gate ships with the promised power."""
        fewest, why = self._fewest
        none = self.s1(share)
        cap = inf if none >= 1 else 0.0 if none <= 0 else log(POWER) / log(none)
        s1_cap = None if cap == inf else int(cap * self.assumed.s1_samples)
        if fewest > min(cap, MOST_TIMES):
            if fewest > MOST_TIMES:
                return self._never(s1_cap, why)
            return self._never(s1_cap, f"{_alone(s1_cap)}, and {why}, which go with {self._of_s1(fewest):,} of S1")

        def enough(times: float) -> bool:
            return self.draw(share, times).whole >= POWER

        before, at, end = fewest, fewest, min(cap, float(MOST_TIMES))
        while not enough(at):
            if at >= end:
                return self._never(s1_cap, self._weakest(share, end, cap))
            before, at = at, min(at * (_STEP if cap < MOST_TIMES else 2), end)
        least = at if at == before else _edge(enough, at, before)
        most = _edge(enough, at, cap) if cap < MOST_TIMES else None
        return Sizes(least, most, self._of_s1(least), self._of_s1(most), s1_cap)

    def _of_s1(self, times: float | None) -> int | None:
        return ceil(times * self.assumed.s1_samples - 1e-9) if times and self.assumed.s1_samples else None

    def _never(self, s1_cap: int | None, why: str) -> Sizes:
        return Sizes(None, None, None, None, s1_cap, why)

    def _weakest(self, share: float, times: float, cap: float) -> str:
        """Say what is in the way at the largest size that the S1 rule leaves open."""
        drawn = self.draw(share, times)
        chance, name = min((float(passed.mean()), name) for name, passed in drawn.passed.items())
        if cap > MOST_TIMES:
            return f"even {MOST_TIMES} times the plan's samples give {name} no more than {100 * chance:.0f} %"
        return f"{_alone(int(times * self.assumed.s1_samples))}, and up to there {name} alone has {100 * chance:.0f} %"


def _alone(s1_cap: int | None) -> str:
    return f"the S1 rule alone takes it below {100 * POWER:.0f} % on more than {count(s1_cap or 0, 'S1 sample')}"


def _edge(enough: Callable[[float], bool], good: float, bad: float) -> float:
    """Return about where a size stops being enough, on its good side."""
    while max(good, bad) / min(good, bad) > _NEAR:
        middle = (good * bad) ** 0.5
        good, bad = (middle, bad) if enough(middle) else (good, middle)
    return good


def _power_of_mean(criterion: Criterion, low: float, high: float, clusters: int, share: float) -> float:
    """Chance that a criterion on a value passes, from `achieved_power_for_mean`.

    The mean is that share of the way from its best to its limit, at half of the largest spread there could be; of a
    margin, unchanged, with samples that move by a quarter of the range: as `power_table` assumes.
    """
    must = criterion.parsed
    if clusters < max(1, criterion.min_clusters):
        return 0.0
    if must.test == "noninferiority":
        width = high - low
        return achieved_power_for_mean(
            clusters, must.limit, 0.0, width / 4, low=-width, high=width, confidence=must.confidence
        )
    best, worst = (low, high) if must.side == "upper" else (high, low)
    if must.limit == worst:
        return 1.0
    mean = best + (must.limit - best) * share
    spread = ((mean - low) * (high - mean)) ** 0.5 / 2
    return achieved_power_for_mean(clusters, must.limit, mean, spread, low=low, high=high, confidence=must.confidence)


def _seed(*names: str) -> tuple[int, ...]:
    return tuple(crc32(name.encode()) for name in names)
