"""Targets: met for sure only where the limits meet them, and nothing is ever taken for something good."""

from __future__ import annotations

import csv
import io

import pytest

from shipworthy.evidence.kpis.kpi import NAMES, Measured, kpis
from shipworthy.evidence.kpis.period import period_of
from shipworthy.evidence.kpis.report import as_csv, met, report, shown


def test_there_are_sixteen_in_their_order_and_each_target_fits_its_unit():
    assert [one.name for one in kpis()] == list(NAMES) and len(NAMES) == 16
    for one in kpis():
        assert met(one.target, one.unit, Measured(value=None)) == "unknown"


@pytest.mark.parametrize(
    ("target", "unit", "found", "said"),
    [
        (">= 90 %", "share", (0.95, 0.91, 0.99), "yes"),
        (">= 90 %", "share", (0.95, 0.85, 0.99), "unsure"),
        (">= 90 %", "share", (0.85, 0.80, 0.95), "no"),
        (">= 0.9", "share", (0.9, None, None), "unsure"),
        ("<= 1 h", "minutes", (30.0, 10.0, 59.0), "yes"),
        ("<= 1 h", "minutes", (30.0, 10.0, 61.0), "unsure"),
        ("<= 2 d", "days", (2.5, None, None), "no"),
        ("<= 60 min", "days", (0.04, 0.01, None), "unsure"),
        ("<= 5", "per 10,000 sessions", (0.0, 0.0, 0.37), "yes"),
    ],
)
def test_a_target_is_held_against_the_number_and_its_limits(target, unit, found, said):
    value, low, high = found
    assert met(target, unit, Measured(value=value, low=low, high=high)) == said


def test_a_census_needs_no_limits():
    assert met(">= 90 %", "share", Measured(value=1.0, census=True)) == "yes"
    assert met(">= 90 %", "share", Measured(value=0.8, census=True)) == "no"


@pytest.mark.parametrize(("target", "unit"), [("<= 5 %", "days"), ("<= 5 d", "share"), ("soon", "days")])
def test_a_target_in_another_unit_is_refused(target, unit):
    with pytest.raises(ValueError, match=r"target|unit"):
        met(target, unit, Measured(value=1.0))


def test_on_an_empty_workspace_nothing_is_good(desk):
    facts = desk.facts()
    found = report(facts, kpis(), period_of("90d", facts.now))
    assert {one.met for one in found} == {"unknown"}
    assert all(one.measured.why for one in found)
    [first, *rest] = csv.DictReader(io.StringIO(as_csv(found)))
    assert (first["name"], first["value"], first["met"]) == ("eval-coverage", "", "unknown")
    assert len(rest) == 15


def test_a_target_of_the_file_wins(desk):
    desk.programme("  targets: [{number: gating-adherence, must: '>= 50 %'}]\n")
    facts = desk.facts()
    found = report(facts, kpis(), period_of("90d", facts.now))
    assert [(one.name, one.target) for one in found if one.own] == [("gating-adherence", ">= 50 %")]


def test_a_number_is_shown_in_its_unit():
    assert [shown(0.1234, "share"), shown(1234.5, "seconds"), shown(4.25, "score 1 to 5")] == [
        "12.3 %",
        "1,234 s",
        "4.25",
    ]
