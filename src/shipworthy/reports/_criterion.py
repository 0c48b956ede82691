"""A criterion as a line of a picture, and what it still needs, in words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from shipworthy.core import condition
from shipworthy.core.document import Interval
from shipworthy.core.records import AttackRate, CriterionResult
from shipworthy.core.renamed import COUNTS
from shipworthy.reports._words import VERDICTS, NumberWords, one_line, percent, span
from shipworthy.stats.scorer_error import Flip, change_flip, rate_flip
from shipworthy.workspace.metric_condition import weakness


def wants_high(result: CriterionResult) -> bool:
    """Say whether the good side of the criterion's limit is the higher one.

    A change is drawn as it is, after minus before: of what may not fall (``drop_upper95``) more is better.
    """
    return _side(result.must) == "lower"


@lru_cache(maxsize=256)
def _side(must: str) -> Literal["upper", "lower"]:
    return condition.parse(must).side


def is_change(result: CriterionResult) -> bool:
    """Say whether the criterion's rate is a change against a baseline."""
    return result.test == "noninferiority"


def better(result: CriterionResult) -> Literal["lower", "higher"]:
    """Return which side of the limit is the good one."""
    return "higher" if wants_high(result) else "lower"


def drawn(result: CriterionResult, label: str = "", note: str = "") -> Interval:
    """Return the criterion as a line of a picture: rate, interval, bound and limit on one scale.

    Of a change the decision keeps bound and limit as amounts of worsening. A loss lies on the negative side.
    """
    _, _, tone = VERDICTS[result.verdict]
    side = -1.0 if is_change(result) and wants_high(result) else 1.0
    measured = result.rate is not None and result.low is not None and result.high is not None
    return Interval(
        label or result.id,
        result.rate if measured else None,
        result.low if measured else None,
        result.high if measured else None,
        side * result.limit,
        tone,
        note,
        side * result.bound if measured and result.bound is not None else None,
    )


def against(row: Interval, how: NumberWords) -> str:
    """Return the bound and the limit it is held against, the unit said once where it is not a percentage."""
    # Each with the digits that tell it from the other: which of the two is the round number is not known.
    limit = f"limit {how.show(row.limit, row.bound)}"
    if row.bound is None:
        return limit
    bound = how.show(row.bound, row.limit)
    return f"bound {bound if how == NumberWords() else bound.removesuffix(how.ending)} vs {limit}"


def meets(result: CriterionResult) -> bool:
    """Say whether the bound meets the limit; a criterion can do so and yet be undecided for another reason."""
    if result.bound is None:
        return False
    high = wants_high(result) and not is_change(result)
    return result.bound >= result.limit if high else result.bound <= result.limit


def worst_first(result: CriterionResult) -> list[AttackRate]:
    """Return a criterion's attacks, the worst first; behind them those of which nothing was scored."""
    way = 1 if wants_high(result) else -1
    return sorted(result.attacks, key=lambda row: (row.rate is None, way * (row.rate or 0.0), -row.hits))


def by_attack(result: CriterionResult) -> str:
    """Return each attack's rate and interval in one line, the worst first; attacks with the same numbers together.

    Empty where there was one attack only, or the criterion is on no rate.
    """
    groups: dict[str, list[str]] = {}
    for row in worst_first(result):
        numbers = "nothing scored"
        if row.rate is not None:
            numbers = f"{percent(row.rate)} {span(row.low, row.high)} {row.hits:,}/{row.trials:,}"
        left = f", {row.unscored:,} unscored" if row.unscored else ""
        left += f", {row.inapplicable:,} left out" if row.inapplicable else ""
        groups.setdefault(numbers + left, []).append(one_line(row.attack))
    said = "; ".join(f"{', '.join(names)} {numbers}" for numbers, names in groups.items())
    return f"by attack: {said}" if said else ""


