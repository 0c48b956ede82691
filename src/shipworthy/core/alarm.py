"""An alarm: what production did that it should not, with the numbers that say so. The audit chain holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

AlarmKind = Literal["rate", "page", "silence", "evidence", "vendor", "campaign", "canary"]
"""``rate``: a stream's rate rose above what is normal. ``page``: something of severity S1 happened, once is enough.
``silence``: a stream that had traffic has none. ``evidence``: traffic without a valid decision. ``vendor``: a sentinel
found another model, or got no answers. ``campaign``: a burst of like attempts. ``canary``: a canary is worse than its
control."""
PAGES: frozenset[AlarmKind] = frozenset({"rate", "page", "evidence", "campaign", "canary"})
"""Kinds that somebody is woken for where they are severe; see `Alarm.pages`."""
MOST_SPANS = 50


class Alarm(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alarm.

    Attributes:
        id: ``AL-`` and a time that sorts.
        stream: id of what is watched.
        about: of what in it; while one alarm of a kind, stream and `about` is open there is no second.
        severity: 1 (S1, worst) to 4; 0 where nobody gave one.
        day: of the look, ISO 8601, UTC. `since`: the first day of the change that fits best, an estimate without an
            interval; empty where there is none.
        told: what happened, in one line without anybody's words.
        metric, feature: that are counted; `feature` empty for all.
        events, sessions: from `since` to `day`, and what they come to in 10,000: `per`, with exact limits.
        baseline_events, baseline_sessions, baseline_days: that what is normal was estimated from; `baseline_per` in
            10,000, and `normal_per` the highest that is still taken for normal.
        value: of the e-detector, `height` where it alarms; `e_value` of the last weeks by itself.
        discovered: whether it stands out among all streams of its look at once (e-BH).
        spans: ``trace/span`` of some facts behind it, at most `MOST_SPANS`.
        received: latest receipt of what it is about, Unix time in microseconds; 0 where that says nothing.
        entry: its number in the audit chain; `at` when it was entered.
    """

    id: str
    kind: AlarmKind
    stream: str
    day: str
    told: str
    about: str = ""
    severity: int = 0
    since: str = ""
    metric: str = ""
    feature: str = ""
    events: int = 0
    sessions: int = 0
    per: float | None = None
    low: float = 0.0
    high: float = 0.0
    confidence: float = 0.95
    baseline_events: int = 0
    baseline_sessions: int = 0
    baseline_days: int = 0
    baseline_per: float | None = None
    normal_per: float | None = None
    value: float = 0.0
    height: float = 0.0
    e_value: float = 0.0
    discovered: bool = False
    spans: tuple[str, ...] = ()
    received: int = 0
    entry: int = 0
    at: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the trouble, so that it is not raised again while it is open."""
        return self.kind, self.stream, self.about

    @property
    def pages(self) -> bool:
        """Whether somebody is to be woken: S1 and S2, of kinds that mean harm."""
        return self.kind == "page" or (self.kind in PAGES and 1 <= self.severity <= 2)


def alarm_body(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as the body of an entry; the entry has its own number and time."""
    body: dict[str, Any] = msgspec.to_builtins(alarm)
    return {name: value for name, value in body.items() if name not in ("entry", "at")}


def alarm_of(number: int, at: str, body: Mapping[str, Any]) -> Alarm:
    """Return the alarm that an entry holds.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.convert({**body, "entry": number, "at": at}, Alarm)
    except msgspec.ValidationError as error:
        raise ValueError(f"entry {number} is no alarm: {error}") from None
