"""By when a finding must be remedied, and how often a re-run must pass."""

from __future__ import annotations

from datetime import timedelta
from math import ceil, log

from shipworthy.core.calendar import read_moment, write_moment
from shipworthy.core.errors import UsageError
from shipworthy.core.severity import Severity
from shipworthy.workspace.kinds.triage import Triage
from shipworthy.workspace.load import Workspace

CONFIDENCE = 0.95
"""Of the bound that a passing re-run gives, one-sided."""


def triage_of(workspace: Workspace) -> Triage:
    """Return how a workspace handles findings; the defaults where its files say nothing."""
    return next(iter(workspace.entities(Triage).values()), Triage())


def due_of(triage: Triage, severity: Severity, start: str) -> str:
    """Return when a term that starts at a moment ends, ISO 8601, UTC.

    Raises:
        UsageError: the calendar cannot tell.
    """
    try:
        return write_moment(triage.hours.calendar.due(read_moment(start), triage.rule(severity).term))
    except ValueError as error:
        raise UsageError(f"triage: {error}") from None


def due_after(triage: Triage, severity: Severity, day: str) -> str:
    """Return when a term ends that starts at the end of a day, such as the last one of an acceptance."""
    end = read_moment(f"{day}T00:00:00Z") + timedelta(days=1)
    return due_of(triage, severity, write_moment(end))


def limit_of(triage: Triage, severity: Severity, tries: int, hits: int) -> float:
    """Return the failure rate that a passing re-run must rule out.

    That of the severity; or the rate at which the finding was reproduced, where that is lower: a re-run that would
    probably not have failed before the fix either shows nothing.

    Args:
        tries, hits: of the reproduction; 0 tries where nobody counted.

    >>> limit_of(Triage(), "S2", 0, 0), limit_of(Triage(), "S2", 8, 8), limit_of(Triage(), "S2", 100, 1)
    (0.05, 0.05, 0.01)
    """
    rate = triage.rule(severity).rate
    return min(rate, hits / tries) if tries and hits else rate


def tries_needed(limit: float, confidence: float = CONFIDENCE) -> int:
    """Return how many tries without a failure bring the Clopper-Pearson bound down to a rate.

    The tries are draws of the target's sampling on the case's own words: the bound says nothing of other words.

    Args:
        limit: in (0, 1).

    >>> [tries_needed(rate) for rate in (0.2, 0.1, 0.05, 0.01)]
    [14, 29, 59, 299]
    """
    return max(1, ceil(log(1 - confidence) / log(1 - limit) - 1e-9))


def upper_bound(hits: int, tries: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided Clopper-Pearson upper bound of a rate; 1 where nothing was tried.

    Source: Clopper and Pearson (1934). Wrong where the tries are not independent of one another.

    >>> round(upper_bound(0, 59), 4), upper_bound(0, 0), upper_bound(3, 3)
    (0.0495, 1.0, 1.0)
    """
    from scipy.special import betaincinv

    if hits >= tries:
        return 1.0
    return float(betaincinv(hits + 1, tries - hits, confidence))


def clopper_pearson(hits: int, tries: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided Clopper-Pearson interval of a rate; the whole range where nothing was tried.

    >>> [round(end, 2) for end in clopper_pearson(27, 30)]
    [0.73, 0.98]
    """
    half = (1 + confidence) / 2
    return 1 - upper_bound(tries - hits, tries, half), upper_bound(hits, tries, half)
