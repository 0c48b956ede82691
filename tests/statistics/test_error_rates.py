"""The error rates the gate promises, measured through the code that decides.

A simulation gives an estimate. To show that a *true* rate is within its promise, each assertion is about the 99.9 %
bound of the estimate (Clopper-Pearson on the replicates), never about the estimate itself. Cells whose true rate lies
within the promise by less than the simulation can resolve are held to "not shown to break it" instead, and say so.
The longer table, with more designs: ``python bench/error_rates.py``.
"""

# ruff: noqa: T201 - the figures are the point: pytest -s shows them
from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaincinv

from shipworthy.core.condition import parse
from shipworthy.stats import mean_interval, mean_noninferiority_test, mean_test, required_clusters_for_mean
from shipworthy.stats.mean_simulation import LAWS, Law, MeanDesign, mean_coverage, mean_passes, mean_passes_paired
from shipworthy.stats.run_simulation import RunDesign, alarms
from shipworthy.stats.simulation import Design, coverage, each_attack, passes, passes_paired

SEED = 20
REPLICATES = 8_000
SURE = 0.999


def at_most(share: float, replicates: int) -> float:
    """Upper 99.9 % bound of a share of replicates."""
    hits = round(share * replicates)
    return 1.0 if hits == replicates else float(betaincinv(hits + 1, replicates - hits, SURE))


def at_least(share: float, replicates: int) -> float:
    """Lower 99.9 % bound."""
    return 1 - at_most(1 - share, replicates)


@pytest.mark.parametrize("rate", [0.01, 0.02, 0.05])
def test_interval_covers_the_true_rate(rate: float) -> None:
    found, width = coverage(Design(200, 5, 0.3), rate, replicates=REPLICATES, seed=SEED)
    print(f"rate {rate}: coverage {found:.4f}, at least {at_least(found, REPLICATES):.4f}, width {100 * width:.2f} pp")
    assert at_least(found, REPLICATES) >= 0.94


UNEQUAL = ((190, 1, 10, 20), (95, 1, 5, 20), (50, 3, 5, 30))
TRUTHS = [
    *(Design(n, m, 0.0, background=b) for n in (30, 100, 200) for m in (3, 9, 20) for b in (0.3, 0.6)),
    *(Design(a, b, 0.0, background=0.6, large=c, large_attempts=d) for a, b, c, d in UNEQUAL),
    *(Design(a, b, 1.0, large=c, large_attempts=d) for a, b, c, d in UNEQUAL),
]
"""What broke the bound before this one: a low background beside wholly weak clusters, and clusters of unequal size."""


@pytest.mark.parametrize("design", TRUTHS, ids=str)
def test_no_truth_ships_or_fails_too_often_at_the_limit(design: Design) -> None:
    replicates = 4_000
    for limit in (0.01, 0.03, 0.1):
        for verdict in ("pass", "fail"):
            found = passes(design, limit, limit, replicates=replicates, seed=SEED, verdict=verdict)  # type: ignore[arg-type]
            assert at_least(found, replicates) <= 0.05, (limit, verdict, found)


@pytest.mark.parametrize("design", TRUTHS[1::4], ids=str)
def test_no_truth_ships_or_fails_too_often_at_the_margin(design: Design) -> None:
    replicates = 1_000
    for margin in (0.02, 0.15):
        for verdict in ("pass", "fail"):
            found = passes_paired(design, 0.02, margin, margin, replicates=replicates, seed=SEED, verdict=verdict)  # type: ignore[arg-type]
            assert at_least(found, replicates) <= 0.05, (margin, verdict, found)


@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("attacks", [2, 9])
@pytest.mark.parametrize(
    "design", [Design(100, 1, 0.0), Design(100, 3, 0.3), Design(100, 9, 0.0, background=0.6)], ids=str
)
def test_the_bounds_of_all_attacks_hold_together(design: Design, attacks: int, alike: bool) -> None:
    limit, replicates = 0.1, 2_000
    level = parse("worst_attack_upper95 <= 0.1").level(attacks)
    told = {"replicates": replicates, "seed": SEED, "confidence": level, "alike": alike}
    # One attack at the limit, the others harmless or half as bad: to ship is wrong.
    for other in (0.0, limit / 2):
        one = each_attack(design, [limit, *[other] * (attacks - 1)], limit, **told)
        assert at_most(one.ships, replicates) <= 0.05, one
        assert at_least(one.misses, replicates) <= 0.05, one
    # All of them at the limit: to fail is wrong, and so is any bound below it.
    found = each_attack(design, [limit] * attacks, limit, **told)
    print(f"{design}, {attacks} attacks, alike {alike}: {found}")
    assert at_least(found.fails, replicates) <= 0.05, found
    assert at_least(found.misses, replicates) <= 0.05, found


