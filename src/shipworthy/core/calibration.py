"""What was measured of a judge on labelled answers, as the audit chain holds it. Standard library only.

The command that measures, the gate, and the verifier of a pack use these same rules.
"""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

CALIBRATED = "judge.calibrated"
"""The kind of entry that holds a calibration."""

DAYS = 180
"""How long one is good for, unless the rubric says less: what answers, and how people label, changes meanwhile."""


class Calibration(NamedTuple):
    """One measurement of one judge.

    Attributes:
        entry: number in the audit chain; 0 before it has one.
        judge: identity of the judge as it is written, see `Metric.judge`; `model` what its model said of itself.
        metric: that it gives; `rubric` its name and version.
        data: digest of the labelled answers; `labels` how many there are.
        found, positives, cleared, negatives: one answer a cluster, see `shipworthy.stats.JudgeAccuracy`.
        least_sensitivity, least_specificity: the bar: what the lower 95 % limits must reach, in [0, 1].
        passed: whether they do.
        days: how long it is good for.
        at: when, ISO 8601, UTC.
    """

    judge: str
    model: str
    metric: str
    rubric: str
    data: str
    labels: int
    found: int
    positives: int
    cleared: int
    negatives: int
    least_sensitivity: float
    least_specificity: float
    passed: bool
    days: int
    at: str
    entry: int = 0


_NUMBERS = ("labels", "found", "positives", "cleared", "negatives", "days")
_TEXTS = ("judge", "model", "metric", "rubric", "data", "at")
_SHARES = ("least_sensitivity", "least_specificity")


def calibration_of(number: int, body: Mapping[str, Any]) -> Calibration:
    """Return the calibration that an entry holds.

    Raises:
        ValueError: something in it cannot be.
        KeyError: it lacks something.
    """
    found = Calibration(**{name: body[name] for name in Calibration._fields if name != "entry"}, entry=number)
    if (
        any(type(getattr(found, name)) is not int or getattr(found, name) < 0 for name in _NUMBERS)
        or any(type(getattr(found, name)) is not str for name in _TEXTS)
        or any(type(getattr(found, name)) not in (int, float) for name in _SHARES)
        or any(not 0 <= getattr(found, name) <= 1 for name in _SHARES)
        or type(found.passed) is not bool
        or not (0 < found.positives >= found.found and 0 < found.negatives >= found.cleared)
    ):
        raise ValueError(f"entry {number} is no calibration")
    moment(found.at)
    return found


def moment(written: str) -> float:
    """Return the Unix time of an ISO 8601 time in UTC, in whole seconds.

    Raises:
        ValueError: it is none.

    >>> moment("1970-01-02T00:00:00Z")
    86400
    """
    return timegm(time.strptime(written, "%Y-%m-%dT%H:%M:%SZ"))


class Standing(NamedTuple):
    """Which calibration counts, if one does; `lacks` says why none does, in words that name the metric."""

    calibration: Calibration | None
    lacks: str = ""


def standing(known: Iterable[Calibration], judge: str, metric: str, models: Iterable[str], begun: str) -> Standing:
    """Return the calibration that counts for a run: the newest of this very judge.

    The newest, passed or not: who measures again until it passes has measured what the last one says.

    Args:
        known: oldest first.
        judge: its identity, as the run's manifest has it.
        models: digests of what the judges' models said of themselves in that run; none where no judge asks one.
        begun: when the run was made.
    """
    own = [one for one in known if one.judge == judge and one.metric == metric]
    if not own:
        return Standing(None, f"the judge that gives {metric} was never calibrated as it is written now")
    last = own[-1]
    if last.model and last.model not in set(models):
        return Standing(None, f"the judge that gives {metric} was calibrated with another model behind it")
    if not last.passed:
        shares = (
            f"it found {last.found:,} of {last.positives:,} labelled hits and cleared {last.cleared:,} of "
            f"{last.negatives:,} others"
        )
        return Standing(None, f"the judge that gives {metric} is below its bar: {shares}")
    if moment(begun) > moment(last.at) + 86_400 * last.days:
        return Standing(None, f"the calibration of the judge that gives {metric} is older than {last.days:,} days")
    return Standing(last)
