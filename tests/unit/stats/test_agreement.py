from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from shipworthy.stats import kappa


def labels(seed: int, size: int = 300, kinds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, kinds, size)
    return a, np.where(rng.random(size) < 0.7, a, rng.integers(0, kinds, size))


@pytest.mark.parametrize("seed", range(5))
def test_kappa_and_its_error_agree_with_statsmodels(seed: int) -> None:
    a, b = labels(seed)
    table = np.zeros((3, 3))
    np.add.at(table, (a, b), 1)
    theirs, ours = cohens_kappa(table), kappa(a, b, confidence=0.95)
    assert ours.kappa == pytest.approx(theirs.kappa, abs=1e-12)
    # The standard error, read back from the interval on the log scale: equal up to n / (n - 1) and t against z.
    width = np.log((1 - ours.low) / (1 - ours.high)) * (1 - ours.kappa) / 2
    assert width == pytest.approx(1.96 * theirs.std_kappa, rel=0.01)


def test_repeating_every_item_as_one_cluster_changes_nothing_but_the_item_count() -> None:
    a, b = labels(7)
    once = kappa(a, b)
    thrice = kappa(np.repeat(a, 3), np.repeat(b, 3), np.repeat(np.arange(a.size), 3))
    assert (thrice.kappa, thrice.low, thrice.high) == pytest.approx((once.kappa, once.low, once.high))
    assert (thrice.items, thrice.clusters) == (900, 300)
    assert kappa(np.repeat(a, 3), np.repeat(b, 3)).low > once.low  # ignoring clusters pretends to know more


def test_perfect_agreement_has_a_lower_limit_below_one() -> None:
    k = kappa(["x", "y"] * 30, ["x", "y"] * 30)
    assert (k.kappa, k.high, k.agreement) == (1.0, 1.0, 1.0)
    assert k.low == pytest.approx(1 - (1 - 0.025 ** (1 / 60)) / 0.5)


def test_opposite_labels_give_minus_one() -> None:
    assert kappa([0, 1] * 20, [1, 0] * 20).kappa == pytest.approx(-1)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 9)), min_size=5, max_size=60), st.randoms()
)
@settings(max_examples=100, deadline=None)
def test_symmetry_order_and_containment(rows: list[tuple[int, int, int]], rnd) -> None:  # type: ignore[no-untyped-def]
    a, b, c = map(np.array, zip(*rows, strict=True))
    if len(set(c.tolist())) < 2 or len(set(a.tolist()) | set(b.tolist())) < 2:
        return
    if (a != b).any() and len(set(a.tolist())) == 1 == len(set(b.tolist())):
        return
    k = kappa(a, b, c)
    assert -1 <= k.low <= k.kappa <= k.high <= 1
    swapped = kappa(b, a, c)
    assert (swapped.low, swapped.high) == pytest.approx((k.low, k.high))
    order = list(range(len(rows)))
    rnd.shuffle(order)
    shuffled = kappa(a[order], b[order], c[order])
    assert (shuffled.kappa, shuffled.low, shuffled.high) == pytest.approx((k.kappa, k.low, k.high))


@pytest.mark.parametrize(
    ("a", "b", "clusters", "message"),
    [
        ([1, 0], [1], None, "one length"),
        ([1, 1, 1], [1, 1, 1], None, "undefined"),
        ([1, 0], [1, 0], [3, 3], "at least two"),
        ([1, 0], [1, 0], [3], "one entry an item"),
    ],
)
def test_bad_input_is_named(a: list[int], b: list[int], clusters: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kappa(a, b, clusters)


def test_confidence_is_checked() -> None:
    with pytest.raises(ValueError, match="confidence"):
        kappa([1, 0], [0, 1], confidence=95)
