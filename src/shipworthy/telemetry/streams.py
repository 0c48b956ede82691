"""Streams: which rates are watched in a store, and what each of their days had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from shipworthy.stats.detector import DayCount
from shipworthy.telemetry.alarm_config import ALL, EACH, StreamSpec
from shipworthy.telemetry.facts import SessionCounts

FIRST = date(1970, 1, 1)


class RateStream(NamedTuple):
    """One stream: its specification, and the feature; empty for all together."""

    spec: StreamSpec
    feature: str

    @property
    def id(self) -> str:
        """What people call it."""
        return f"{self.spec.id}/{self.feature}" if self.spec.feature == EACH else self.spec.id

    @property
    def key(self) -> str:
        """Its name in the control state, with the digest of what its state depends on."""
        return f"{self.id}@{self.spec.digest}"


class StreamDays(NamedTuple):
    """A stream and what its days had, by day since 1970."""

    stream: RateStream
    days: Mapping[int, DayCount]


def streams_of(specs: Sequence[StreamSpec], counts: Iterable[SessionCounts]) -> list[StreamDays]:
    """Return every stream with its days: a stream for each feature that the store has where a specification says so.

    A session with violations of two severities is counted once for each of them; of `any` severity it is one all the
    same, as far as a day's sessions go: events are never more than sessions.
    """
    sessions: dict[tuple[str, int], int] = defaultdict(int)
    hits: dict[tuple[str, str, int | None, int], int] = defaultdict(int)
    features: set[str] = set()
    for one in counts:
        features.add(one.feature)
        sessions[one.feature, one.day] += one.session
        for metric in ("violation", "pii", "refusal"):
            if number := int(getattr(one, metric)):
                hits[one.feature, metric, None, one.day] += number
                hits[one.feature, metric, one.severity, one.day] += number
    found = []
    for spec in specs:
        named = sorted(features) if spec.feature == EACH else [spec.feature]
        begins = _day(spec.begins)
        for name in named:
            of = features if name == ALL and spec.feature == ALL else {name}
            days: dict[int, DayCount] = {}
            for (feature, day), number in sessions.items():
                if feature in of and day >= begins:
                    had = days.get(day, DayCount(0, 0))
                    events = hits.get((feature, spec.metric, spec.level, day), 0)
                    days[day] = DayCount(had.events + events, had.sessions + number)
            whole = {day: DayCount(min(had.events, had.sessions), had.sessions) for day, had in days.items()}
            found.append(StreamDays(RateStream(spec, "" if spec.feature == ALL else name), whole))
    return found


def iso(day: int) -> str:
    """Return a day since 1970 in ISO 8601."""
    return (FIRST + timedelta(day)).isoformat()


def _day(text: str) -> int:
    return (date.fromisoformat(text) - FIRST).days if text else -(10**6)
