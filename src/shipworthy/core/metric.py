"""A metric as a noun: what a scorer counts or measures, and which way is good."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shipworthy.core.text import Name

Good = Literal["low", "high"]


ESTIMAND = "prompts like these: each sample counts once, as one draw of such prompts"
"""What every rate, mean and bound here is about (generalized accuracy in the words of NIST AI 800-3)."""


class Metric(Struct, frozen=True, omit_defaults=True):
    """What a scorer gives, declared by the scorer and kept in the manifest of every run that used it.

    Everything that needs to know a metric's direction, range or unit reads it here; no list of metric names stands
    anywhere.

    Attributes:
        name: such as ``leak`` or ``helpful``.
        good: whether a low or a high rate (or mean) is the better one.
        kind: ``event`` is counted (`Score.hit`), ``value`` is measured (`Score.value`).
        unit: of a value, such as ``s`` or ``points``; empty for a bare number.
        low, high: the range of a value, ends included; an event's is [0, 1].
        reducer: how the attempts of one sample become the sample's number: ``mean``, or ``any`` (an event that
            happens once in k attempts has happened).
        harm: of an event that had better not happen, whether one is harm: then one on a sample of severity S1 forbids a
            release. False for what only costs, such as a person being asked.
        judge: of a metric that a judge gives, the identity of that judge as it is written: rubric, prompt, votes and
            model. Nothing is decided on it but with a calibration of this very judge. Scorers leave it empty: whoever
            reads the files fills it in.
    """

    name: Name
    good: Good = "low"
    kind: Literal["event", "value"] = "event"
    unit: Name = ""
    low: float = 0.0
    high: float = 1.0
    reducer: Literal["mean", "any"] = "mean"
    judge: Name = ""
    harm: bool = True

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a metric needs a name")
        if not (-1e300 < self.low < self.high < 1e300):
            raise ValueError(f"the range of the metric {self.name!r} must be finite, its low end below its high end")
        if self.kind == "event" and (self.low, self.high) != (0.0, 1.0):
            raise ValueError(f"the metric {self.name!r} counts events: its range is [0, 1]")
        if self.kind == "value" and self.reducer != "mean":
            raise ValueError(f"the metric {self.name!r} is a value: its reducer is 'mean'")

    @property
    def bad_event(self) -> bool:
        """Whether a hit is something that must not happen: the only hits that count as S1."""
        return self.kind == "event" and self.good == "low" and self.harm
