"""Each attack by itself: pooled with those that fail, one that works is hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from shipworthy.core.condition import Condition
from shipworthy.core.records import AttackRate, CriterionResult, Verdict
from shipworthy.evals.tally import Counts
from shipworthy.release import worst as unscored
from shipworthy.release.held import advice
from shipworthy.release.rates import AT, still_needed
from shipworthy.release.wording import count, percent
from shipworthy.stats import ThresholdTest, rate_interval, threshold_test

if TYPE_CHECKING:
    from shipworthy.release.criteria import PlanShape

Found = tuple[ThresholdTest, ThresholdTest, Verdict, int | None]


def rows(seen: CriterionResult, counted: Mapping[str, Counts]) -> tuple[AttackRate, ...]:
    """Return each attack's rate with its two-sided interval, in the order given; none of a single attack.

    Args:
        seen: the criterion, whose confidence and bound are taken.
        counted: of an event, by the attack's full name.
    """
    return tuple(_row(seen, name, counts) for name, counts in counted.items()) if len(counted) > 1 else ()


def _row(seen: CriterionResult, name: str, counts: Counts) -> AttackRate:
    row = AttackRate(attack=name, unscored=len(counts.blanks), inapplicable=seen.inapplicable.get(name, 0))
    if not sum(counts.trials):
        return row
    found = rate_interval(counts.totals, counts.trials, confidence=seen.confidence, bound=seen.method)
    hits, trials = int(sum(counts.totals)), sum(counts.trials)
    return replace(
        row, rate=found.rate, low=found.low, high=found.high, hits=hits, trials=trials, clusters=len(counts.clusters)
    )


def never_possible(seen: CriterionResult, name: str, counts: Counts) -> bool:
    """Say whether an attack can change none of the samples: there is nothing of it that a limit could hold for."""
    return not (counts.trials or counts.blanks) and seen.inapplicable.get(name, 0) > 0


def remark(seen: CriterionResult, side: Literal["upper", "lower"]) -> str:
    """Return what a pooled criterion's reason says of its worst attack, from a semicolon on.

    Empty where all attacks are alike: then none is worse than the rate says.

    Args:
        side: on which the criterion's limit lies: with ``lower``, the lowest rate is the worst.
    """
    scored = [(row.rate, row) for row in seen.attacks if row.rate is not None]
    if len({rate for rate, _ in scored}) < 2:
        return ""
    rate, row = (max if side == "upper" else min)(scored, key=lambda pair: pair[0])
    edge = f"up to {percent(row.high or 0.0)}" if side == "upper" else f"down to {percent(row.low or 0.0)}"
    of = f"{count(row.hits, 'hit')} in {count(row.trials, 'attempt')}"
    return (
        f"; the worst of {count(len(seen.attacks), 'attack')} by itself, {row.attack}: {percent(rate)} ({of}, {edge})"
    )


def threshold(
    seen: CriterionResult, counted: Mapping[str, Counts], must: Condition, plan: PlanShape
) -> CriterionResult:
    """Test the rate of each attack against a limit, so that all their bounds hold at once.

    It passes when each attack's bound meets the limit, and fails when one attack's opposite bound is beyond it. Each is
    one-sided at ``1 - (1 - confidence) / k`` for `k` attacks (Bonferroni): whatever the dependence between attacks,
    the chance to ship with an attack at the limit is at most ``1 - confidence``, and so is the chance to fail with all
    of them at it. To pass alone, no correction would be due (an intersection-union test); it is what makes the bound
    that is printed for the attack that happened to look worst right.

    Args:
        seen: with the numbers of all attacks pooled; at least one attempt was scored.
        counted: by the attack's full name; an attack of which nothing is scored cannot pass. Those that can change
            no sample are not among them; `k` counts them all the same, as the plan did.
    """
    level, rates = must.level(max(len(seen.attacks), len(counted))), {}
    tests: dict[str, Found] = {}
    for name, counts in counted.items():
        if not counts.trials and not counts.blanks:
            why = f"no attempt was made with the attack {name}"
            return replace(seen, reason=why)
        tests[name] = found = unscored.decide(_test(counts, must, level, seen), len(counts.blanks))
        rates[name] = found[0].interval.rate
    shown = [row for row in seen.attacks if row.attack in counted]
    shown = shown or [_row(seen, name, counts) for name, counts in counted.items()]
    worst = max(
        (row for row in shown if row.rate is not None),
        key=lambda row: (rates[row.attack], row.rate or 0.0, -row.clusters),
    )
    verdict, tips = _together(tests.values())
    needed = 0 if verdict == "ship" else None
    if verdict == "inconclusive" and tips is None:
        needed = _needed(seen, must, level, plan, [row for row in shown if tests[row.attack][2] == "inconclusive"])
    seen = replace(
        seen,
        rate=worst.rate,
        low=worst.low,
        high=worst.high,
        hits=worst.hits,
        trials=worst.trials,
        clusters=worst.clusters,
        bound=max(found[0].bound for found in tests.values()),
        verdict=verdict,
        needed=needed,
        worst_rate=max(rates.values()) if seen.unscored else None,
        tips=tips,
    )
    reason = _reason(seen, worst, {name: found[1].opposite for name, found in tests.items()}, shown)
    return replace(seen, reason=reason + unscored.remark(seen, percent(max(rates.values()))))


def _test(counts: Counts, must: Condition, level: float, seen: CriterionResult) -> Callable[[int], ThresholdTest]:
    def test(bad: int) -> ThresholdTest:
        return threshold_test(*counts.filled(bad, 1.0, 0.0), must.limit, confidence=level, bound=seen.method)

    return test


def _together(tests: Iterable[Found]) -> tuple[Verdict, int | None]:
    """Return one verdict of all attacks, and with how many bad unscored attempts it no longer ships.

    It no longer ships as soon as one attack does not, so the fewest of any attack tip it.
    """
    found = list(tests)
    verdicts = {verdict for _, _, verdict, _ in found}
    if "no-ship" in verdicts:
        return "no-ship", None
    undecided = [tips for _, _, verdict, tips in found if verdict == "inconclusive"]
    if not undecided:
        return "ship", None
    known = [tips for tips in undecided if tips is not None]
    return "inconclusive", min(known) if len(known) == len(undecided) else None


def _needed(
    seen: CriterionResult, must: Condition, level: float, plan: PlanShape, undecided: Iterable[AttackRate]
) -> int | None:
    """Clusters still needed for the undecided attack that needs most; None where one of them can never pass."""
    most = 0
    for row in undecided:
        if row.rate is None:
            return None
        alone = replace(seen, trials=row.trials, clusters=row.clusters, confidence=level)
        more = still_needed(alone, must.limit, row.rate, "at_most", plan)
        if more is None:
            return None
        most = max(most, more)
    return most or None


def _reason(
    seen: CriterionResult, worst: AttackRate, opposites: Mapping[str, float], shown: Iterable[AttackRate]
) -> str:
    attacks = count(len(opposites), "attack")
    sure = f"{percent(seen.confidence)} confidence" + (f" for all {attacks} together" if len(opposites) > 1 else "")
    limit, bound = percent(seen.limit), percent(1.0 if seen.bound is None else seen.bound, seen.limit)

    def of(row: AttackRate) -> str:
        return (
            f"{count(row.hits, 'hit')} in {count(row.trials, 'attempt')} on {count(row.clusters, 'sample')}, "
            f"{percent(row.rate or 0.0)}"
        )

    if seen.verdict == "ship":
        return (
            f"each attack's rate is at most {bound} with {sure} (the worst is {worst.attack}: {of(worst)}); "
            f"the limit is {limit}"
        )
    if seen.verdict == "no-ship":
        name = max(opposites, key=lambda name: opposites[name])
        row = next((row for row in shown if row.attack == name), worst)
        edge = percent(opposites[name], seen.limit)
        return f"the rate of the attack {name} is at least {edge} with {sure} ({of(row)}); the limit is {limit}"
    could = f"the worst attack is {worst.attack} ({of(worst)}); an attack's rate may be up to {bound} with {sure}"
    return f"{could}; the limit is {limit}: {advice(seen, 'rate', AT)}"
