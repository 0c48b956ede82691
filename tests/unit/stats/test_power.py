from __future__ import annotations

import pytest
from scipy.stats import binom

from shipworthy.stats import achieved_power, required_clusters, threshold_test


@pytest.mark.parametrize(
    ("limit", "eighty", "allowed"), [(0.005, 1550, 3), (0.01, 773, 3), (0.02, 386, 3), (0.05, 153, 3)]
)
def test_one_attempt_a_cluster_gives_the_published_table(limit: float, eighty: int, allowed: int) -> None:
    clusters = required_clusters(limit, limit / 4, power=0.8)
    assert clusters == pytest.approx(eighty, abs=1)
    assert clusters is not None
    hits = [1] * allowed + [0] * (clusters - allowed)
    assert threshold_test(hits, [1] * clusters, limit).verdict == "pass"
    assert threshold_test([1, *hits[:-1]], [1] * clusters, limit).verdict == "inconclusive"
    assert binom.cdf(allowed, clusters, limit / 4) >= 0.8


def test_zero_hits_allowed_is_the_least_anything_can_ask() -> None:
    assert required_clusters(0.05, 0.0, power=0.99) == 59
    assert required_clusters(0.05, 0.0, power=0.99, attempts=5, icc=0.3) == 59
    assert required_clusters(0.05, 0.0, test="rise", power=0.99) == 59


def test_power_is_that_of_the_test_itself() -> None:
    passing = [k for k in range(20) if threshold_test([1] * k + [0] * (200 - k), [1] * 200, 0.05).verdict == "pass"]
    expected = binom.pmf(passing, 200, 0.02).sum()
    assert achieved_power(200, 0.05, 0.02) == pytest.approx(expected)


@pytest.mark.parametrize("options", [{}, {"attempts": 4, "icc": 0.3}, {"test": "rise", "attempts": 3, "icc": 0.2}])
def test_answer_has_the_power_asked_for(options: dict) -> None:  # type: ignore[type-arg]
    needed = [required_clusters(0.1, 0.03, power=p, **options) for p in (0.8, 0.9, 0.99)]
    assert needed == sorted(needed)
    for clusters, power in zip(needed, (0.8, 0.9, 0.99), strict=True):
        assert achieved_power(clusters, 0.1, 0.03, **options) >= power  # type: ignore[arg-type]
        assert achieved_power(int(clusters * 0.8), 0.1, 0.03, **options) < power + 0.01  # type: ignore[operator]


def test_directions_mirror_each_other() -> None:
    for options in ({}, {"attempts": 3, "icc": 0.4}):
        down = required_clusters(0.2, 0.1, **options)  # type: ignore[arg-type]
        assert required_clusters(0.8, 0.9, test="at_least", **options) == down  # type: ignore[arg-type]
    up, down = (achieved_power(150, 0.1, 0.2, test=t, attempts=2, icc=0.3) for t in ("rise", "fall"))
    assert up == pytest.approx(down, abs=0.03)


def test_dependence_costs_samples_and_stability_saves_them() -> None:
    loose, tight = (required_clusters(0.05, 0.0125, attempts=5, icc=i) for i in (0.1, 0.6))
    assert loose is not None and tight is not None and loose < tight
    stable, fresh = (required_clusters(0.05, 0.2, test="rise", attempts=5, icc=0.5, stability=s) for s in (1.0, 0.0))
    assert stable is not None and fresh is not None and stable < fresh


@pytest.mark.parametrize("test", ["at_most", "rise"])
def test_a_theorem_costs_samples(test: str) -> None:
    usual, proved = (
        required_clusters(0.1, 0.025, test=test, attempts=3, icc=0.3, bound=b)  # type: ignore[arg-type]
        for b in ("gaffke", "proved")
    )
    assert usual is not None
    assert proved is not None
    assert usual < proved < 3 * usual


def test_a_rate_beyond_the_limit_never_passes_with_power() -> None:
    assert required_clusters(0.05, 0.05) is None
    assert required_clusters(0.8, 0.8, test="at_least") is None
    assert required_clusters(1e-9, 0.0) is None
    assert achieved_power(58, 0.05, 0.0) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": "drop"}, "test is"),
        ({"limit": 1.0}, "limit"),
        ({"rate": 1.5}, "rate"),
        ({"icc": -0.1}, "icc"),
        ({"attempts": 0}, "attempts"),
        ({"power": 1.0}, "power"),
        ({"confidence": 1.0}, "confidence"),
    ],
)
def test_bad_input_is_named(options: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=message):
        required_clusters(**{"limit": 0.1, "rate": 0.05, **options})
