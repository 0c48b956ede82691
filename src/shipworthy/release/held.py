"""A criterion held against its limit: the numbers that a test leaves, and the sentence that gives the reason.

Rates and means differ in their tests and in how their numbers are written; this is what they share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.core.records import CriterionResult, Verdict
from shipworthy.release import worst as unscored
from shipworthy.release.wording import POWER, count, percent

Show = Callable[[float, float | None], str]
"""Writes a number, told apart from another one where that is given."""


class Tested(NamedTuple):
    """What a test of a criterion gave, at both ends of what the unscored attempts may have been.

    Attributes:
        estimate, low, high: of what was scored.
        bound: that decides, all unscored attempts bad; `worst` the estimate then.
        opposite: the other bound, all unscored attempts good: a failure stands on it.
        tips: with how many bad ones it no longer passes; None where there is no such number.
        blanks: number of unscored attempts.
    """

    estimate: float
    low: float
    high: float
    bound: float
    worst: float
    opposite: float
    verdict: Verdict
    tips: int | None
    blanks: int


class CriterionWords(NamedTuple):
    """How a criterion is spoken of.

    Attributes:
        noun: ``rate`` or ``mean``.
        show: writes its numbers.
        of: what it was measured on.
        at: what "samples still needed" is worked out at, such as ``this rate``.
    """

    noun: str
    show: Show
    of: str
    at: str


def settled(seen: CriterionResult, tested: Tested, needed: int | None) -> CriterionResult:
    """Return a criterion with the numbers of its test; the reason is still to be given.

    Args:
        needed: samples still needed; None where no number of them will do, or where that was not asked.
    """
    return replace(
        seen,
        rate=tested.estimate,
        low=tested.low,
        high=tested.high,
        bound=tested.bound,
        verdict=tested.verdict,
        needed=0 if tested.verdict == "ship" else needed,
        worst_rate=tested.worst if tested.blanks else None,
        tips=tested.tips,
    )


def against_limit(seen: CriterionResult, tested: Tested, words: CriterionWords, side: str) -> CriterionResult:
    """Return a settled criterion with its reason: an estimate against a limit.

    Args:
        side: ``upper`` where the estimate must lie below the limit, ``lower`` where above.
    """
    noun, show, of, _ = words
    sure, limit = percent(seen.confidence), show(seen.limit, None)
    below, above = ("at most", "at least") if side == "upper" else ("at least", "at most")
    bound = show(tested.bound, seen.limit)
    if seen.verdict == "ship":
        reason = f"the {noun} is {below} {bound} with {sure} confidence ({of}); the limit is {limit}"
    elif seen.verdict == "no-ship":
        edge = show(tested.opposite, seen.limit)
        reason = f"the {noun} is {above} {edge} with {sure} confidence ({of}); the limit is {limit}"
    else:
        beyond = "up to" if side == "upper" else "down to"
        could = f"{show(tested.estimate, None)} observed ({of}), {beyond} {bound} with {sure} confidence"
        reason = f"{could}; the limit is {limit}: {advice(seen, noun, words.at)}"
    return replace(seen, reason=reason + unscored.remark(seen, show(tested.worst, None)))


def against_margin(seen: CriterionResult, tested: Tested, words: CriterionWords, worse: str) -> CriterionResult:
    """Return a settled criterion with its reason: a change against what is allowed.

    Args:
        worse: which way is bad, ``higher`` or ``lower``.
    """
    noun, show, of, _ = words
    sure, allowed = percent(seen.confidence), show(seen.limit, None)
    bound, rose = show(tested.bound, seen.limit), worse == "higher"
    move = "rose" if rose else "fell"
    if seen.verdict == "ship":
        reason = f"the {noun} {move} by at most {bound} with {sure} confidence ({of}); {allowed} are allowed"
    elif seen.verdict == "no-ship":
        edge = show(tested.opposite, seen.limit)
        reason = f"the {noun} {move} by at least {edge} with {sure} confidence ({of}); {allowed} are allowed"
    else:
        could = f"the {noun} may have {'risen' if rose else 'fallen'} by up to {bound} with {sure} confidence ({of})"
        reason = f"{could}; {allowed} are allowed: {advice(seen, noun, words.at)}"
    return replace(seen, reason=reason + unscored.remark(seen, f"a change of {show(tested.worst, None)}"))


def advice(seen: CriterionResult, noun: str, at: str) -> str:
    """Return what would decide an undecided criterion, in words."""
    if seen.tips is not None:
        return unscored.SCORE_THEM
    if seen.needed is None:
        return f"if the true {noun} is the observed one, no number of samples makes this pass"
    return f"about {count(seen.needed, 'more sample')} would decide it at {at}, with {percent(POWER)} power"


def more(seen: CriterionResult, total: int | None) -> int | None:
    """Return how many of a number of samples are still needed; None where no number of them will do."""
    # At least one: the criterion did not pass with what there is.
    return None if total is None else max(1, total - seen.clusters)
