from __future__ import annotations

import numpy as np
import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import UsageError
from shipworthy.evals.retest import retest_runs
from shipworthy.stats.retest import retest


def number(item) -> int:
    return int(item.sample.id.rpartition("-")[2])


def beta_binomial(icc: float, shift: float, runs: int, *, clusters: int = 400, attempts: int = 5, seed: int = 1):
    rng = np.random.default_rng(seed)
    scale = (1 - icc) / icc
    weak = rng.beta(0.3 * scale, 0.7 * scale, clusters)
    moved = np.clip(weak + rng.normal(0, shift, (runs, 1)), 0, 1)
    return rng.binomial(attempts, moved), np.full((runs, clusters), attempts)


@pytest.mark.parametrize("icc", [0.1, 0.3, 0.7])
def test_it_finds_the_correlation_that_was_put_in(icc: float) -> None:
    found = retest(*beta_binomial(icc, 0.0, 4))
    assert found.low <= icc <= found.high
    assert found.icc == pytest.approx(icc, abs=0.06)
    assert found.run_deviation < 0.02


def test_a_shift_of_the_whole_run_is_told_apart() -> None:
    assert retest(*beta_binomial(0.1, 0.06, 12)).run_deviation == pytest.approx(0.06, abs=0.03)
    alone = retest([[1.0, 0.0, 3.0], [1.0, 0.0, 3.0]], [[3, 3, 3], [3, 3, 3]])
    assert alone.run_deviation == 0
    with pytest.raises(ValueError, match="two runs"):
        retest([[1.0, 2.0]], [[2, 2]])
    with pytest.raises(ValueError, match="every cluster"):
        retest([[1.0, 2.0], [0.0, 0.0]], [[2, 2], [0, 2]])


def test_repeated_runs_give_a_card_and_what_plan_counts_with(gated, capsys) -> None:
    runs = [gated.run(lambda i, k=k: i.suite == "help" or (number(i) + k) % 3 == 0) for k in range(3)]
    rows = {row.suite: row for row in retest_runs(runs)}
    assert rows["leak"].icc < 0.1  # other samples every time
    assert rows["leak"].planned == 0.5
    assert rows["help"].icc == 0  # nothing varies at all
    assert shipworthy(["runs", "retest", "-C", str(gated.root), *(run.id for run in runs)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "- leak 1, leak: ICC 0.0" in out
    assert "leak plans with icc: 0.5; leak says `icc: 0.0" in out


def test_what_repeats_nothing_is_refused(gated) -> None:
    run = gated.run()
    with pytest.raises(UsageError, match="two runs"):
        retest_runs([run])
    with pytest.raises(UsageError, match="does not repeat"):
        retest_runs([run, gated.run(guards="on")])
