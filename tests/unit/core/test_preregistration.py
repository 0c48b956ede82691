"""Which registration counts for a run, and what is named as changed."""

from __future__ import annotations

from shipworthy.core.preregistration import Registered, changes, registration

CRITERION = {
    "id": "CR-1",
    "must": "upper95 <= 0.1",
    "suite": "s",
    "metric": "m",
    "requirement": "RQ-1",
    "severity": "S3",
}
SAID = {"system": "SYS-1", "plan": "full", "spec_digest": "one", "criteria": [CRITERION],
        "datasets": [{"id": "s", "digest": "d1"}]}  # fmt: skip
RUN = {"id": "RUN-1", "system": "SYS-1", "plan": "full", "spec_digest": "one", "suites": [{"id": "s", "digest": "d1"}]}
RESULT = {name: value for name, value in CRITERION.items() if name != "severity"}  # as a decision leaves it out


def test_it_counts_before_the_run_and_of_the_same_specification_alone():
    assert registration(RUN, 5, [RESULT], [Registered(4, SAID)]) == {
        "run": "RUN-1", "entry": 4, "amended": [], "differs": [],
    }  # fmt: skip
    assert registration(RUN, 5, [RESULT], [Registered(6, SAID)])["entry"] == 0
    assert registration(RUN, 5, [RESULT], [Registered(4, SAID | {"plan": "smoke"})])["entry"] == 0
    assert registration(RUN, 5, [RESULT], [Registered(4, SAID | {"system": "SYS-2"})])["entry"] == 0


def test_what_changed_after_it_is_named():
    loose = RUN | {"spec_digest": "two", "suites": [{"id": "s", "digest": "d2"}]}
    found = registration(loose, 5, [RESULT | {"must": "upper95 <= 0.5"}], [Registered(4, SAID)])
    assert found["entry"] == 0
    assert found["differs"] == [
        "CR-1: must was 'upper95 <= 0.1', and is 'upper95 <= 0.5'",
        "the data set s was d1, and is d2",
    ]
    assert registration(loose | {"suites": RUN["suites"]}, 5, [RESULT], [Registered(4, SAID)])["differs"] == [
        "the plan, a requirement or the gate says something else"
    ]


def test_whoever_registers_often_is_told_of():
    looser = SAID | {"spec_digest": "two", "criteria": [CRITERION | {"must": "upper95 <= 0.5"}]}
    found = registration(RUN | {"spec_digest": "two"}, 9, [RESULT], [Registered(3, SAID), Registered(4, looser)])
    assert found["entry"] == 4
    assert found["amended"] == ["entry 4: CR-1: must was 'upper95 <= 0.1', and is 'upper95 <= 0.5'"]


def test_criteria_come_and_go():
    other = SAID | {"criteria": [CRITERION | {"id": "CR-2"}]}
    assert changes(SAID, other) == ["the criterion CR-1 is gone", "the criterion CR-2 is new: upper95 <= 0.1"]
