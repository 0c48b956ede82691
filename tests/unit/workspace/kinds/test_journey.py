"""Journeys: a critical one is covered for each of its risks."""

from __future__ import annotations

from shipworthy.workspace.load import Workspace


def warnings(root):
    return [str(w).rpartition("/")[2] for w in Workspace.load(root, allow_code=True).warnings]


def test_one_without_a_risk_is_warned_about(workspace):
    root = workspace(
        {"journeys.yaml": ("{id: UJ-ask, title: Ask}", "{id: UJ-ask, title: Ask}\n  - {id: UJ-b, title: B}")}
    )
    assert warnings(root) == [
        "journeys.yaml:3: no risk is on the journey 'UJ-b' (name it under 'journeys' of what may go wrong on it)"
    ]


def test_a_critical_one_that_no_suite_measures_is_warned_about(workspace):
    monitor = (
        'monitors:\n  - {id: MON-a, title: A, metric: m, must: "< 1", window: 1d, watches: [RQ-two]}\n'
        "risks:\n  - {id: RK-two, title: Two, severity: S3, journeys: [UJ-ask]}\n"
        "requirements:\n  - {id: RQ-two, text: Two, mitigates: [RK-two]}\n"
    )
    critical = ("title: Ask", "title: Ask, critical: true")
    assert warnings(workspace({"journeys.yaml": critical, "include/more.yaml": monitor})) == [
        "journeys.yaml:2: the critical journey 'UJ-ask' is not covered: no suite measures RK-two "
        "(let a requirement that mitigates the risk have a criterion on a suite)"
    ]
    assert warnings(workspace({"include/more.yaml": monitor})) == []
