from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from shipworthy.stats import run_shift

OLD = [0.10, 0.14, 0.09, 0.12, 0.11]


def odds(share: float) -> float:
    return float(np.log((200 * share + 0.5) / (200 * (1 - share) + 0.5)))


def one_more(new: float, old: list[float]) -> float:
    t = (new - np.mean(old)) / (np.std(old, ddof=1) * np.sqrt(1 + 1 / len(old)))
    return float(2 * student.sf(abs(t), len(old) - 1))


@pytest.mark.parametrize("level", [0.06, 0.17, 0.3])
def test_the_p_value_is_the_larger_of_students_on_two_scales(level: float) -> None:
    on_odds, plain = one_more(odds(level), [odds(x) for x in OLD]), one_more(level, OLD)
    assert (on_odds > plain) == (level > 0.1)  # each scale is the stricter on one side
    assert run_shift(level, OLD, 200).p_value == pytest.approx(max(on_odds, plain))


def test_at_the_confidence_of_the_p_value_the_interval_just_reaches_the_old_level() -> None:
    before = 1 / (1 + np.exp(-np.mean([odds(x) for x in OLD])))
    for level in (0.16, 0.3):
        shift = run_shift(level, OLD, 200, confidence=1 - run_shift(level, OLD, 200).p_value)
        assert shift.down == pytest.approx((200 * level + 0.5) / 201 - before)
    low = run_shift(0.06, OLD, 200, confidence=1 - run_shift(0.06, OLD, 200).p_value)
    assert low.up == pytest.approx(np.mean(OLD) - 0.06)


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
