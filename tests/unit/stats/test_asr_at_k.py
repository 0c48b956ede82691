from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.asr_at_k import asr_at_k


def test_the_range_holds_both_models_and_grows_with_k() -> None:
    hits, trials = [0] * 30 + [1] * 8 + [2] * 6 + [5] * 6, [5] * 50
    found = [asr_at_k(hits, trials, k, draws=20) for k in (1, 10, 100)]
    for one in found:
        assert 0 <= one.low <= min(one.beta, one.immune) <= max(one.beta, one.immune) <= one.high <= 1
    assert [one.beta for one in found] == sorted(one.beta for one in found)
    assert found[0].beta == pytest.approx(sum(hits) / sum(trials), abs=0.03)
    # Far beyond what was tried, samples that may be immune keep the second model lower.
    assert found[2].immune < found[2].beta


def test_the_same_counts_give_the_same_range() -> None:
    rng = np.random.default_rng(1)
    hits = rng.binomial(8, rng.beta(0.5, 3, 20)).tolist()
    assert asr_at_k(hits, [8] * 20, 50, draws=10) == asr_at_k(hits, [8] * 20, 50, draws=10)


@pytest.mark.parametrize("hits", [[0] * 10, [4] * 10])
def test_no_hit_and_all_hits_have_a_range(hits: list[int]) -> None:
    found = asr_at_k(hits, [4] * 10, 20, draws=10)
    assert 0 <= found.low <= found.high <= 1
    assert found.high < 0.9 if not any(hits) else found.low > 0.9


@pytest.mark.parametrize(
    ("hits", "trials", "k"),
    [([1] * 4, [5] * 4, 10), ([6] * 9, [5] * 9, 10), ([1] * 9, [1] * 9, 10), ([1] * 9, [5] * 9, 0), ([1], [5, 5], 1)],
)
def test_counts_that_tell_nothing_are_refused(hits: list[int], trials: list[int], k: int) -> None:
    with pytest.raises(ValueError, match=r"samples|trials|k >= 1"):
        asr_at_k(hits, trials, k)
