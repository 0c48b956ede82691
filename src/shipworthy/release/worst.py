"""What has no score decides against every verdict: bad for the one that ships, good for the one that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from shipworthy.core.records import CriterionResult, Verdict
from shipworthy.release.wording import VERDICTS, count
from shipworthy.stats.criterion import TestVerdict


class HasBounds(Protocol):
    """What every test of `shipworthy.stats` gives."""

    @property
    def verdict(self) -> TestVerdict: ...


T = TypeVar("T", bound=HasBounds)


def decide(test: Callable[[int], T], unscored: int) -> tuple[T, T, Verdict, int | None]:
    """Test a criterion at both ends of what the unscored attempts may have been (Manski 2003, worst-case bounds).

    Nothing is assumed of why a score is lacking, so the error rates of the test hold whatever the lacking scores are.

    Args:
        test: the criterion's test with so many of the unscored attempts bad, those that weigh most first.
        unscored: number of attempts without a score.

    Returns:
        The test with all of them bad, with none, the verdict, and the tipping point: with how many bad ones it no
        longer passes; None where it passes with all of them bad, or fails to pass with none.
    """
    worst = test(unscored)
    best = test(0) if unscored else worst
    if worst.verdict == "pass":
        return worst, best, "ship", None
    if best.verdict != "pass":
        return worst, best, VERDICTS[best.verdict], None
    passes, tips = 0, unscored
    while tips - passes > 1:
        middle = (passes + tips) // 2
        if test(middle).verdict == "pass":
            passes = middle
        else:
            tips = middle
    return worst, best, "inconclusive", tips


def kinds(unscored: Mapping[str, int]) -> str:
    """Return what is unscored in words.

    >>> kinds({"timeout": 3, "abstained": 1})
    '3 timeout, 1 abstained'
    """
    return ", ".join(f"{number:,} {kind.replace('_', ' ')}" for kind, number in unscored.items())


def left_out(seen: CriterionResult) -> str:
    """Return what a criterion's reason says of the attempts that were never possible, from a semicolon on."""
    if not seen.inapplicable:
        return ""
    said = ", ".join(f"{name} {number:,}" for name, number in seen.inapplicable.items())
    return f"; left out, as the attack cannot change the sample: {said}"


def remark(seen: CriterionResult, worst: str) -> str:
    """Return what a criterion's reason says of its unscored attempts, from a semicolon on; empty where there are none.

    Args:
        worst: the estimate with all of them bad, in words.
    """
    if not seen.left_out:
        return ""
    said = f"; {count(seen.left_out, 'attempt')} without a score ({kinds(seen.unscored)})"
    if seen.verdict == "no-ship":
        return f"{said} counted as good: it fails even so"
    if seen.tips is None:
        return f"{said} counted as bad: {worst} in the worst case"
    of = f"{seen.tips:,} of {seen.left_out:,}"
    return f"{said}: {worst} if all of them are bad; it ships unless {of} unscored are"


SCORE_THEM = "score what has no score: `shipworthy eval --resume RUN --retry-errors`"
"""What an undecided criterion needs whose scored attempts alone would pass."""
