"""Categories of data."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("sensitivity: personal, retention_days: 30, training: false", []),
        (
            "sensitivity: privat",
            ["'sensitivity' must be 'public', 'internal', 'confidential', 'personal', 'special' or"],
        ),
        ("sensitivity: personal, retention_days: 0", ["'retention_days' must be greater than or equal to 1, not 0"]),
        ("sensitivity: personal, retention_days: '30'", ["'retention_days' must be a number, without quotes"]),
    ],
)
def test_a_category(problems, said, expected):
    found = problems({"data_categories.yaml": f"data_categories:\n  - {{id: DAT-one, title: Records, {said}}}\n"})
    assert len(found) == len(expected)
    for line, part in zip(found, expected, strict=True):
        assert line.startswith(f"data_categories.yaml:2: {part}")
