"""Agreement of several labellers on the same items, some of whom did not label some of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from shipworthy.stats.clusters import Floats, check_confidence

Coefficient = Literal["fleiss", "ac1", "alpha"]
Scale = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """Agreement of several labellers.

    Attributes:
        value: 1 is perfect, 0 what chance gives; `low` and `high` its two-sided interval.
        agreement: share of pairs of labels of one item that are equal, each item counted once, in [0, 1].
        items: that at least two people labelled; `single` those that one did, in no number here.
        labels: given on these items; `raters` who gave them.
    """

    value: float
    low: float
    high: float
    agreement: float
    items: int
    single: int
    labels: int
    raters: int
    confidence: float


def rater_agreement(
    labels: Sequence[Mapping[str, Hashable]],
    coefficient: Coefficient = "alpha",
    *,
    scale: Scale = "nominal",
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> RaterAgreement:
    """Return a coefficient of agreement of two or more labellers with a two-sided interval.

    ``fleiss`` (1971) takes chance from how often each label is used over all items; ``ac1`` (Gwet 2008) is steady where
    one label is rare; ``alpha`` (Krippendorff 2004) corrects for few items and takes ordered labels, too. Items that
    fewer than two people labelled say nothing of agreement and are left out. The interval is the delete-one jackknife
    over clusters, taken to the scale of ``log(1 - value)`` by its slope, with Student's t; its lower limit is never
    above the one that as many clusters without a disagreement would get. Its coverage is simulated in the tests.

    Args:
        labels: of each item, who said what.
        scale: of ``alpha``: ``ordinal`` and ``interval`` take numbers, and a near miss for less than a far one.
        clusters: which items depend on one another; None: every item by itself.
        confidence: in [0.5, 1).

    Raises:
        ValueError: fewer than two clusters of items with two labels, one label in use throughout, or labels that are
            no numbers on a scale of numbers.

    Wrong to use to compare groups of labellers on items of different difficulty, and to call a set of labels right:
    people may agree on what is wrong. Kappa-like coefficients depend on how often each label is used; look at
    `agreement` beside them.

    >>> said = [{"ann": 1, "bo": 1}, {"ann": 0, "bo": 0}, {"ann": 1, "bo": 0}, {"ann": 0, "bo": 0}] * 10
    >>> found = rater_agreement(said, "fleiss")
    >>> round(found.value, 3), found.agreement
    (0.467, 0.75)
    """
    check_confidence(confidence)
    if clusters is not None and len(clusters) != len(labels):
        raise ValueError(f"clusters must have one entry an item: got {len(clusters)} for {len(labels)} items")
    own = [(said, n if clusters is None else clusters[n]) for n, said in enumerate(labels) if len(said) >= 2]
    single = sum(len(said) == 1 for said in labels)
    values = sorted({label for said, _ in own for label in said.values()}, key=_order)
    if len(values) < 2:
        raise ValueError("agreement is undefined: fewer than two labels are in use on items that two people labelled")
    groups = list(dict.fromkeys(group for _, group in own))
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} cluster(s) of items that two people labelled: an interval needs at least two")
    if coefficient == "alpha" and scale != "nominal" and not all(isinstance(v, int | float) for v in values):
        raise ValueError(f"labels on a scale that is {scale} must be numbers")
    place = {label: n for n, label in enumerate(values)}
    table = np.zeros((len(own), len(values)))
    for row, (said, _) in enumerate(own):
        for label in said.values():
            table[row, place[label]] += 1
    member = np.array([groups.index(group) for _, group in own])
    distance = _distance(values, table, scale if coefficient == "alpha" else "nominal")
    whole = _value(table, coefficient, distance)
    parts = np.array([_value(table[member != g], coefficient, distance) for g in range(len(groups))])
    # In units of the farthest that two labels can lie apart.
    chance = _expected(table, coefficient, distance) / float(distance.max())
    low, high = _interval(whole, parts, chance, confidence)
    sizes = table.sum(1)
    pairs = (table * (table - 1)).sum(1) / (sizes * (sizes - 1))
    return RaterAgreement(
        value=whole,
        low=low,
        high=high,
        agreement=float(pairs.mean()),
        items=len(own),
        single=single,
        labels=int(sizes.sum()),
        raters=len({rater for said, _ in own for rater in said}),
        confidence=float(confidence),
    )


def _order(label: Hashable) -> tuple[int, float, str]:
    return (0, float(label), "") if isinstance(label, int | float) else (1, 0.0, str(label))


def _value(table: Floats, coefficient: Coefficient, distance: Floats) -> float:
    """Return a coefficient from counts of labels, one row an item, one column a label; 1 where chance has no say."""
    expected = _expected(table, coefficient, distance)
    if expected == 0:
        return 1.0
    sizes = table.sum(1)
    if coefficient == "alpha":
        pairs: Floats = (table.T / (sizes - 1)) @ table
        pairs[np.diag_indices_from(pairs)] -= (table / (sizes - 1)[:, None]).sum(0)
        observed = float((pairs * distance).sum() / table.sum())
    else:
        observed = 1 - float(((table * (table - 1)).sum(1) / (sizes * (sizes - 1))).mean())
    return 1 - observed / expected


def _expected(table: Floats, coefficient: Coefficient, distance: Floats) -> float:
    """Return the disagreement that chance would give."""
    if coefficient == "alpha":
        used = table.sum(0)
        total = float(used.sum())
        return float((np.outer(used, used) * distance).sum() / (total * (total - 1)))
    share = (table / table.sum(1)[:, None]).mean(0)
    if coefficient == "fleiss":
        return 1 - float((share**2).sum())
    return 1 - float((share * (1 - share)).sum() / (share.size - 1))


def _distance(values: Sequence[Hashable], table: Floats, scale: Scale) -> Floats:
    """Return Krippendorff's squared differences between labels."""
    size = len(values)
    if scale == "nominal":
        return 1.0 - np.eye(size)
    if scale == "interval":
        numbers = np.array(values, dtype=np.float64)
        squared: Floats = (numbers[:, None] - numbers[None, :]) ** 2
        return squared
    used = table.sum(0)
    before = np.cumsum(used) - used / 2
    # Ranks between two labels: all that lie between, and half of both.
    ranks: NDArray[np.float64] = (before[:, None] - before[None, :]) ** 2
    return ranks


def _interval(whole: float, parts: Floats, expected: float, confidence: float) -> tuple[float, float]:
    """Return limits from the coefficient, those without each cluster, and the disagreement that chance would give."""
    groups = parts.size
    tail = (1 - confidence) / 2
    # Nobody ever disagreed: as much as a cluster that was never seen would allow. No limit is better than that.
    floor = 1 - (1 - tail ** (1 / groups)) / expected if expected > 0 else -1.0
    if whole >= 1:
        return max(-1.0, floor), 1.0
    # The error on the coefficient's own scale: without the one cluster that disagrees, there is no logarithm.
    error = float(np.sqrt((groups - 1) / groups * ((parts - parts.mean()) ** 2).sum())) / (1 - whole)
    reach = min(float(stdtrit(groups - 1, 1 - tail)) * error, 50.0)
    low = 1 - (1 - whole) * float(np.exp(reach))
    return max(-1.0, min(low, floor)), min(1.0, 1 - (1 - whole) * float(np.exp(-reach)))
