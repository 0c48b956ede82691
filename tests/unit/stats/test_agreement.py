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
    assert ours.high is not None
    width = np.log((1 - ours.low) / (1 - ours.high)) * (1 - ours.kappa) / 2
    assert width == pytest.approx(1.96 * theirs.std_kappa, rel=0.01)


def test_repeating_every_item_as_one_cluster_changes_nothing_but_the_item_count() -> None:
    a, b = labels(7)
    once = kappa(a, b)
    thrice = kappa(np.repeat(a, 3), np.repeat(b, 3), np.repeat(np.arange(a.size), 3))
    assert once.high is not None
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
    high = 1 if k.high is None else k.high
    assert -1 <= k.low <= k.kappa <= high <= 1
    swapped = kappa(b, a, c)
    assert (swapped.low, swapped.high) == (pytest.approx(k.low), k.high if k.high is None else pytest.approx(k.high))
    order = list(range(len(rows)))
    rnd.shuffle(order)
    shuffled = kappa(a[order], b[order], c[order])
    assert (shuffled.kappa, shuffled.low) == pytest.approx((k.kappa, k.low))
    assert (shuffled.high is None) == (k.high is None)
    assert k.high is None or shuffled.high == pytest.approx(k.high)


def rare(positives: int, items: int, missed: int = 1) -> tuple[list[int], list[int]]:
    """Return two labellings with so many positives, of which the second misses some."""
    a = [1] * positives + [0] * (items - positives)
    return a, [0] * missed + a[missed:]


@pytest.mark.parametrize(
    ("positives", "items", "has_upper"),
    [(3, 100, False), (10, 100, False), (11, 100, True), (6, 199, False), (6, 200, True), (97, 100, False)],
)
def test_a_rare_label_among_few_items_gets_a_lower_limit_only(positives: int, items: int, has_upper: bool) -> None:
    k = kappa(*rare(positives, items))
    assert (k.high is not None) == has_upper
    assert -1 <= k.low < k.kappa
    assert ("at least" in str(k)) != has_upper


def test_many_items_in_few_clusters_are_few() -> None:
    a, b = rare(20, 400)
    assert kappa(a, b).high is not None
    assert kappa(a, b, [i // 4 for i in range(400)]).high is None


def test_the_lower_limit_holds_where_the_upper_one_did_not() -> None:
    """At 3 % prevalence and 50 items the two-sided interval covered .60; its lower limit alone is safe."""
    rng = np.random.default_rng(11)
    sensitivity, false_alarms, prevalence = 0.8, 0.01, 0.03
    p = np.array([sensitivity * prevalence, (1 - sensitivity) * prevalence,
                  false_alarms * (1 - prevalence), (1 - false_alarms) * (1 - prevalence)])  # fmt: skip
    observed = 1 - p[1] - p[2]
    chance = (p[0] + p[1]) * (p[0] + p[2]) + (p[2] + p[3]) * (p[1] + p[3])
    truth = (observed - chance) / (1 - chance)
    above = draws = 0
    for counts in rng.multinomial(50, p, size=3000):
        a, b = np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)
        if len(set(a) | set(b)) < 2:
            continue
        draws += 1
        k = kappa(a, b)
        assert k.high is None or (a.mean() + b.mean()) / 2 >= 0.1
        above += k.low > truth
    assert draws > 2000
    assert above / draws <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / draws)


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
