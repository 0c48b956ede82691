"""What each role was asked: the system under test, and the models that stand around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from msgspec import Struct

from shipworthy.core.events import Party, Timing, Usage


class RoleUse(Struct, frozen=True, omit_defaults=True):
    """What one role was asked in an attempt or a run.

    Attributes:
        calls: requests; `cached` how many of them the cache answered; `failures` how many were not answered.
        usage: tokens and money of all answers, kept ones included.
        seconds: wall time of the calls that were really made.
    """

    calls: int = 0
    cached: int = 0
    failures: int = 0
    usage: Usage = Usage()
    seconds: float = 0.0

    def __add__(self, other: RoleUse) -> RoleUse:
        return RoleUse(
            self.calls + other.calls,
            self.cached + other.cached,
            self.failures + other.failures,
            self.usage + other.usage,
            self.seconds + other.seconds,
        )


_PARTIES: Mapping[str, Party] = {name: name for name in get_args(Party)}


class RoleTally:
    """Adds up what roles were asked, over the attempts of a run. Sums in place: it runs for every attempt of a gate."""

    def __init__(self) -> None:
        self._sums: dict[str, list[float]] = {}

    def add(self, place: int, name: str, usage: Usage | None, timing: Timing) -> None:
        """Count one call.

        Args:
            place: of the event among the attempt's.
            name: the role. A part of the evaluation itself that failed, which is no model, is left out.
            usage: of the answer; None where there was none.
            timing: of the attempt.
        """
        sums = self._sums.get(name)
        if sums is None:
            if name not in _PARTIES:
                return
            sums = self._sums[name] = [0, 0, 0, 0, 0, 0.0, 0.0, 0.0]
        sums[0] += 1
        if usage is None:
            sums[2] += 1
            return
        sums[3] += usage.input_tokens
        sums[4] += usage.output_tokens
        if usage.cost_usd or usage.computed_usd:
            sums[5] += usage.cost_usd
            sums[7] += usage.computed_usd
        for span in timing.spans:
            if span.event == place:
                sums[1] += span.cached
                sums[6] += span.seconds

    @property
    def uses(self) -> dict[Party, RoleUse]:
        """The sums, in order of first appearance."""
        return {
            _PARTIES[name]: RoleUse(
                int(calls), int(cached), int(failures), Usage(int(read), int(wrote), cost, computed), seconds
            )
            for name, (calls, cached, failures, read, wrote, cost, seconds, computed) in self._sums.items()
        }
