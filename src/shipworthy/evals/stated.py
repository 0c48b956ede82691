"""Stated confidence and correctness of a run's answers, for `stats.confidence`."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.evals.results import Run
from shipworthy.stats import CalibrationError, RiskCoverage, brier_score, calibration_error, risk_coverage
from shipworthy.stats.mean import MeanInterval

METRIC = "stated"
RIGHT = "right_call"


class StatedReport(NamedTuple):
    """How well what was stated fits what was right.

    Attributes:
        answers: that state a confidence; the three figures are of these.
        unstated: answers without one; `abstained` answers that say they do not know; `unscored` attempts without a
            score. They are in none of the figures.
    """

    suite: str
    answers: int
    unstated: int
    abstained: int
    unscored: int
    error: CalibrationError
    brier: MeanInterval
    curve: RiskCoverage


def stated_report(run: Run, suite: str, *, bins: int = 10) -> StatedReport:
    """Return the figures of one suite that `stated_confidence` scored.

    Raises:
        UsageError: the suite has no such scorer, or no answer of it states a confidence.
    """
    run.metric(suite, METRIC)
    stated: list[float] = []
    right: list[int] = []
    clusters: dict[str, int] = {}
    at: list[int] = []
    left: Counter[str] = Counter()
    for row in run.rows():
        if row.suite != suite:
            continue
        scores = {score.metric: score for score in row.scores}
        score = scores.get(METRIC)
        if score is None or score.label == "empty":
            left["unscored"] += 1
        elif score.label == "abstained":
            left["abstained"] += 1
        elif score.value is None:
            left["unstated"] += 1
        else:
            stated.append(score.value)
            right.append(int(score.label == "right"))
            at.append(clusters.setdefault(row.cluster, len(clusters)))
    if not stated:
        raise UsageError(f"no answer to the suite {suite!r} states a confidence: ask for it in the prompt")
    return StatedReport(
        suite, len(stated), left["unstated"], left["abstained"], left["unscored"],
        calibration_error(stated, right, at, bins=bins), brier_score(stated, right, at),
        risk_coverage(stated, right, at),
    )  # fmt: skip
