"""The scorer error at which a verdict flips, held against the relation of Rogan and Gladen itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shipworthy.stats import Flip, change_flip, rate_flip, threshold_test

SHARES = st.floats(0.0, 1.0)
INSIDE = st.floats(0.01, 0.99)
NEAR = 1e-6


def true_rate(observed: float, sensitivity: float = 1.0, specificity: float = 1.0) -> float:
    """Rogan and Gladen (1978)."""
    return (observed + specificity - 1) / (sensitivity + specificity - 1)


@given(SHARES, INSIDE, st.sampled_from(["upper", "lower"]))
def test_the_corrected_bound_changes_sides_at_the_flip_and_only_there(bound: float, limit: float, side: str) -> None:
    def meets(value: float) -> bool:
        return value <= limit if side == "upper" else value >= limit

    assume(abs(bound - limit) > 1e-3)
    found = rate_flip(bound, limit, side)  # type: ignore[arg-type]
    if found is None:
        # What was never observed needs no correction, and what always was has no false hits in it.
        assert bound in (0, 1) or bound < 1e-12
        return
    assert found.ships is not meets(bound)
    if not NEAR < found.at < 1 - NEAR:
        return
    assert true_rate(bound, **{found.error: found.at}) == pytest.approx(limit, abs=1e-9)
    assert meets(true_rate(bound, **{found.error: found.at * (1 - NEAR)})) is found.ships
    assert meets(true_rate(bound, **{found.error: min(1.0, found.at * (1 + NEAR))})) is not found.ships
    # The other error moves the bound away from its limit, so that it cannot flip the verdict.
    other = {"sensitivity", "specificity"} - {found.error}
    for right in (0.99, 0.9, 0.6):
        if right > 1 - min(bound, 1 - bound):
            assert meets(true_rate(bound, **{other.pop() if len(other) == 1 else found.error: right})) is meets(bound)
            break


@given(st.floats(-1.0, 1.0), st.floats(0.01, 1.0))
def test_a_change_shrinks_by_what_the_scorer_errs(bound: float, limit: float) -> None:
    found = change_flip(bound, limit)
    if bound <= 0 or bound > limit:
        assert found is None
        return
    assert found is not None and not found.ships and 1 <= found.at <= 2
    if found.at > 1 + NEAR:
        assert bound / (found.at - 1) == pytest.approx(limit)


def test_a_verdict_flips_at_the_flip_when_samples_have_several_attempts() -> None:
    """The relation is on samples' shares, whose sizes may differ: the bound of thinned hits is the thinned bound."""
    rng = np.random.default_rng(7)
    trials = rng.integers(1, 9, 4000)
    true = rng.binomial(trials, rng.beta(0.3, 5, trials.size))
    seen = rng.binomial(true, 0.7)
    limit = 0.1
    test = threshold_test(seen, trials, limit)
    found = rate_flip(test.bound, limit, "upper")
    assert test.verdict == "pass" and found is not None and found.error == "sensitivity"
    # Thinned to the flip's sensitivity, true rates lie at the limit: so the true bound over .7 is what .7 hides.
    known = threshold_test(true, trials, limit).bound
    assert test.bound / 0.7 == pytest.approx(known, abs=0.006)
    assert found.at == pytest.approx(0.7 * known / limit, abs=0.05)


@pytest.mark.parametrize(
    ("bound", "limit", "side"),
    [(0.0, 0.05, "upper"), (0.3, 1.0, "upper"), (1.0, 0.05, "upper"), (0.0, 0.5, "lower"), (0.3, 0.0, "lower")],
)
def test_some_verdicts_no_scorer_error_flips(bound: float, limit: float, side: str) -> None:
    assert rate_flip(bound, limit, side) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("bound", "limit"), [(1.2, 0.5), (-0.1, 0.5), (0.5, 1.5), (float("nan"), 0.5)])
def test_what_is_no_rate_is_refused(bound: float, limit: float) -> None:
    with pytest.raises(ValueError, match="must be in"):
        rate_flip(bound, limit, "upper")


def test_a_margin_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        change_flip(0.1, 0.0)


def test_what_is_said_is_rounded_to_where_it_is_true() -> None:
    assert str(Flip("sensitivity", 0.7000000000000001, ships=False)) == "inconclusive below sensitivity 0.700"
    assert str(Flip("sensitivity", 0.70011, ships=False)) == "inconclusive below sensitivity 0.701"
    assert str(Flip("specificity", 0.98999, ships=True)) == "would ship at specificity 0.989 or below"
    assert str(Flip("sum", 1.6, ships=False)) == "inconclusive below sensitivity + specificity 1.600"
