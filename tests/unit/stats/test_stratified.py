"""Rates over strata behind a judge: their arithmetic, their ends, and what cannot be."""

from __future__ import annotations

import pytest

from shipworthy.stats.audit import audited_rate
from shipworthy.stats.stratified import AuditedStratum, stratified_audited_rate


def test_strata_count_by_their_sizes() -> None:
    small = AuditedStratum(1_000, 50, 100, 50, 50, 0, 50)
    large = AuditedStratum(9_000, 0, 100, 0, 0, 0, 100)
    found = stratified_audited_rate([small, large])
    assert found.rate == found.observed == pytest.approx(0.05)
    assert found.low < 0.05 < found.high and found.labelled == 200


def test_one_stratum_is_the_audited_rate() -> None:
    ours = stratified_audited_rate([AuditedStratum(10_000, 8, 400, 6, 8, 0, 300)], 0.9)
    theirs = audited_rate([1] * 8 + [0] * 392, [1] * 400, (6, 8), (0, 300), 0.95)
    assert ours.rate == pytest.approx(theirs.rate)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=6e-4)


def test_what_was_lost_is_never_safe() -> None:
    whole = stratified_audited_rate([AuditedStratum(1_000, 0, 100, 0, 0, 0, 100)])
    lost = stratified_audited_rate([AuditedStratum(1_000, 0, 100, 0, 0, 0, 100, lost=25)])
    assert lost.high > 0.2 > whole.high and lost.low == 0
    nobody = stratified_audited_rate([AuditedStratum(1_000, 0, 0, 0, 0, 0, 0, lost=25)])
    assert (nobody.low, nobody.high) == (0, 1)


def test_without_labels_on_the_rest_nothing_is_known_of_it() -> None:
    assert stratified_audited_rate([AuditedStratum(1_000, 10, 100, 10, 10, 0, 0)]).high == pytest.approx(1)


@pytest.mark.parametrize(
    "counts", [(10, 0, 20, 0, 0, 0, 0), (100, 5, 20, 3, 6, 0, 0), (100, 5, 20, 4, 3, 0, 0), (100, 5, 20, 0, 0, 0, 16)]
)
def test_counts_that_cannot_be_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        stratified_audited_rate([AuditedStratum(*counts)])
