"""KPI 5: what counts as closed in time, and what in a column of its own."""

from __future__ import annotations

import pytest

from shipworthy.core.finding_entry import FindingStanding, FindingTerm
from shipworthy.core.severity import Severity
from shipworthy.findings.closure import finding_closure

DUE = "2026-11-20T12:00:00Z"
NOW = "2026-12-01T00:00:00Z"


def finding(*terms: FindingTerm, state: str = "open", severity: Severity = "S2", due: str = DUE) -> FindingStanding:
    return FindingStanding("FD", "SYS", severity, state, due, "2026-11-01T00:00:00Z", 1, terms=terms)


def term(met: str = "", taken: str = "", due: str = DUE, severity: Severity = "S2") -> FindingTerm:
    return FindingTerm(due, severity, met, taken)


def test_terms_are_counted_in_the_month_in_which_they_end() -> None:
    found = finding_closure(
        [
            finding(term(met="2026-11-19T00:00:00Z"), state="closed"),
            finding(term(met=DUE), state="verified"),  # at the very moment
            finding(term(met="2026-11-20T12:00:01Z"), state="closed"),
            finding(term(taken="accepted"), state="accepted", due="2027-01-01T00:00:00Z"),
            finding(term(taken="rejected"), state="rejected"),
            finding(term()),
            finding(term(due="2026-10-01T00:00:00Z"), due="2026-10-01T00:00:00Z"),  # of another month, still open
            finding(term(due="2026-12-24T00:00:00Z"), due="2026-12-24T00:00:00Z"),  # not due yet
            finding(term(severity="S3"), severity="S3"),  # not counted
            # Closed in time, opened again, and late since: two terms.
            finding(term(met="2026-11-01T00:00:00Z"), term(due="2026-11-28T00:00:00Z"), due="2026-11-28T00:00:00Z"),
        ],
        "2026-11-01",
        "2026-12-01",
        NOW,
    )
    assert (found.ended, found.met, found.late, found.accepted, found.rejected, found.open) == (8, 3, 1, 1, 1, 2)
    assert found.rate == 3 / 8
    assert (found.low, found.high) == pytest.approx((0.0852, 0.7551), abs=1e-4)
    assert found.past_due == {7: 1, 30: 1, 90: 1, 0: 0}


def test_twenty_seven_of_thirty_as_the_definition_has_it() -> None:
    closed = [finding(term(met="2026-11-01T00:00:00Z"), state="closed")] * 27
    found = finding_closure([*closed, *[finding(term())] * 3], "2026-11-01", "2026-12-01", NOW)
    assert [round(100 * end) for end in (found.low, found.high)] == [73, 98]


def test_without_a_term_there_is_no_rate() -> None:
    found = finding_closure([], "2026-11-01", "2026-12-01", NOW)
    assert (found.rate, found.low, found.high) == (None, 0.0, 1.0)