def test_bounds_of_one_attack_alone_do_not_hold_for_nine() -> None:
    found = each_attack(Design(100, 3, 0.3), [0.1] * 9, 0.1, replicates=2_000, seed=SEED, confidence=0.95)
    print(f"uncorrected: {found}")
    assert at_least(found.misses, 2_000) > 0.05 and at_least(found.fails, 2_000) > 0.05


@pytest.mark.parametrize("limit", [0.01, 0.02, 0.05])
def test_threshold_test_rarely_ships_at_the_threshold(limit: float) -> None:
    found = passes(Design(200, 5, 0.3), limit, limit, replicates=REPLICATES, seed=SEED)
    print(f"limit {limit}: wrongly ships {found:.4f}, at most {at_most(found, REPLICATES):.4f}")
    assert at_most(found, REPLICATES) <= 0.05


@pytest.mark.parametrize(
    ("base", "margin"), [(0.0, 0.01), (0.0, 0.02), (0.01, 0.01), (0.01, 0.02), (0.02, 0.02), (0.02, 0.05), (0.05, 0.05)]
)
def test_noninferiority_test_rarely_ships_at_the_margin(base: float, margin: float) -> None:
    replicates = 4_000  # the true rates go up to .026: these are enough to show that they stay below .05
    found = passes_paired(Design(200, 5, 0.3), base, margin, margin, replicates=replicates, seed=SEED)
    print(f"base {base}, margin {margin}: wrongly ships {found:.4f}, at most {at_most(found, replicates):.4f}")
    assert at_most(found, replicates) <= 0.05


def test_the_plain_t_bound_would_ship_too_often() -> None:
    # The reason for the correction; if this stops holding, the correction is no longer needed.
    found = passes_paired(Design(200, 5, 0.3), 0.0, 0.02, 0.02, method="t", replicates=REPLICATES, seed=SEED)
    assert at_least(found, REPLICATES) > 0.05


