"""The state of one stream: what is normal for it, and its e-detector. Made of what was looked at, look by look."""

from __future__ import annotations

from typing import NamedTuple

from shipworthy.stats.detector import DayCount, EDetector, NormalRate, normal_rate
from shipworthy.stats.proportion import exact_shares
from shipworthy.telemetry.alarm_config import StreamSpec

PER = 10_000


class StreamLook(NamedTuple):
    """What a look at a stream gave.

    Attributes:
        value, e_value: see `stats.detector`; 0 and 1 while what is normal is learnt.
        alarm: whether the e-detector has reached its height with this look.
    """

    value: float = 0.0
    e_value: float = 1.0
    alarm: bool = False


class Change(NamedTuple):
    """A change that fits the last looks best: its first day since 1970, and what there was since, in 10,000."""

    since: int
    events: int
    sessions: int
    per: float
    low: float
    high: float


class StreamWatch:
    """Watches one stream. Looks are taken in the order in which they were entered; see `take`.

    Attributes:
        normal: what is normal; None while it is learnt.
        looked: day since 1970 -> what has been counted of it, late facts included.
    """

    def __init__(self, spec: StreamSpec) -> None:
        self._spec = spec
        self.looked: dict[int, DayCount] = {}
        self.learnt: list[DayCount] = []
        self.normal: NormalRate | None = None
        self._detector: EDetector | None = None
        self._looks: list[tuple[int, DayCount]] = []
        self._carried = 0
        self.last = StreamLook()

    def take(self, day: int, count: DayCount, late: DayCount = DayCount(0, 0)) -> StreamLook:
        """Take a day in, and what has come since of days before it.

        Sessions are bet on when they are counted, once, whichever day they are of: the bet is as fair on a late one.
        Events beyond the sessions of a look, of sessions that were counted before, wait for the next one.
        """
        self.looked[day] = count
        sessions = count.sessions + late.sessions
        events = count.events + late.events + self._carried
        self._carried = max(0, events - sessions)
        pooled = DayCount(events - self._carried, sessions)
        self.last = StreamLook(e_value=self._detector.e_value() if self._detector is not None else 1.0)
        if not sessions:
            return self.last
        if self._detector is None:
            self.learnt.append(pooled)
            if len(self.learnt) >= self._spec.baseline_days:
                self.normal = normal_rate(self.learnt)
                self._detector = EDetector(self.normal, looks=self._spec.arl_days, margin=self._spec.margin)
            return self.last
        self._looks.append((day, pooled))
        look = self._detector.look(pooled)
        self.last = StreamLook(look.value, self._detector.e_value(), look.alarm)
        return self.last

    def late(self, day: int, late: DayCount) -> None:
        """Note that more is known of a day; it is bet on with the next look."""
        had = self.looked.get(day, DayCount(0, 0))
        self.looked[day] = DayCount(had.events + late.events, had.sessions + late.sessions)

    def change(self) -> Change | None:
        """Return the change that fits the looks best; None where none does. See `EDetector.since`."""
        since = self._detector.since() if self._detector is not None else 0
        if not since or not self._looks:
            return None
        last = self._looks[-since:]
        events, sessions = sum(c.events for _, c in last), sum(c.sessions for _, c in last)
        share = exact_shares([events], [sessions])
        per, low, high = (float(one[0]) * PER for one in share)
        return Change(last[0][0], events, sessions, per, low, high)

    @property
    def highest(self) -> float:
        """The highest rate that is taken for normal, in 10,000; 0 while it is learnt."""
        return self._detector.highest * PER if self._detector is not None else 0.0

    def reset(self) -> None:
        """Begin to bet anew, after an alarm."""
        if self._detector is not None:
            self._detector.reset()
        self._looks.clear()

    def relearn(self) -> None:
        """Learn what is normal anew, from the next look on."""
        self.learnt, self.normal, self._detector = [], None, None
        self._looks.clear()
