"""Deadlines, tries and bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from shipworthy.core.errors import UsageError
from shipworthy.findings.terms import clopper_pearson, due_after, due_of, tries_needed, upper_bound
from shipworthy.workspace.kinds.triage import Triage


@given(st.integers(1, 400), st.data())
def test_the_interval_is_that_of_scipy(tries: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, tries))
    theirs = binomtest(hits, tries).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, tries) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(st.floats(0.001, 0.9))
def test_the_tries_are_the_fewest_that_rule_the_rate_out(limit: float) -> None:
    needed = tries_needed(limit)
    assert binom.pmf(0, needed, limit) <= 0.05 * (1 + 1e-6)
    assert upper_bound(0, needed) <= limit * (1 + 1e-6)
    if needed > 1:
        assert binom.pmf(0, needed - 1, limit) > 0.05 * (1 - 1e-6)


def test_a_term_is_by_severity_and_begins_anew_after_an_acceptance() -> None:
    triage = Triage.model_validate(
        {
            "hours": {"holidays": ["2026-12-25"]},
            "severities": [{"severity": "S2", "due": "2 working days", "rate": 0.05}],
        }
    )
    assert due_of(triage, "S2", "2026-12-23T10:00:00Z") == "2026-12-28T17:00:00Z"
    assert due_of(triage, "S1", "2026-12-23T10:00:00Z") == "2026-12-26T10:00:00Z"
    assert due_after(triage, "S2", "2026-12-23") == "2026-12-29T17:00:00Z"
    never = Triage.model_validate({"hours": {"holidays": [f"2026-12-{n:02}" for n in range(1, 32)]}})
    assert due_of(never, "S3", "2026-12-01T00:00:00Z") > "2027-01"
    with pytest.raises(UsageError, match="no moment"):
        due_of(triage, "S2", "soon")
