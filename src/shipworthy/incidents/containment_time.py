"""How long it takes to contain an incident (KPI 4) and to notice it: every point, a median, a mean from five on.

Containment is from ``aware`` to ``contained``, and ``contained`` means that the replay of the reproduction failed. What
was only said to be contained, and what is not contained yet, is told apart: leaving it out would flatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import NamedTuple

from shipworthy.core.severity import Severity
from shipworthy.incidents.incident import REPLAYED, Incident
from shipworthy.stats import GeometricMean, geometric_mean

LEAST_MINUTES = 1 / 60
"""What a time counts as that is shorter: moments are kept in whole seconds."""


class ContainmentPoint(NamedTuple):
    """One incident.

    Attributes:
        contain: minutes from ``aware`` to ``contained``; None where it is not contained by a replay.
        detect: minutes from ``began`` to ``aware``; None where nobody knows when it began.
        why: there is no time; empty where there is.
    """

    incident: str
    severity: Severity | None
    contain: float | None
    detect: float | None
    why: str


class ContainmentTimes(NamedTuple):
    """The times of some incidents.

    Attributes:
        points: all of them.
        median: of the times to contain, in minutes; None where there is none.
        mean: geometric, with Student's t on the logarithm; None under five times.
        detect_median, detect_mean: the same of the times to notice.
        open, unverified: how many are not contained yet, or were only said to be.
    """

    points: tuple[ContainmentPoint, ...]
    median: float | None
    mean: GeometricMean | None
    detect_median: float | None
    detect_mean: GeometricMean | None
    open: int
    unverified: int


def containment_times(
    incidents: Sequence[Incident],
    *,
    severities: Sequence[Severity] = ("S1", "S2"),
    since: datetime | None = None,
    until: datetime | None = None,
) -> ContainmentTimes:
    """Return how long it took to contain incidents.

    Args:
        severities: that count; one that was never rated counts, too: that nobody rated it must not make it vanish.
        since, until: of `aware`; the first is included, the second is not.
    """
    points = []
    for incident in incidents:
        aware = incident.mark("aware")
        if aware is None or (since and aware < since) or (until and aware >= until):
            continue
        if incident.severity is None or incident.severity in severities:
            points.append(_point(incident, aware))
    contain = [one.contain for one in points if one.contain is not None]
    detect = [one.detect for one in points if one.detect is not None]
    return ContainmentTimes(
        tuple(points),
        median(contain) if contain else None,
        geometric_mean(contain),
        median(detect) if detect else None,
        geometric_mean(detect),
        sum(one.why == "not contained" for one in points),
        sum(one.why == "said to be contained, not replayed" for one in points),
    )


def _point(incident: Incident, aware: datetime) -> ContainmentPoint:
    began, contained = incident.mark("began"), incident.mark("contained")
    detect = None if began is None else max((aware - began).total_seconds() / 60, LEAST_MINUTES)
    if contained is None:
        return ContainmentPoint(incident.id, incident.severity, None, detect, "not contained")
    if incident.contained_by != REPLAYED:
        return ContainmentPoint(incident.id, incident.severity, None, detect, "said to be contained, not replayed")
    minutes = max((contained - aware).total_seconds() / 60, LEAST_MINUTES)
    return ContainmentPoint(incident.id, incident.severity, minutes, detect, "")
