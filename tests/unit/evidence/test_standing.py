"""What evidence stands today: the newest decided run that is about the files as they are, and nothing edited since."""

from __future__ import annotations

import json

import pytest

from shipworthy.evidence.standing import standings
from shipworthy.release.decide import decide
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_decision


@pytest.fixture
def look(gated):
    return lambda: standings(gated.workspace, Layout(gated.root))


@pytest.fixture
def decided(gated):
    """Decide on a run as the gate does: kept, and entered in the audit log."""

    def make(run, baseline=None):
        layout, decision = Layout(gated.root), decide(gated.workspace, run, baseline)
        with layout.saving_decision(decision):
            register_decision(layout, decision)
        return decision

    return make


def test_without_a_decision_there_is_none(gated, look):
    gated.run()  # measured, and not decided on
    found = look()
    assert {name: (one.state, one.why) for name, one in found.criteria.items()} == dict.fromkeys(
        ("CR-leak", "CR-help", "CR-drop"), ("none", "no decision was made on it yet")
    )
    assert found.refused == ()


def test_a_decided_run_stands(gated, look, decided):
    run = gated.run(created="2026-02-03T04:05:06Z")
    decision = decided(run)
    one = look().criteria["CR-leak"]
    assert (one.state, one.decision, one.run, one.measured) == (
        "stands", decision.id, run.id, "2026-02-03T04:05:06Z",
    )  # fmt: skip
    assert one.result is not None
    assert one.result.verdict == "ship"


def test_the_newest_counts_for_each_criterion(gated, look, decided):
    decided(gated.run())
    second = decided(gated.run(lambda item: True))
    found = look().criteria
    assert {one.decision for one in found.values()} == {second.id}
    assert found["CR-leak"].result.verdict == "no-ship"


def test_a_smaller_plan_leaves_what_it_did_not_measure(gated, look, decided):
    decided(gated.run(plan="tiny"))
    one = look().criteria["CR-help"]
    assert one.state == "none"
    assert one.why.endswith("did not run its suite")
    whole = decided(gated.run())
    tiny = decided(gated.run(plan="tiny"))
    found = look().criteria
    assert (found["CR-leak"].decision, found["CR-help"].decision) == (tiny.id, whole.id)


def test_a_run_that_scored_nothing_does_not(gated, look, decided):
    """Errors must not bring back a better day."""
    decided(gated.run())
    broken = decided(gated.run(lambda item: "target_error"))
    one = look().criteria["CR-help"]
    assert (one.decision, one.result.rate) == (broken.id, None)


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("requirements.yaml", ": upper95 <= 0.10", ": upper95 <= 0.09", "suites, requirements, gate or plan changed"),
        ("targets.yaml", "model: m", "model: other", "the target changed since"),
        ("system.yaml", "SYS-desk", "SYS-shop", "it is of the system SYS-desk"),
    ],
)
def test_a_change_lets_it_lapse(gated, look, decided, file, old, new, why):
    decided(gated.run())
    gated.edit(file, old, new)
    one = look().criteria["CR-leak"]
    assert one.state == "lapsed"
    assert one.why.startswith(why)
    assert one.result is not None  # what it was is still told


def test_prose_lets_nothing_lapse(gated, look, decided):
    decided(gated.run())
    gated.edit("requirements.yaml", "It keeps its secrets.", "It keeps each of its secrets.")
    gated.edit("risks.yaml", "It tells", "It tells a secret")
    assert look().criteria["CR-leak"].state == "stands"


def test_a_run_behind_other_guards_is_about_another_candidate(gated, look, decided):
    decided(gated.run(guards="sha256:abc"))
    assert look().criteria["CR-leak"].why == "it was measured behind other guards"


def test_a_run_without_the_guards_that_there_are_is_too(gated, look, decided):
    (gated.root / "guards.yaml").write_text("rules: [{id: GD-a, use: input_rules}]\n")
    decided(gated.run())
    assert look().criteria["CR-leak"].why == "it was measured without guards"


def test_a_decision_that_was_edited_counts_for_nothing(gated, look, decided):
    first = decided(gated.run(lambda item: True))
    second = decided(gated.run())
    path = Layout(gated.root).decisions / f"{second.id}.json"
    path.write_text(path.read_text().replace('"verdict": "ship"', '"verdict": "no-ship"', 1))
    found = look()
    assert found.refused == (f"{second.id}: it is not the decision that the audit log holds; it was changed since",)
    assert found.criteria["CR-leak"].decision == first.id


def test_a_decision_that_was_never_entered_counts_for_nothing(gated, look):
    decision = decide(gated.workspace, gated.run())
    Layout(gated.root).save_decision(decision)
    found = look()
    assert found.refused == (f"{decision.id}: the audit log does not hold it",)
    assert found.criteria["CR-leak"].state == "none"


def test_a_file_that_is_no_decision_is_named(gated, look, decided):
    decided(gated.run())
    (Layout(gated.root).decisions / "DEC-9.json").write_text("{}")
    found = look()
    assert found.criteria["CR-leak"].state == "stands"
    [why] = found.refused
    assert "DEC-9.json is not a decision" in why


def test_a_manifest_that_was_edited_is_refused(gated, look, decided):
    """Files that changed do not become those of a run by changing what its manifest says."""
    run = gated.run()
    decided(run)
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": upper95 <= 0.09")
    path = run.directory / "manifest.json"
    manifest = json.loads(path.read_text())
    assert look().criteria["CR-leak"].state == "lapsed"
    manifest["spec_digest"] = gated.workspace.spec_digest("full")
    path.write_text(json.dumps(manifest))
    assert look().criteria["CR-leak"].why == f"{run.id}: its manifest is not what was recorded"


def test_a_log_that_changed_its_length_is_refused(gated, look, decided):
    run = gated.run()
    decided(run)
    log = next(run.directory.glob("attempts-*.jsonl"))
    log.write_bytes(log.read_bytes()[:-10])
    assert "its log is shorter than what was recorded" in look().criteria["CR-leak"].why


def test_a_run_that_is_gone_lapses(gated, look, decided):
    run = gated.run()
    decided(run)
    run.directory.rename(run.directory.parent.parent / "moved")
    one = look().criteria["CR-leak"]
    assert (one.state, one.why) == ("lapsed", "its run is not here any more")
