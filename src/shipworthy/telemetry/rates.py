"""Rates among sessions: how many of 10,000 had a violation, personal data, a refusal; by day, feature and severity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple, get_args

from msgspec import Struct

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.observed import Hit
from shipworthy.telemetry.facts import FactView

Key = Literal["day", "feature", "severity"]
PER = 10_000
_FIRST = date(1970, 1, 1)


class SessionRate(Struct, frozen=True, kw_only=True):
    """One rate.

    Attributes:
        day: ISO 8601, UTC; empty where days are taken together, as `feature` is.
        severity: of the violations that are counted, 0 for unrated ones; None where severities are taken together.
        sessions: that there were; `hits` those with at least one. A session that goes on over midnight, or over two
            features, is one in each.
        per: hits in 10,000 sessions, with exact limits `low` and `high`; None where there was no session.
    """

    day: str
    feature: str
    severity: int | None
    hit: Hit
    sessions: int
    hits: int
    per: float | None
    low: float
    high: float
    confidence: float


class Rates(NamedTuple):
    """Rates, and the sessions in all that they are of."""

    rates: list[SessionRate]
    sessions: int


def rates(
    view: FactView,
    hit: Hit = "violation",
    by: Sequence[Key] = ("day", "feature"),
    *,
    since: date | None = None,
    until: date | None = None,
    feature: str = "",
    confidence: float = 0.95,
) -> Rates:
    """Return how many of 10,000 sessions had a hit.

    A rate by severity has all sessions of its day and feature below it. Limits take sessions as independent of one
    another: where a few people make many of them, true intervals are wider.

    Args:
        by: what is kept apart; the rest is taken together. Severity is a violation's.
        since, until: first and last day, in UTC.

    Raises:
        UsageError: an unknown key or hit; severity for something that has none.
    """
    from shipworthy.stats.proportion import exact_shares

    if hit not in get_args(Hit):
        raise UsageError(f"there is no rate of {hit!r}: {did_you_mean(hit, get_args(Hit))}")
    for key in by:
        if key not in get_args(Key):
            raise UsageError(f"rates are by {', '.join(get_args(Key))}, not by {key!r}")
    if "severity" in by and hit != "violation":
        raise UsageError(f"severities are of violations, and {hit!r} has none")
    rows, total = _counted(view, hit, by, lambda day, of: (
        (since is None or day >= since) and (until is None or day <= until) and feature in ("", of)
    ))  # fmt: skip
    found = exact_shares([row[4] for row in rows], [row[3] for row in rows], confidence=confidence) if rows else None
    made = [
        SessionRate(
            day=day.isoformat() if day is not None else "",
            feature=of or "",
            severity=severity,
            hit=hit,
            sessions=sessions,
            hits=hits,
            per=float(found.share[place]) * PER if found is not None and sessions else None,
            low=float(found.low[place]) * PER if found is not None else 0.0,
            high=float(found.high[place]) * PER if found is not None else float(PER),
            confidence=confidence,
        )
        for place, (day, of, severity, sessions, hits) in enumerate(rows)
    ]
    return Rates(made, total)


def _counted(
    view: FactView, hit: Hit, by: Sequence[Key], wanted: Callable[[date, str], bool]
) -> tuple[list[tuple[date | None, str | None, int | None, int, int]], int]:
    """Return (day, feature, severity, sessions, hits) of each rate, and the sessions in all, with a hit or without."""
    sessions: dict[tuple[date | None, str | None], int] = {}
    hits: dict[tuple[date | None, str | None, int | None], int] = {}
    for one in view.counts():
        day = _FIRST + timedelta(one.day)
        if not wanted(day, one.feature) or not (one.session or getattr(one, hit)):
            continue
        group = (day if "day" in by else None, one.feature if "feature" in by else None)
        sessions[group] = sessions.get(group, 0) + one.session
        key = (*group, one.severity if "severity" in by else None)
        hits[key] = hits.get(key, 0) + getattr(one, hit)
    order = sorted(hits, key=lambda key: (key[0] or date.min, key[1] or "", key[2] or 0))
    rows = [
        (*key, sessions[key[:2]], hits[key])
        for key in order
        # Of a severity that nothing had there is no row; of a group as a whole there always is.
        if hits[key] or "severity" not in by
    ]
    return rows, sum(sessions.values())
