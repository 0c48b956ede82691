"""The agenda: ordered by what evidence leaves of the risks, what is late named first."""

from __future__ import annotations

import json
from datetime import date

import pytest

from shipworthy.cli import run
from shipworthy.evidence.agenda import agenda, horizon, milestones
from shipworthy.evidence.residual import register
from shipworthy.evidence.standing import CriterionStanding
from shipworthy.workspace.load import Workspace

AGENDA = """\
agenda:
  - {id: RS-cheap, title: Shorter prompts, risks: [RK-leak], reduces: 0.2, cost_days: 2}
  - id: RS-dear
    title: Another model
    risks: [RK-leak]
    reduces: 0.9
    cost_days: 90
    status: running
    milestones:
      - {by: 2026-12-20, what: Plan}
      - {by: 2026-11-01, what: Late}
      - {by: 2026-10-01, what: Over, done: 2026-09-30}
  - id: RS-old
    title: Old
    risks: [RK-leak]
    reduces: 1
    cost_days: 1
    status: done
    milestones: [{by: 2026-01-01, what: X}]
"""


@pytest.fixture
def graph(gated):
    (gated.root / "agenda.yaml").write_text(AGENDA)
    return Workspace.load(gated.root, allow_code=True).graph


def test_the_most_worthwhile_first_and_what_is_over_last(graph):
    none = {one.id: CriterionStanding(one.id, "none", "none yet") for one in graph.of_kind("criterion").values()}
    lines = agenda(graph, register(graph, none, date(2026, 12, 1)))
    assert [one.id for one in lines] == ["RS-cheap", "RS-dear", "RS-old"]
    assert lines[0].worth == pytest.approx(lines[0].left * 0.2 / 2)
    assert lines[0].unmeasured == ("RK-leak",)


def test_milestones_by_when_they_are_due(graph):
    found = milestones(graph, date(2026, 12, 1))
    assert [(one.horizon, one.what) for one in found] == [("overdue", "Late"), ("30 days", "Plan")]


@pytest.mark.parametrize(
    ("day", "said"), [(date(2027, 1, 1), "60 days"), (date(2027, 3, 1), "90 days"), (date(2027, 3, 2), "2027-Q1")]
)
def test_a_day_stands_under_its_horizon(day, said):
    assert horizon(day, date(2026, 12, 1)) == said


def test_the_verb_says_it_in_every_form(gated, graph, capsys):
    words = ["agenda", "-C", str(gated.root), "--allow-code"]
    assert run([*words, "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in said["questions"]] == ["RS-cheap", "RS-dear", "RS-old"]
    assert run(words) == 0
    assert "Not measured, so as large as they were: RK-leak" in capsys.readouterr().out


def test_a_share_above_one_and_an_unknown_risk_are_refused(gated, capsys):
    (gated.root / "agenda.yaml").write_text(
        "agenda: [{id: RS-x, title: X, risks: [RK-no], reduces: 2, cost_days: 0}]\n"
    )
    assert run(["check", "-C", str(gated.root), "--allow-code"]) == 2
    said = capsys.readouterr()
    text = said.out + said.err
    assert "reduces" in text and "cost_days" in text
