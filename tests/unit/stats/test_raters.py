"""Agreement of several labellers: known values, what is left out, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats.raters import rater_agreement

# The data of Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): four observers, twelve units.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [{f"r{o}": row[u] for o, row in enumerate(OBSERVERS) if row[u] is not None} for u in range(12)]


@pytest.mark.parametrize(("scale", "known"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_krippendorff_s(scale: str, known: float) -> None:
    found = rater_agreement(UNITS, "alpha", scale=scale)  # type: ignore[arg-type]
    assert found.value == pytest.approx(known, abs=5e-4)
    assert (found.items, found.single, found.labels, found.raters) == (11, 1, 40, 4)
    assert found.low < found.value < found.high


def test_fleiss_is_that_of_statsmodels() -> None:
    from statsmodels.stats.inter_rater import fleiss_kappa

    rng = np.random.default_rng(3)
    rows = rng.integers(0, 3, (40, 4))
    table = np.array([[(row == k).sum() for k in range(3)] for row in rows])
    said = [{str(n): int(v) for n, v in enumerate(row)} for row in rows]
    assert rater_agreement(said, "fleiss").value == pytest.approx(fleiss_kappa(table))


def test_ac1_is_steady_where_one_label_is_rare() -> None:
    """118 of 125 pairs agree, nearly all on one label: kappa falls near zero and AC1 does not (Gwet 2008)."""
    said = [{"a": 1, "b": 1}] * 118 + [{"a": 1, "b": 0}] * 5 + [{"a": 0, "b": 1}] * 2
    kappa, ac1 = (rater_agreement(said, which) for which in ("fleiss", "ac1"))  # type: ignore[arg-type]
    assert kappa.agreement == ac1.agreement == pytest.approx(118 / 125)
    assert kappa.value < 0 < 0.93 < ac1.value


@given(st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=4), min_size=3, max_size=12))
@settings(max_examples=60, deadline=None)
def test_names_of_raters_and_order_of_items_do_not_matter(rows: list[list[int]]) -> None:
    said = [{f"r{n}": label for n, label in enumerate(row)} for row in rows]
    other = [{f"x{n}": label for n, label in enumerate(reversed(row))} for row in reversed(rows)]
    for which in ("fleiss", "ac1", "alpha"):
        try:
            found = rater_agreement(said, which)  # type: ignore[arg-type]
        except ValueError:
            continue
        again = rater_agreement(other, which)  # type: ignore[arg-type]
        assert found.value == pytest.approx(again.value)
        assert (found.low, found.high) == pytest.approx((again.low, again.high), abs=1e-9)
        assert -1 <= found.low <= found.value <= found.high <= 1 or found.value == 1


def test_perfect_agreement_still_has_a_lower_limit() -> None:
    found = rater_agreement([{"a": n % 2, "b": n % 2} for n in range(20)])
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.5 < found.low < 0.9


def test_items_of_one_cluster_are_one() -> None:
    said = [{"a": n % 2, "b": (n + (n % 5 == 0 and n < 40)) % 2} for n in range(60)]
    alone = rater_agreement(said)
    together = rater_agreement(said, clusters=[n // 20 for n in range(60)])
    assert together.value == alone.value
    assert together.high - together.low > alone.high - alone.low


@pytest.mark.parametrize(
    ("said", "more", "why"),
    [
        ([{"a": 1, "b": 1}] * 5, {}, "fewer than two labels are in use"),
        ([{"a": 1, "b": 0}], {}, r"1 cluster\(s\)"),
        ([{"a": 1}, {"a": 0}], {}, "fewer than two labels"),
        ([{"a": "x", "b": "y"}] * 3, {"scale": "interval"}, "must be numbers"),
        ([{"a": 1, "b": 0}] * 3, {"clusters": [1]}, "one entry an item"),
        ([{"a": 1, "b": 0}] * 3, {"confidence": 95}, "confidence"),
    ],
)
def test_what_says_nothing_of_agreement_is_refused(
    said: list[dict[str, object]], more: dict[str, object], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        rater_agreement(said, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["fleiss", "ac1", "alpha"])
def test_the_interval_covers(which: str) -> None:
    rng = np.random.default_rng(7)
    # Each person is right on nine of ten of two labels that are as frequent: pairs agree .82, chance is .5.
    truth, covered, runs = 0.64, 0, 150
    for _ in range(runs):
        right = rng.random((60, 3)) < 0.9
        true = rng.random(60) < 0.5
        said = [{str(k): bool(t == r) for k, r in enumerate(row)} for t, row in zip(true, right, strict=True)]
        found = rater_agreement(said, which)  # type: ignore[arg-type]
        covered += found.low <= truth <= found.high
    assert covered / runs >= 0.9


def test_one_disagreement_leaves_an_interval_that_says_something() -> None:
    said = [{"a": n % 4 == 0, "b": n % 4 == 0} for n in range(39)] + [{"a": True, "b": False}]
    for which in ("fleiss", "ac1", "alpha"):
        found = rater_agreement(said, which)  # type: ignore[arg-type]
        assert 0.4 < found.low < found.value < found.high < 1, which


def test_the_interval_covers_where_hits_and_errors_are_rare() -> None:
    """One in ten is a hit, one word in a hundred is wrong: often nobody disagrees, and chance is .82."""
    rng = np.random.default_rng(5)
    hits = 0.1 * 0.99 + 0.9 * 0.01
    chance = hits**2 + (1 - hits) ** 2
    truth, covered, runs = (0.99**2 + 0.01**2 - chance) / (1 - chance), 0, 100
    for _ in range(runs):
        wrong = rng.random((100, 2)) < 0.01
        said = [{str(k): bool(t ^ w) for k, w in enumerate(row)} for t, row in zip(rng.random(100) < 0.1, wrong)]  # noqa: B905
        found = rater_agreement(said, "fleiss")
        covered += found.low <= truth <= found.high
    assert covered / runs >= 0.9
