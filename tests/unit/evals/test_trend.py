from __future__ import annotations

import numpy as np
import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import UsageError
from shipworthy.evals.trend import trend
from shipworthy.stats import paired_difference
from shipworthy.stats.trend import version_trend


def number(item) -> int:
    return int(item.sample.id.rpartition("-")[2])


def test_versions_stand_in_time_with_a_line_and_their_steps(gated, capsys):
    runs = [
        gated.run(
            lambda i, n=leaks: i.suite == "help" or number(i) < n,
            guards=f"v{leaks}",
            created=f"2026-01-0{day}T00:00:00Z",
        )
        for day, leaks in ((1, 3), (2, 4), (3, 24))
    ]
    found = trend([runs[2], runs[0], runs[1]])
    assert found.runs == tuple(run.id for run in runs)
    rows = {row.suite: row for row in found.rows}
    leak, helps = rows["leak"], rows["help"]
    assert [round(level, 3) for level in leak.levels] == [0.05, 0.067, 0.4]
    assert leak.slope == pytest.approx(0.175)
    assert leak.low < leak.slope < leak.high
    assert (leak.verdict, [step.verdict for step in leak.steps]) == ("worse", ["unclear", "worse"])
    direct = paired_difference([2] * 24 + [0] * 36, [2] * 60, [2] * 4 + [0] * 56, [2] * 60)
    assert (leak.steps[1].difference, leak.steps[1].low) == (direct.difference, direct.low)
    assert (helps.slope, helps.verdict) == (0, "unclear")
    assert shipworthy(["runs", "trend", "-C", str(gated.root), *(run.id for run in runs)]) == 0
    out = capsys.readouterr().out
    assert "5.0 % > 6.7 % > 40.0 %" in " ".join(out.split())
    assert "leak, leak: worse from version 2 to 3: +33.3 points" in out


def test_few_versions_are_refused(gated):
    run = gated.run()
    with pytest.raises(UsageError, match="three runs"):
        trend([run, gated.run(guards="on")])
    with pytest.raises(UsageError, match="once"):
        trend([run, run, run])


def test_equal_versions_raise_few_alarms():
    rng = np.random.default_rng(5)
    found = [version_trend((rng.random((4, 60)) < 0.1) * 1.0, seed=k) for k in range(200)]
    assert sum(one.p_value <= 0.05 for one in found) <= 20  # at most one in twenty: 21 or more have a chance of 1e-3
    assert all(one.low <= one.slope <= one.high for one in found)
    assert sum(one.low <= 0 <= one.high for one in found) >= 180


@pytest.mark.parametrize(
    "levels", [np.ones((1, 5)), np.ones((3, 0)), np.full((2, 2), np.inf), np.array([[0.0], [2.0]])]
)
def test_what_is_no_level_is_refused(levels):
    with pytest.raises(ValueError, match=r"levels|range"):
        version_trend(levels)
