"""KPI 5: how many of the findings that were to be remedied were, in time, and what is still open past its due date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shipworthy.core.finding_entry import BLOCKING, FindingStanding, FindingTerm, moment
from shipworthy.findings.terms import clopper_pearson

AGES = (7, 30, 90)
"""Days past due that split what is open: up to 7, up to 30, up to 90, more."""


class FindingClosure(NamedTuple):
    """What became of the terms that ended in a period; see `finding_closure`.

    Attributes:
        ended: terms of the severities whose due date lies in the period.
        met: of these, remediated in time: a re-run that passed verified it no later than the due date.
        late: remediated after it.
        accepted: the risk was accepted before it ended: not closed, in a column of its own; so is `rejected`.
        open: not remediated.
        rate: met / ended; None where no term ended. `low` and `high` its Clopper-Pearson interval.
        past_due: of all findings, whenever they were due, those that are open past it now: days, at most -> number; the
            last key is 0 for more than any.
    """

    ended: int
    met: int
    late: int
    accepted: int
    rejected: int
    open: int
    rate: float | None
    low: float
    high: float
    past_due: dict[int, int]


def finding_closure(
    standing: Iterable[FindingStanding],
    since: str,
    until: str,
    now: str,
    *,
    severities: Iterable[str] = BLOCKING,
    confidence: float = 0.95,
) -> FindingClosure:
    """Return the closure of findings within their deadlines in a period.

    The denominator is every term that ended in the period, accepted and rejected ones with it: what was accepted is not
    remediated. A finding that was opened again, or whose acceptance expired, has another term. Only terms that have
    ended by `now` count. The interval takes findings as independent, which findings of one cause are not.

    Args:
        standing: of all findings, from `store.findings.standing_findings`, as of `now`.
        since, until: the period, from the first moment up to, not including, the last, ISO 8601.
        severities: that are counted.
        confidence: of the two-sided interval, in (0, 1).

    >>> finding_closure([], "2026-11-01", "2026-12-01", "2026-12-05T00:00:00Z").rate is None
    True
    """
    begin, end, at = moment(since), moment(until), moment(now)
    wanted, counts = set(severities), dict.fromkeys(("met", "late", "accepted", "rejected", "open"), 0)
    past = dict.fromkeys((*AGES, 0), 0)
    for one in standing:
        for term in one.terms:
            if term.severity in wanted and term.due and begin <= moment(term.due) < end and moment(term.due) <= at:
                counts[_outcome(term)] += 1
        if one.severity in wanted and one.overdue(now):
            days = (at - moment(one.due)).total_seconds() / 86_400
            past[next((age for age in AGES if days <= age), 0)] += 1
    ended = sum(counts.values())
    low, high = clopper_pearson(counts["met"], ended, confidence)
    return FindingClosure(
        ended=ended, rate=counts["met"] / ended if ended else None, low=low, high=high, past_due=past, **counts
    )


def _outcome(term: FindingTerm) -> str:
    if term.met:
        return "met" if moment(term.met) <= moment(term.due) else "late"
    return term.taken or "open"
