"""What depends on the day: the same files, looked at on several."""

from __future__ import annotations

from datetime import date

import pytest

from shipworthy.workspace.dated import dated, live
from shipworthy.workspace.load import Workspace

FILE = """\
roles:
  - {id: RO-a, title: A, may: {accept: S2}}
waivers:
  - {id: WV-a, risks: [RK-one], reason: R, compensating: C, accepted_by: RO-a, by: ann, ceiling: S2,
     begins: 2026-01-01, expires: 2026-03-01}
levers:
  - {id: LV-a, title: Off, kind: flag, max_minutes: 10, last_drilled: 2026-01-01, every_days: 60}
  - {id: LV-b, title: Off too, kind: flag, max_minutes: 10}
"""


@pytest.fixture
def graph(workspace):
    return Workspace.load(workspace({"include/dated.yaml": FILE}), allow_code=True).graph


@pytest.mark.parametrize(
    ("day", "problems", "warnings"),
    [
        ("2026-02-14", [], []),
        ("2026-02-15", [], ["the waiver WV-a expires on 2026-03-01, in 14 days"]),
        ("2026-03-01", [], ["the waiver WV-a expires on 2026-03-01, in 0 days"]),
        ("2026-03-02", ["the waiver WV-a expired on 2026-03-01: what it waived counts again"], []),
        (
            "2026-03-03",
            ["the waiver WV-a expired on 2026-03-01: what it waived counts again"],
            ["the lever LV-a was last drilled 61 days ago, and is to be every 60 days"],
        ),
        ("2025-12-31", [], ["the lever LV-a was last drilled on 2026-01-01, a day that is yet to come"]),
    ],
)
def test_what_is_due(graph, day, problems, warnings):
    found = dated(graph, date.fromisoformat(day))
    never = "the lever LV-b was never drilled: nobody knows whether it works"
    assert [p.message for p in found.problems] == problems
    assert [w.message for w in found.warnings] == [*warnings, never]
    assert {p.line for p in found.problems} <= {4}
    assert (found.warnings[-1].file.name, found.warnings[-1].line) == ("dated.yaml", 8)


def test_a_waiver_holds_from_its_first_day_to_its_last(graph):
    waiver = graph.node("waiver", "WV-a")
    days = ["2025-12-31", "2026-01-01", "2026-03-01", "2026-03-02"]
    assert [live(waiver, date.fromisoformat(day)) for day in days] == [False, True, True, False]


def test_an_expired_waiver_keeps_nobody_from_measuring(workspace):
    Workspace.load(workspace({"include/dated.yaml": FILE}), allow_code=True)  # whatever day it is
