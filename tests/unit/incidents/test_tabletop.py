"""Exercises: ours can be played, decisions are timed and scored, and nothing of the workspace itself is touched."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.gateway.config import state_of
from shipworthy.incidents.runbook import runbook_files
from shipworthy.incidents.scenario import read_scenario, scenario_files
from shipworthy.incidents.severity import recommend
from shipworthy.incidents.tabletop import GivenAnswer, ScenarioClock, answers_of, run_tabletop, tabletop_report
from shipworthy.store.incidents import add_drill, add_tabletop, drilled_days, read_drills, read_tabletops
from shipworthy.workspace.dated import dated

OURS = sorted(scenario_files())


def best(question) -> GivenAnswer:
    return GivenAnswer(max(question.options, key=lambda one: one.points).id, 1.0)


def test_there_are_six():
    assert len(OURS) == 6


@pytest.mark.parametrize("id", OURS)
def test_ours_names_a_runbook_and_its_best_severity_is_the_recommended_one(id):
    scenario = read_scenario(id)
    assert scenario.runbook in runbook_files()
    for inject in scenario.injects:
        if inject.ask is not None and inject.ask.id == "severity":
            assert best(inject.ask).option == recommend(scenario.severity_factors).severity.lower()
            return
    raise AssertionError("it never asks how bad it is")


def test_an_exercise_is_played_in_a_copy_and_its_lever_counts_as_drilled(workspace, layout, audit, root, monkeypatch):
    # Whatever the workspace's control state is, the copy has its own.
    monkeypatch.setenv("SHIPWORTHY_CONTROL_URL", "postgresql://nobody@127.0.0.1:1/none")
    scenario, told = read_scenario("pii-leak"), []
    held = run_tabletop(
        workspace, scenario, "kim", best, clock=ScenarioClock(0), tell=lambda minute, text: told.append((minute, text))
    )
    monkeypatch.delenv("SHIPWORTHY_CONTROL_URL")
    assert [round(minute) for minute, _ in told] == [0, 6, 12, 20, 30, 45, 90]
    assert (held.record.points, held.record.most) == (scenario.most, 14)
    done = {one.question: one.done for one in held.decisions}
    assert done["evidence"].startswith("kept sha256:")
    assert "the clock gdpr33-authority runs until" in done["clock"]
    assert "recommended S1" in done["severity"]
    (drill,) = held.drills
    assert (drill.lever, drill.worked, drill.within) == ("LV-strict", True, held.record.id)
    # Nothing was pulled, kept or entered in the workspace itself.
    assert not state_of(root / "gateway/gateway.yaml")[0].exists()
    assert not (root / ".shipworthy").exists() or not (root / ".shipworthy/incidents").exists()
    add_tabletop(audit, held.record)
    add_drill(audit, drill)
    assert read_tabletops(audit, "SYS-fen") == [held.record]
    assert read_drills(audit, "SYS-fen") == [drill]
    report = tabletop_report(scenario, held)
    assert "14 of 14 points" in report and "LV-strict: in force after" in report


def test_a_recorded_drill_silences_the_warning_of_check(workspace, layout):
    from datetime import UTC, datetime

    from shipworthy.store.audit import AuditLog

    held = run_tabletop(workspace, read_scenario("guard-down"), "kim", best, clock=ScenarioClock(0))
    today = datetime.now(UTC).date()
    before = [w.message for w in dated(workspace.graph, today).warnings]
    with AuditLog(layout.control_url) as log:
        add_drill(log, held.drills[0])
    after = [w.message for w in dated(workspace.graph, today, drilled_days(layout, "SYS-fen")).warnings]
    assert any("LV-strict was never drilled" in one for one in before)
    assert not any("LV-strict" in one for one in after)
    assert any("LV-off was never drilled" in one for one in after)


def test_late_answers_are_worth_half_and_wrong_ones_nothing(workspace):
    scenario = read_scenario("pii-leak")

    def late(question) -> GivenAnswer:
        right = best(question)
        if question.id == "severity":
            return right._replace(after=question.within + 1.0)
        return GivenAnswer("act", 0.0) if question.id == "evidence" else right

    held = run_tabletop(workspace, scenario, "kim", late, clock=ScenarioClock(0))
    points = {one.question: (one.points, one.late) for one in held.decisions}
    assert points["severity"] == (1, True)
    assert points["evidence"] == (0, False)
    assert held.record.points == 14 - 1 - 2


def test_a_clock_runs_as_fast_as_it_is_told():
    clock = ScenarioClock(6_000)
    clock.wait(5)
    assert clock.minutes >= 5
    still = ScenarioClock(0)
    still.wait(30)
    assert still.minutes == 30
    with pytest.raises(UsageError, match="speed"):
        ScenarioClock(-1)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"severity": "s9"},
        {"severity": {"choose": "s1", "after": -1}},
        {"severity": {"choose": "s1", "after": True}},
    ],
)
def test_answers_that_are_none_are_refused(value):
    with pytest.raises(UsageError):
        answers_of(value, read_scenario("pii-leak"))


def test_a_gateway_with_its_state_elsewhere_is_not_played_with(workspace, root, tmp_path):
    file = root / "gateway/gateway.yaml"
    file.write_text(file.read_text() + f"state: {tmp_path / 'real'}\n")
    with pytest.raises(UsageError, match="would pull its real levers"):
        run_tabletop(workspace, read_scenario("pii-leak"), "kim", best, clock=ScenarioClock(0))


def test_links_out_of_the_workspace_and_in_circles_are_not_copied(workspace, root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/large").write_text("not ours")
    for name, to in {"gone": "/nonexistent", "circle": "..", "out": str(tmp_path / "elsewhere/large")}.items():
        (root / name).symlink_to(to)
    held = run_tabletop(workspace, read_scenario("pii-leak"), "kim", best, clock=ScenarioClock(0))
    assert held.drills