def still_needed(result: CriterionResult) -> str:
    """Return what is needed before the criterion can pass: a number of samples, or what else is missing.

    ``0`` is a pass. "No number" is said only where a rate was measured and does not meet the limit itself.
    """
    if result.verdict == "ship":
        return "0"
    if result.verdict == "no-ship":
        return "none: it failed"
    if not result.planned and not result.trials:
        return "run the suite"
    if result.audit is not None:
        return "none: see the reason" if result.audit.entry and not result.audit.missing else "label what was drawn"
    if result.judge is not None and not is_change(result):
        return "none: see the reason"
    if result.rate is None and result.measure is not None and result.measure.judge and result.judge is None:
        return "calibrate its judge"
    if result.rate is None:
        missing = is_change(result) and not result.baseline_run
        return "make a baseline run" if missing else "measure again"
    if result.tips is not None:
        return "none: score what has no score"
    if meets(result):
        return "none: see the reason"
    return "no number can pass it at this rate" if result.needed is None else f"{result.needed:,}"


def needed(result: CriterionResult) -> str:
    """Return how many samples an undecided criterion still needs, unless its reason says so."""
    said = still_needed(result)
    if result.verdict != "inconclusive" or not said[0].isdigit() or f"{said} more sample" in result.reason:
        return ""
    return f"{said} more sample{'' if said == '1' else 's'} needed (80 % power at the observed rate)"


def flip(result: CriterionResult) -> Flip | None:
    """Return the scorer error at which a criterion on a rate would ship, or no longer ship.

    None where no such error does, where nothing was measured, and where something else than the bound keeps the
    criterion from passing.
    """
    if result.rate is None or result.bound is None or result.is_value or result.audit is not None:
        return None
    if result.judge is not None:
        return None
    if meets(result) and result.verdict != "ship":
        return None
    if is_change(result):
        return change_flip(result.bound, result.limit)
    return rate_flip(result.bound, result.limit, _side(result.must))


def assumed(result: CriterionResult) -> str:
    """Return what a criterion on a measured rate takes for granted of its scorer, or what labels say of it.

    Empty for what was not measured, and for a value.
    """
    if result.rate is None or result.bound is None or result.is_value:
        return ""
    if (audit := result.audit) is not None:
        labelled = audit.positives.labelled + audit.negatives.labelled
        ends = (audit.sensitivity, audit.sensitivity_span), (audit.specificity, audit.specificity_span)
        shares = [f"{name} {_share(*end)}" for name, end in zip(("sensitivity", "specificity"), ends, strict=True)]
        return f"scorer audited by {labelled:,} labels: {', '.join(shares)}"
    if (judge := result.judge) is not None:
        shares = [
            f"sensitivity {judge.found / judge.positives:.2f} on {judge.positives:,}",
            f"specificity {judge.cleared / judge.negatives:.2f} on {judge.negatives:,} labels",
        ]
        alone = f"; alone it says {percent(judge.observed)}" if judge.observed is not None else ""
        return f"judge {one_line(judge.rubric)}, calibrated: {', '.join(shares)}{alone}"
    both = " in both runs" if is_change(result) else ""
    then = flip(result)
    said = f"assumes the scorer is right{both}: sensitivity 1.00, specificity 1.00"
    return f"{said}; {then}" if then else said


def mind(result: CriterionResult) -> str:
    """Return what a reader may take a criterion for and it is not; empty where there is nothing.

    That is a condition whose meeting says little, or a metric whose name says more than it counts.
    """
    try:
        why = weakness(condition.parse(result.must), result.measure)
    except ValueError:  # of a version that wrote conditions otherwise
        why = ""
    whys = [one for one in (why, COUNTS.get(result.metric, "")) if one]
    return f"mind: {'; '.join(whys)}" if whys else ""


def _share(share: float | None, between: tuple[float, float] | None) -> str:
    if share is None or between is None:
        return "undefined"
    return f"{share:.3f} [{between[0]:.3f}, {between[1]:.3f}]"


def interval_name(results: Iterable[CriterionResult]) -> str:
    """Return what the two-sided intervals of some criteria are called together, such as ``95 % interval``."""
    sure = {result.confidence for result in results}
    return f"{percent(sure.pop())} interval" if len(sure) == 1 else "interval"
