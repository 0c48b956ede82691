"""The rate behind a scorer that errs: exact at the edges, and wrong no more often than it says in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaincinv

from shipworthy.stats import audited_rate


def one_each(hits: int, n: int) -> tuple[list[int], list[int]]:
    return [1] * hits + [0] * (n - hits), [1] * n


def test_a_scorer_that_never_calls_a_hit_leaves_the_labels_bound() -> None:
    """Q is all but 0, so the upper limit is little above Clopper and Pearson's of the labelled negatives."""
    found = audited_rate(*one_each(0, 5000), (0, 0), (2, 300))
    exact = float(betaincinv(3, 298, 0.95))
    assert exact <= found.high <= exact + 0.002
    assert found.rate == pytest.approx(2 / 300) and found.sensitivity == 0.0 and found.precision is None


def test_with_labels_without_end_it_is_the_rates_own_bound() -> None:
    found = audited_rate(*one_each(12, 400), (10**7, 10**7), (0, 10**7))
    assert found.high == pytest.approx(float(betaincinv(13, 388, 0.95)), abs=6e-4)
    assert found.low == pytest.approx(float(betaincinv(12, 389, 0.05)), abs=6e-4)
    assert (found.rate, found.sensitivity, found.specificity) == (0.03, 1.0, 1.0)


def test_a_scorer_that_calls_everything_wrong_way_round_is_read_the_other_way() -> None:
    found = audited_rate(*one_each(390, 400), (0, 100), (10, 10))
    assert found.rate == pytest.approx(0.025)
    assert found.low < 0.025 < found.high < 0.08


def test_what_the_scorer_misses_is_counted() -> None:
    blind, seeing = (audited_rate(*one_each(8, 400), (8, 8), (k, 300)) for k in (9, 0))
    assert blind.high > seeing.high + 0.03
    assert blind.sensitivity == pytest.approx(0.02 / (0.02 + 0.98 * 0.03))


def test_clusters_count_once_and_the_same_input_gives_the_same_limits() -> None:
    hits, trials = [3, 0, 0, 1] * 25, [3, 3, 3, 3] * 25
    found = audited_rate(hits, trials, (30, 30), (0, 70))
    assert found == audited_rate(hits, trials, (30, 30), (0, 70))
    pooled = audited_rate(*one_each(100, 300), (30, 30), (0, 70))
    assert found.observed == pytest.approx(pooled.observed) and found.high > pooled.high


@pytest.mark.parametrize(
    ("positives", "negatives", "message"),
    [
        ((5, 4), (0, 10), "positives must be"),
        ((1, 4), (-1, 10), "negatives must be"),
        ((1, 4), (0, 0), "did not call a hit was labelled"),
    ],
)
def test_bad_input_is_named(positives: tuple[int, int], negatives: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        audited_rate(*one_each(4, 100), positives, negatives)
    with pytest.raises(ValueError, match="draws"):
        audited_rate(*one_each(4, 100), (1, 4), (0, 10), draws=10)


def audit(rng: np.random.Generator, truth: float, sensitivity: float, specificity: float, m: int, icc: float):  # type: ignore[no-untyped-def]
    """One audited run: 400 samples of m attempts, one attempt a sample offered for labelling, 100 and 300 labelled."""
    n = 400
    spread = 1 / icc - 1 if icc else 0.0
    rates = rng.beta(truth * spread, (1 - truth) * spread, n) if icc else np.full(n, truth)
    true = rng.random((n, m)) < rates[:, None]
    called = rng.random((n, m)) < np.where(true, sensitivity, 1 - specificity)
    labels = []
    for kind, most in ((True, 100), (False, 300)):
        offered = true[called[:, 0] == kind, 0][:most]
        labels.append((int(offered.sum()), int(offered.size)))
    return called.sum(axis=1), np.full(n, m), *labels


def passed(seed: int, limit: float, times: int, **design: float) -> float:
    rng = np.random.default_rng(seed)
    count = done = 0
    while done < times:
        hits, trials, positives, negatives = audit(rng, **design)  # type: ignore[arg-type]
        if hits.sum() and not positives[1]:
            continue  # nothing to label among the hits: the caller is told so
        done += 1
        count += audited_rate(hits, trials, positives, negatives, draws=4000).high <= limit
    return count / times


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sensitivity", "specificity", "m", "icc"),
    [(0.7, 1.0, 1, 0.0), (0.5, 0.97, 1, 0.0), (0.9, 0.99, 1, 0.0), (0.7, 0.97, 4, 0.3), (0.5, 1.0, 4, 0.6)],
)
def test_with_the_truth_at_the_limit_it_ships_as_seldom_as_promised(
    sensitivity: float, specificity: float, m: int, icc: float
) -> None:
    times = 800
    share = passed(7, 0.05, times, truth=0.05, sensitivity=sensitivity, specificity=specificity, m=m, icc=icc)
    assert share <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / times)


@pytest.mark.slow
def test_it_ships_what_is_good_though_the_scorer_cries_wolf() -> None:
    """At half the limit a scorer with 3 % false alarms shows 5 %: uncorrected, next to nothing would ship."""
    design = {"truth": 0.025, "sensitivity": 0.9, "specificity": 0.97, "m": 1, "icc": 0.0}
    assert passed(3, 0.05, 300, **design) >= 0.5


def test_what_has_no_score_is_a_hit_above_and_none_below() -> None:
    hits, trials = [1] * 8 + [0] * 392, [1] * 400
    scored = audited_rate(hits, trials, (8, 8), (0, 300))
    lost = audited_rate(hits, trials, (8, 8), (0, 300), unscored=[0] * 400)
    assert lost == scored
    lost = audited_rate([*hits, *[0] * 20], [*trials, *[0] * 20], (8, 8), (0, 300), unscored=[0] * 400 + [1] * 20)
    filled = audited_rate([*hits, *[1] * 20], [1] * 420, (10**7, 10**7), (0, 300))
    # The blanks need no label to be bad.
    assert lost.high == pytest.approx(filled.high, abs=0.004) and lost.low < scored.low
    assert lost.rate == scored.rate and lost.observed == scored.observed


def test_the_scorers_spans_hold_its_estimates() -> None:
    found = audited_rate([1] * 20 + [0] * 380, [1] * 400, (12, 20), (2, 300))
    low, high = found.sensitivity_span
    assert 0.3 < low < found.sensitivity < high < 1  # type: ignore[operator]
    low, high = found.specificity_span
    assert 0.95 < low < found.specificity < high < 1  # type: ignore[operator]
    perfect = audited_rate([1] * 20 + [0] * 380, [1] * 400, (20, 20), (0, 300))
    assert perfect.sensitivity_span[1] == perfect.specificity_span[1] == 1.0


def test_unscored_of_other_clusters_is_refused() -> None:
    with pytest.raises(ValueError, match="unscored has 1 clusters"):
        audited_rate([1, 0], [1, 1], (1, 1), (0, 1), unscored=[1])


def test_hits_that_nobody_labelled_are_hits_above_and_none_below() -> None:
    """One attempt a sample is drawn, so a hit or two in a hundred samples may be missed by the draw."""
    blind = audited_rate(*one_each(4, 400), (0, 0), (0, 300))
    believed = audited_rate(*one_each(4, 400), (10**7, 10**7), (0, 300))
    assert blind.rate == believed.rate == 0.01 and blind.precision is None
    assert blind.high == pytest.approx(believed.high, abs=1e-3) and blind.low == 0.0
