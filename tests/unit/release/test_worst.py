from __future__ import annotations

import pytest

from shipworthy.release.worst import decide
from shipworthy.stats import ThresholdTest, threshold_test


def eleven_open(bad: int) -> ThresholdTest:
    """Eleven of a hundred samples are unscored, `bad` of them hits; the limit is 10 %."""
    return threshold_test([1] * bad + [0] * (100 - bad), [1] * 100, 0.1)


def test_the_tipping_point_is_the_first_number_that_does_not_pass() -> None:
    worst, best, verdict, tips = decide(eleven_open, 11)
    assert (verdict, worst.verdict, best.verdict) == ("inconclusive", "inconclusive", "pass")
    assert tips is not None
    assert [eleven_open(tips - 1).verdict, eleven_open(tips).verdict] == ["pass", "inconclusive"]


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [("pass", "pass", "ship"), ("fail", "fail", "no-ship"), ("inconclusive", "fail", "inconclusive")],
)
def test_a_verdict_holds_at_both_ends_or_is_none(first: str, last: str, verdict: str) -> None:
    ends = {"pass": [0] * 100, "fail": [1] * 60 + [0] * 40, "inconclusive": [1] * 9 + [0] * 91}
    found = decide(lambda bad: threshold_test(ends[last if bad else first], [1] * 100, 0.1), 3)
    assert found[2:] == (verdict, None)
