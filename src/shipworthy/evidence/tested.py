"""What one criterion of a decision is tested on. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shipworthy.core.condition import Condition
from shipworthy.evidence.recount import Measure


class TestedOn(NamedTuple):
    """What one criterion is tested on: its condition, the runs, how the run used the suite, and the metric.

    Attributes:
        use: None where no run measured it; `measure` None where no scorer declares the metric.
        attacks: full names of those that count.
        written: the metric as the run's manifest has it; `least` the independent samples that are asked for.
    """

    must: Condition
    attack: str | None
    run: str
    baseline: str
    use: Mapping[str, Any] | None
    attacks: Sequence[str]
    measure: Measure | None
    written: Mapping[str, Any] | None
    least: int
    labels: bool = False


class Trial(NamedTuple):
    """What a criterion that can be tested is tested on; fields as in `TestedOn`."""

    must: Condition
    attack: str | None
    run: str
    baseline: str
    use: Mapping[str, Any]
    attacks: Sequence[str]
    measure: Measure
    least: int
