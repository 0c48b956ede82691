from __future__ import annotations

import pytest

from shipworthy.core.condition import parse
from shipworthy.core.records import CriterionResult, Metric
from shipworthy.evals.tally import Blank, Counts, Tally
from shipworthy.release import means
from shipworthy.stats import mean_test

WAIT = Metric("wait", kind="value", unit="s", low=0, high=60)


def counted(scored: list[float], blanks: int) -> Counts:
    """One value a sample, and samples without one."""
    tally = Tally(WAIT)
    for n, value in enumerate(scored):
        tally.add(f"c{n:03d}", f"s{n}", value)
    rows = tally.rows()
    lost = tuple(Blank(f"lost-{n}", f"lost-{n}", "timeout") for n in range(blanks))
    return Counts([t for t, _ in rows.values()], [n for _, n in rows.values()], tuple(rows), blanks, tally, lost)


def held(must: str, counts: Counts) -> CriterionResult:
    condition = parse(must)
    blank = CriterionResult(
        id="CR-1", requirement="RQ-1", suite="s", metric="wait", test="threshold", must=must, limit=condition.limit,
        verdict="inconclusive", reason="", measure=WAIT, trials=sum(counts.trials), clusters=len(counts.clusters),
        unscored=counts.unscored,
    )  # fmt: skip
    return means.threshold(blank, counts, condition)


@pytest.mark.parametrize(("must", "bad"), [("upper95 <= 12 s", 60), ("lower95 >= 3 s", 0)])
def test_a_value_that_was_not_measured_takes_the_bad_end_of_its_range(must: str, bad: float) -> None:
    found = held(must, counted([5.0, 6.0] * 100, 4))
    values = [5.0, 6.0] * 100 + [bad] * 4
    side = "at_most" if bad else "at_least"
    direct = mean_test(values, [1] * 204, found.limit, low=0, high=60, must=side)
    assert (found.rate, found.worst_rate) == (pytest.approx(5.5), pytest.approx(sum(values) / 204))
    assert (found.bound, found.verdict) == (pytest.approx(direct.bound), "ship")
    assert "4 attempts without a score (4 timeout) counted as bad" in found.reason


def test_it_fails_where_the_good_end_would_fail_and_tips_where_it_would_pass() -> None:
    assert held("upper95 <= 12 s", counted([30.0] * 200, 20)).verdict == "no-ship"
    open_ = held("upper95 <= 12 s", counted([5.0, 6.0] * 100, 40))
    assert open_.verdict == "inconclusive"
    assert open_.tips is not None and 1 < open_.tips <= 40
