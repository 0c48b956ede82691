"""Levers: minutes and days are what they should be."""

from __future__ import annotations

import pytest

LEVER = "levers:\n  - {id: LV-one, title: Off, kind: flag, max_minutes: 10, last_drilled: 2026-01-31}\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("2026-01-31", "'2026-01-31'", ""),
        ("2026-01-31", "2026-02-30", "'last_drilled' must be a day, written 2026-12-31"),
        ("2026-01-31", "31.1.2026", "'last_drilled' must be a day, written 2026-12-31"),
        ("2026-01-31", "20260131", "'last_drilled' must be a day, written 2026-12-31"),
        ("10", "0", "'max_minutes' must be greater than or equal to 1, not 0"),
        ("10", "true", "'max_minutes' must be a number"),
    ],
)
def test_what_it_says(problems, old, new, expected):
    found = problems({"levers.yaml": LEVER.replace(old, new)})
    assert found == ([f"levers.yaml:2: {expected}"] if expected else [])
