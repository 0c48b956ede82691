"""Where a finding stands follows from its entries alone, and what does not follow fails closed."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.core.finding_entry import FACTS, FindingStanding, blocking, check_body, standings

DUE = "2026-12-05T12:00:00Z"
Step = tuple[str, dict[str, Any]]


def body(step: str, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = dict.fromkeys(FACTS, "") | {"tries": 0, "hits": 0, "acceptance": 0, "limit": 0.0}
    return given | {"id": "FD-1", "system": "SYS-x", "step": step, "severity": "S2", "row": "sha256:0"} | more


def stand(*steps: Step, at: str = "2026-12-02T00:00:00Z", system: str = "SYS-x") -> FindingStanding:
    """Fold steps, a day apart from the first of December on."""
    told = [
        (number, f"2026-12-{number:02}T10:00:00.000Z", f"finding.{step}", body(step, **more))
        for number, (step, more) in enumerate(steps, 1)
    ]
    return standings(told, at, system)["FD-1"]


OPENED: Step = ("opened", {"due": DUE})
PROMOTED: Step = ("promoted", {"suite": "fd-1", "suite_digest": "sha256:a"})
PASSED: Step = ("verified", {"run": "RUN-1", "suite": "fd-1", "suite_digest": "sha256:a", "tries": 59, "limit": 0.05})
FAILED: Step = ("verified", {"run": "RUN-1", "suite": "fd-1", "suite_digest": "sha256:a", "tries": 59, "hits": 1})


def test_it_is_overdue_from_its_deadline_on_until_a_re_run_shows_it() -> None:
    assert not stand(OPENED, at=DUE).overdue(DUE)
    assert stand(OPENED).overdue("2026-12-05T12:00:01Z")
    assert stand(OPENED, ("fixed", {})).overdue("2026-12-06T00:00:00Z")
    assert not stand(OPENED, PROMOTED, PASSED).overdue("2026-12-06T00:00:00Z")


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([("closed", {})], "open"),
        ([("fixed", {}), ("closed", {})], "fixed"),
        ([PROMOTED, FAILED, ("closed", {})], "open"),
        ([PROMOTED, PASSED, FAILED, ("closed", {})], "open"),
        ([("verified", {"run": "RUN-1", "tries": 59}), ("closed", {})], "verified"),  # no regression case
        ([PROMOTED, ("verified", {"suite": "fd-1", "tries": 59}), ("closed", {})], "open"),  # no run
        ([PROMOTED, PASSED, ("fixed", {}), ("closed", {})], "fixed"),
        ([PROMOTED, PASSED, ("closed", {})], "closed"),
        ([("rejected", {}), PROMOTED, PASSED, ("closed", {})], "rejected"),
    ],
)
def test_only_a_passing_re_run_and_a_case_close_it(steps: list[Step], state: str) -> None:
    assert stand(OPENED, *steps, at="2026-12-09T00:00:00Z").state == state


def test_an_acceptance_is_no_closure_and_its_expiry_brings_back_what_was() -> None:
    accepted: Step = ("accepted", {"expires": "2026-12-10", "due": "2026-12-20T12:00:00Z", "acceptance": 7})
    held = stand(OPENED, ("fixed", {}), accepted, at="2026-12-10T23:59:59Z")
    assert (held.state, held.overdue("2026-12-10T23:59:59Z")) == ("accepted", False)
    back = stand(OPENED, ("fixed", {}), accepted, at="2026-12-11T00:00:00Z")
    assert (back.state, back.reactivated, back.due) == ("fixed", True, "2026-12-20T12:00:00Z")
    assert [term.taken for term in back.terms] == ["accepted", ""]
    assert back.overdue("2026-12-20T12:00:01Z")
    # A step after the expiry meets a finding that is open again.
    again = stand(OPENED, ("fixed", {}), ("accepted", accepted[1] | {"expires": "2026-12-03"}), ("rejected", {}),
                  at="2026-12-12T00:00:00Z")  # fmt: skip
    assert (again.state, [term.taken for term in again.terms]) == ("rejected", ["accepted", "rejected"])


def test_what_stands_in_the_way() -> None:
    late, soon = "2026-12-06T00:00:00Z", "2026-12-02T00:00:00Z"

    def blocks(*steps: Step, at: str) -> list[tuple[str, str]]:
        return [(one.finding, one.recurred) for one in blocking([stand(*steps, at=at)], at)]

    assert blocks(OPENED, at=soon) == []
    assert blocks(OPENED, at=late) == [("FD-1", "")]
    assert blocks(("opened", {"due": DUE, "severity": "S3"}), at=late) == []
    again: Step = ("reopened", {"run": "RUN-9", "due": "2026-12-30T00:00:00Z"})
    closed = (OPENED, PROMOTED, PASSED, ("closed", {}))
    assert blocks(*closed, at=late) == []
    assert blocks(*closed, again, at=late) == [("FD-1", "RUN-9")]
    assert blocks(*closed, again, PASSED, at=late) == []
    unsigned: Step = ("accepted", {"expires": "2026-12-31", "due": "2027-01-10T00:00:00Z"})
    assert blocks(*closed, again, unsigned, at="2026-12-08T00:00:00Z") == [("FD-1", "RUN-9")]
    signed: Step = ("accepted", unsigned[1] | {"acceptance": 3})
    assert blocks(*closed, again, signed, at="2026-12-08T00:00:00Z") == []


def test_entries_of_others_are_passed_over() -> None:
    told = [(1, "2026-12-01T10:00:00Z", "run.finished", {"run": "RUN-1"}),
            (2, "2026-12-01T10:00:00Z", "finding.fixed", body("fixed"))]  # fmt: skip
    assert standings(told, DUE) == {}
    theirs = [(1, "2026-12-01T10:00:00Z", "finding.opened", body("opened", system="SYS-y"))]
    assert standings(theirs, DUE, "SYS-x") == {}


@pytest.mark.parametrize(
    "wrong",
    [{"more": 1}, {"tries": -1}, {"tries": True}, {"limit": 2}, {"step": "fixed"}, {"severity": "S5"}, {"due": "soon"},
     {"due": 5}],
)  # fmt: skip
def test_what_is_no_step_is_refused(wrong: dict[str, Any]) -> None:
    check_body("finding.opened", body("opened", due=DUE))
    with pytest.raises(ValueError, match=r"."):
        check_body("finding.opened", body("opened", due=DUE) | wrong)
