"""Monitors: what a number must be, and that they stand for a test."""

from __future__ import annotations

import pytest

from shipworthy.workspace.load import Workspace

MONITOR = (
    'monitors:\n  - {id: MON-one, title: Denials, metric: denied, must: "<= 0.5", window: 7d, watches: [RQ-one]}\n'
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<= 0.5", "<= 0.5 %", ""),
        ("<= 0.5", "below 1", "'must' must be a comparison with a number, such as '<= 0.5'"),
        ("7d", "1 week", "'window' must be a number of minutes, hours or days: 30m, 12h, 7d"),
        ("7d", "0d", "'window' must be a number of minutes, hours or days: 30m, 12h, 7d"),
        ("[RQ-one]", "[RQ-two]", "unknown requirement 'RQ-two' (did you mean 'RQ-one'?)"),
    ],
)
def test_what_it_says(problems, old, new, expected):
    found = problems({"monitors.yaml": MONITOR.replace(old, new)})
    assert found == ([f"monitors.yaml:2: {expected}"] if expected else [])


def test_a_requirement_that_is_watched_needs_no_criterion(problems, workspace):
    requirements = "requirements:\n  - id: RQ-one\n    text: Short.\n    mitigates: [RK-one]\n"
    changes = {"requirements.yaml": requirements, "gate.yaml": None}
    workspace()
    (workspace() / "gate.yaml").unlink()
    assert len(problems(changes)) == 1
    assert problems({**changes, "monitors.yaml": MONITOR}) == []


def test_one_that_watches_nothing_is_warned_about(workspace):
    [warning] = Workspace.load(
        workspace({"monitors.yaml": MONITOR.replace("[RQ-one]", "[]")}), allow_code=True
    ).warnings
    assert warning.message == "the monitor 'MON-one' watches no requirement"
