"""What the word of each model of a panel is worth."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, log
from typing import Any, NamedTuple

from shipworthy.core.errors import PluginError

MOST = 10.0
"""The furthest a word may weigh: beyond it one model would decide alone, whatever all others say."""


class PanelWeight(NamedTuple):
    """What a model's words add to the evidence for a hit, in natural logarithms of a likelihood ratio."""

    hit: float
    none: float

    def of(self, said: bool | None) -> float:
        """Return what a word adds; nothing where it said neither."""
        return 0.0 if said is None else self.hit if said else self.none


def panel_weight(found: int, missed: int, cleared: int, accused: int) -> PanelWeight:
    """Return the weight of a model from what it said of labelled answers.

    A word's weight is the logarithm of how much more often it is said of hits than of others, each share with half an
    answer added on either side. Adding the weights of several models takes their errors for independent, which those
    of language models are not: the sum ranks answers, and what the panel is worth is measured by calibrating it.

    Args:
        found, missed: labelled hits that it called a hit, and none.
        cleared, accused: other answers that it called none, and a hit.

    >>> panel_weight(45, 5, 90, 10)
    PanelWeight(hit=2.149, none=-2.116)
    """
    sensitivity = (found + 0.5) / (found + missed + 1)
    specificity = (cleared + 0.5) / (cleared + accused + 1)
    return PanelWeight(round(log(sensitivity / (1 - specificity)), 3), round(log((1 - sensitivity) / specificity), 3))


def read_weight(written: Mapping[str, Any]) -> PanelWeight:
    """Read a weight as it is written.

    Raises:
        PluginError: it is none.
    """
    if not isinstance(written, Mapping) or written.keys() != {"hit", "none"}:
        raise PluginError("scorer 'judge': a weight is {hit: NUMBER, none: NUMBER}; `shipworthy judge weigh` prints it")
    for name, value in written.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not isfinite(value) or abs(value) > MOST:
            raise PluginError(f"scorer 'judge': weights: {name!r} must be a number within {MOST:g} of 0")
    return PanelWeight(float(written["hit"]), float(written["none"]))