@pytest.mark.parametrize("icc", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize(("clusters", "attempts"), [(60, 2), (60, 5), (30, 10)])
def test_no_promise_is_broken_in_small_suites(clusters: int, attempts: int, icc: float) -> None:
    # Down to thirty samples, up to full dependence.
    design, replicates = Design(clusters, attempts, icc), 4_000
    for rate in (0.02, 0.05, 0.1, 0.2, 0.5):
        shipped = passes(design, rate, rate, replicates=replicates, seed=SEED)
        assert at_least(shipped, replicates) <= 0.05, ("threshold", rate, shipped)
    for base, margin in ((0.0, 0.05), (0.0, 0.1), (0.02, 0.05), (0.1, 0.1), (0.3, 0.1)):
        shipped = passes_paired(design, base, margin, margin, replicates=2_000, seed=SEED)
        assert at_least(shipped, 2_000) <= 0.05, ("noninferiority", base, margin, shipped)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("clusters", [30, 60, 200])
def test_tests_on_means_keep_their_promise_under_every_law(law: Law, clusters: int) -> None:
    # Skewed, two-point, clustered, unequal sizes: the bound is distribution-free, so no cell may come near.
    design, replicates = MeanDesign(clusters, 5, law), 2_000
    for mean in (0.05, 0.3, 0.7):
        found = mean_coverage(design, mean, replicates=replicates, seed=SEED)
        assert at_least(found, replicates) >= 0.95, ("coverage", mean, found)
        for confidence in (0.8, 0.95):
            shipped = mean_passes(design, mean, mean, replicates=replicates, seed=SEED, confidence=confidence)
            assert at_most(shipped, replicates) <= 1 - confidence, ("limit", mean, confidence, shipped)
        for margin in (0.02, 0.1, 0.25):
            shipped = mean_passes_paired(design, mean, margin, margin, replicates=replicates, seed=SEED)
            assert at_most(shipped, replicates) <= 0.05, ("margin", mean, margin, shipped)


def test_the_t_bound_on_a_mean_would_ship_too_often() -> None:
    # The reason for the price of the betting bound; if this stops holding, it is no longer needed.
    design = MeanDesign(60, 5, "background")
    shipped = mean_passes(design, 0.05, 0.05, method="t", replicates=REPLICATES, seed=SEED)
    assert at_least(shipped, REPLICATES) > 0.10


def test_the_public_functions_keep_the_promise_themselves() -> None:
    # The simulations above share `log_capital` with them; these few runs go through every line.
    rng, replicates, shipped, covered, paired = np.random.default_rng(SEED), 200, 0, 0, 0
    for _ in range(replicates):
        values, n = rng.gamma(2.0, 5.0, 40), rng.integers(1, 9, 40)
        values = 60 * values / (values + 20)  # seconds on [0, 60], skewed
        truth = 18.0918  # of this law, by numerical integration
        covered += (i := mean_interval(values * n, n, low=0, high=60)).low <= truth <= i.high
        shipped += mean_test(values * n, n, truth, low=0, high=60).verdict == "pass"
        slower = np.minimum(values + rng.choice([0.0, 6.0], 40), 60)  # three seconds on average
        test = mean_noninferiority_test(slower * n, n, values * n, n, 2.99, low=0, high=60, worse="higher")
        paired += test.verdict == "pass"
    assert at_least(covered / replicates, replicates) >= 0.95
    assert at_most(shipped / replicates, replicates) <= 0.05
    assert at_most(paired / replicates, replicates) <= 0.05


@pytest.mark.parametrize(
    ("limit", "a", "b"), [(0.7, 7.5, 2.5), (0.75, 7, 3), (0.2, 1, 6), (0.1, 0.5, 9.5), (0.95, 30, 1), (0.5, 0.3, 0.5)]
)
def test_the_number_of_clusters_for_a_mean_gives_about_the_power_asked_for(limit: float, a: float, b: float) -> None:
    mean, deviation = a / (a + b), (a * b / (a + b) ** 2 / (a + b + 1)) ** 0.5
    clusters = required_clusters_for_mean(limit, mean, deviation, low=0, high=1)
    assert clusters is not None
    rng, decided = np.random.default_rng(SEED), 0
    for _ in range(300):
        y = rng.beta(a, b, clusters)
        decided += mean_test(y, np.ones(clusters), limit, low=0, high=1).verdict == ("pass" if mean < limit else "fail")
    print(f"limit {limit}, mean {mean:.3f}: {clusters} clusters decide in {decided / 3:.1f} %")
    assert 0.72 <= decided / 300 <= 0.9


SUITES = ((0.03, 0.1), (0.05,), (0.1, 0.3), (0.3,), (0.5,))
"""Five suites, two of them with a second metric: their rates."""


@pytest.mark.parametrize("old_runs", [4, 6, 9])
@pytest.mark.parametrize("shift", [0.0, 0.2, 0.4])
def test_a_comparison_with_replicates_rarely_raises_a_false_alarm(shift: float, old_runs: int) -> None:
    repeats = 2_000
    case = RunDesign(SUITES, shift=shift, old_runs=old_runs)
    found = alarms(case, repeats=repeats, seed=SEED).any(-1).mean()
    print(f"shift {shift}, {old_runs} old runs: any false alarm {found:.4f}")
    assert found <= 0.05 + 2 * (0.05 * 0.95 / repeats) ** 0.5


def test_without_replicates_a_shift_of_the_run_is_an_alarm_and_none_is_none() -> None:
    found = [alarms(RunDesign(SUITES, shift=s, old_runs=1), repeats=1_000, seed=SEED).any(-1) for s in (0.0, 0.4)]
    assert at_most(float(found[0].mean()), 1_000) <= 0.06
    assert at_least(float(found[1].mean()), 1_000) > 0.2


def test_pairs_hold_where_runs_by_themselves_would_not() -> None:
    # The old runs of a rare event are all alike, so Student's t is sure of anything: the pairs are not.
    case = RunDesign(((0.005,),), clusters=60, old_runs=4)
    found = float(alarms(case, repeats=2_000, seed=SEED).mean())
    assert at_most(found, 2_000) <= 0.01


def test_a_large_change_is_seen_through_the_spread_of_runs_and_the_primary_metric_opens_its_suite() -> None:
    case = RunDesign(SUITES, shift=0.2, old_runs=6)
    found = alarms(case, repeats=1_000, seed=SEED, rise=lambda suite, metric: 2.0 if suite == 2 else 0.0)
    primary, other = found[:, 3], found[:, 4]
    assert at_least(float(primary.mean()), 1_000) > 0.5
    assert not (other & ~primary).any()
    assert float(np.delete(found, [3, 4], 1).any(-1).mean()) <= 0.05
