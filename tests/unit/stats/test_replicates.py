from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from shipworthy.stats import run_shift

OLD = [0.10, 0.14, 0.09, 0.12, 0.11]


def test_the_p_value_is_students_for_one_more_observation() -> None:
    def odds(share: float) -> float:
        return float(np.log((200 * share + 0.5) / (200 * (1 - share) + 0.5)))

    old = np.array([odds(share) for share in OLD])
    t = (odds(0.17) - old.mean()) / (old.std(ddof=1) * np.sqrt(1 + 1 / 5))
    assert run_shift(0.17, OLD, 200).p_value == pytest.approx(2 * student.sf(t, 4))


def test_at_the_confidence_of_the_p_value_the_interval_just_reaches_the_old_level() -> None:
    before = np.mean([np.log((200 * x + 0.5) / (200 * (1 - x) + 0.5)) for x in OLD])
    for level, side in ((0.06, "up"), (0.16, "down"), (0.3, "down")):
        p = run_shift(level, OLD, 200).p_value
        reach = getattr(run_shift(level, OLD, 200, confidence=1 - p), side)
        assert reach == pytest.approx(abs((200 * level + 0.5) / 201 - 1 / (1 + np.exp(-before))))


def test_old_runs_all_alike() -> None:
    assert run_shift(0.1, [0.1] * 4, 50).p_value == 1.0
    far = run_shift(0.2, [0.1] * 4, 50)
    assert (far.p_value, far.down, far.up, far.spread) == (0.0, 0.0, 0.0, pytest.approx(0.0))


def test_a_value_is_put_on_its_own_range() -> None:
    share, value = run_shift(0.17, OLD, 200), run_shift(1.7, [10 * x for x in OLD], 200, low=0, high=10)
    assert value.p_value == pytest.approx(share.p_value)
    assert (value.down, value.up, value.spread) == pytest.approx((10 * share.down, 10 * share.up, 10 * share.spread))


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least 4 runs; got 3"):
        run_shift(0.1, [0.1] * 3, 50)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        run_shift(1.1, OLD, 50)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        run_shift(float("nan"), OLD, 50)
    with pytest.raises(ValueError, match="clusters"):
        run_shift(0.1, OLD, 0)
    with pytest.raises(ValueError, match="confidence"):
        run_shift(0.1, OLD, 50, confidence=1.0)
