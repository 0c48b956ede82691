"""What each role was asked: the system under test, and the models that stand around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        self._sums: dict[Party, list[float]] = {}

    def add(self, asked: Iterable[tuple[int, str, Usage | None]], timing: Timing) -> None:
        """Count the calls of one attempt.

        Args:
            asked: place among the events, role, and usage of the answer, or None where there was none: of every model
                that was asked. Failures of parts of the evaluation itself, which are no model, are left out.
            timing: of the attempt.
        """
        for place, name, usage in asked:
            role = _PARTIES.get(name)
            if role is None:
                continue
            sums = self._sums.get(role)
            if sums is None:
                sums = self._sums[role] = [0, 0, 0, 0, 0, 0.0, 0.0, 0.0]
            sums[0] += 1
            if usage is None:
                sums[2] += 1
                continue
            sums[3] += usage.input_tokens
            sums[4] += usage.output_tokens
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
            role: RoleUse(int(calls), int(cached), int(failures), Usage(int(read), int(wrote), cost, computed), seconds)
            for role, (calls, cached, failures, read, wrote, cost, seconds, computed) in self._sums.items()
        }
