"""Which sessions have been counted on a day, so that counts of sessions are sums over facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shipworthy.telemetry.fact import TelemetryFact

_DAY_US = 86_400 * 1_000_000
_DAYS = 4
"""Days that are kept in memory; spans of older ones are few, and theirs are read again."""

Row = tuple[str, int, int, bool, bool, bool]
"""Feature, session, severity, and whether the fact counted a violation, personal data, a refusal."""


class Sessions:
    """Marks the facts that count a session.

    Args:
        load: returns what was counted on a day (in days since 1970), from what is on the disk.
    """

    def __init__(self, load: Callable[[int], Iterable[Row]]) -> None:
        self._load = load
        self._days: dict[int, set[tuple[str, int, int]]] = {}

    def mark(self, fact: TelemetryFact) -> None:
        """Set the ``new_…`` fields of a fact."""
        seen = self._day(fact.time // _DAY_US)
        feature, session = fact.feature, fact.session
        fact.new_session = _add(seen, (feature, session, -1))
        fact.new_violation = fact.violation and _add(seen, (feature, session, fact.severity))
        fact.new_pii = fact.pii and _add(seen, (feature, session, -2))
        fact.new_refusal = fact.refusal and _add(seen, (feature, session, -3))

    def forget(self) -> None:
        """Read everything again: what was marked last did not become durable."""
        self._days.clear()

    def _day(self, day: int) -> set[tuple[str, int, int]]:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _DAYS:
                del self._days[min(self._days)]
            found = self._days[day] = set()
            for feature, session, severity, violation, pii, refusal in self._load(day):
                found.add((feature, session, -1))
                found.update(
                    (feature, session, code)
                    for code, counted in ((severity, violation), (-2, pii), (-3, refusal))
                    if counted
                )
        return found


def _add(seen: set[tuple[str, int, int]], key: tuple[str, int, int]) -> bool:
    if key in seen:
        return False
    seen.add(key)
    return True
