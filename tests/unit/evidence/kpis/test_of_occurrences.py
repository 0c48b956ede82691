"""Numbers that are counted from what people and pipelines said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

TODAY = datetime.now(UTC)


def ago(days: float) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def test_a_regression_leads_from_the_first_change_to_the_gate(desk):
    assert desk.decided().verdict == "ship"
    desk.says("change.merged", "abc123", datetime.now(UTC).isoformat(timespec="seconds"), "git")
    no_ship = desk.decided(leaks=True)
    assert no_ship.verdict == "no-ship"
    found = desk.ask("detection-lead-time")
    assert found.hits == 1 and 0 <= found.value < 1
    assert found.records[0].id == no_ship.id and "merged abc123" in found.records[0].said


def test_a_regression_without_a_recorded_change_is_named(desk):
    desk.decided()
    desk.decided(leaks=True)
    found = desk.ask("2")
    assert found.value is None and found.left_out == {"without a recorded change": 1}


def test_a_release_is_gated_by_a_decision_on_what_went_out_before_it_did(desk):
    assert "no deployment of high risk" in desk.ask("11").why
    desk.says("deploy.ga", "v0", ago(1), tier="high", subject="sha256:bare")
    decision = desk.decided()
    later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    desk.says("deploy.ga", "v1", later, tier="high", decision=decision.id)
    desk.says("deploy.ga", "v2", later, tier="high", subject="sha256:bare")
    desk.says("deploy.ga", "v3", later, tier="high", subject="sha256:other")
    desk.says("deploy.ga", "v4", later, tier="high", decision=decision.id, subject="sha256:other")
    desk.says("deploy.ga", "v5", later, tier="high", decision="DEC-none")
    desk.says("deploy.ga", "v6", later, tier="high")
    desk.says("deploy.ga", "v7", later, tier="low")
    found = desk.ask("gating-adherence", now=datetime.now(UTC) + timedelta(minutes=1))
    assert {r.id: bool(r.value) for r in found.records} == {
        "v0": False, "v1": True, "v2": True, "v3": False, "v4": False, "v5": False, "v6": False,
    }  # fmt: skip
    assert (found.hits, found.of, found.low) == (2, 7, None)
    assert found.left_out == {"of lower risk": 1}


def test_what_was_seen_is_adopted_and_what_was_said_is_not(desk):
    desk.programme("  patterns: [{id: PT-guards, title: Guards, applies_to: [chat, search]}]\n")
    desk.says("pattern.seen", "PT-guards", ago(2), where="chat")
    desk.says("pattern.seen", "PT-guards", ago(2), where="mail")
    found = desk.ask("mitigation-adoption")
    assert (found.hits, found.of) == (1, 2)
    assert [(r.id, r.said[:8]) for r in found.records] == [
        ("chat x PT-guards", "seen by "),
        ("search x PT-guards", "not seen"),
    ]


def test_of_each_person_the_last_answer_counts(desk):
    desk.says("survey.sent", "SV-1", ago(9), invited="5")
    for when, who, score in ((8, "p1", "1"), (7, "p1", "5"), (6, "p2", "4"), (6, "p3", "3")):
        desk.says("survey.answered", "SV-1", ago(when), who=who, score=score)
    desk.says("survey.answered", "SV-other", ago(6), who="p9", score="1")
    found = desk.ask("stakeholder-satisfaction")
    assert (found.value, found.of, found.left_out) == (4.0, 3, {"asked, did not answer": 2})
    assert 1 <= found.low < 4 < found.high <= 5
    assert (found.parts[0].hits, found.parts[0].of) == (3, 5)


def test_an_idea_that_waits_counts_as_waiting(desk):
    for number in range(4):
        desk.says("memo.accepted", f"ME-{number}", ago(40 - number))
    desk.says("mitigation.enforced", "CT-1", ago(30), memo="ME-0")
    found = desk.ask("research-to-production")
    assert (found.hits, found.of, found.value) == (1, 4, None)
    assert found.why == "fewer than half have happened yet"
    for number in (1, 2):
        desk.says("mitigation.enforced", f"CT-{number + 1}", ago(20), memo=f"ME-{number}")
    found = desk.ask("research-to-production")
    assert found.value == pytest.approx(18, abs=0.01)


def test_reviews_without_a_correction_and_trainings_beside_them(desk):
    for number, corrected in enumerate(("no", "no", "yes")):
        desk.says("review.done", f"RV-{number}", ago(3), by="team-a", corrected=corrected)
    for when, passed in ((5, "no"), (4, "yes")):
        desk.says("training.done", "gate-a-feature", ago(when), who="p1", passed=passed)
    found = desk.ask("capability-uplift")
    assert (found.hits, found.of) == (2, 3)
    assert (found.parts[0].hits, found.parts[0].of) == (1, 1), "the last try counts"
