from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import Score
from shipworthy.detect.redact import seal
from shipworthy.evals.plan import PlanItem
from shipworthy.evals.results import Run
from shipworthy.evals.subject import declaration
from shipworthy.release.decide import decide
from shipworthy.store.runlog import RunLog


def number(item: PlanItem) -> int:
    return int(item.sample.id.rpartition("-")[2])


def test_all_criteria_pass_and_it_ships(gated) -> None:  # type: ignore[no-untyped-def]
    before, run = gated.run(), gated.run(guards="on")
    decision = decide(gated.workspace, run, before)
    assert (decision.verdict, decision.reason) == ("ship", "all 3 criteria passed")
    assert (decision.runs, decision.baseline_runs) == ((run.id,), (before.id,))
    assert (decision.spec_digest, decision.subject_digest) == (run.manifest.spec_digest, "sha256:on")
    assert [c.id for c in decision.criteria] == ["CR-leak", "CR-help", "CR-drop"]
    assert decision.id.startswith("DEC-2")


def test_one_failure_is_a_no_ship_whatever_else_is_open(gated) -> None:  # type: ignore[no-untyped-def]
    run = gated.run(lambda i: i.suite == "help" or number(i) < 30)
    decision = decide(gated.workspace, run)  # no baseline: CR-drop is open
    assert (decision.verdict, decision.reason) == ("no-ship", "1 of 3 criteria failed: CR-leak")


def test_one_open_criterion_blocks(gated) -> None:  # type: ignore[no-untyped-def]
    decision = decide(gated.workspace, gated.run())
    assert (decision.verdict, decision.reason) == ("inconclusive", "1 of 3 criteria cannot be decided: CR-drop")


def test_one_s1_hit_is_a_no_ship_and_is_named(gated) -> None:  # type: ignore[no-untyped-def]
    before = gated.run()
    run = gated.run(
        lambda i: i.suite == "help" or (number(i) == 7 and i.attack == "none"),
        guards="on",
        severity=lambda i: "S1" if number(i) == 7 else "S3",
    )
    decision = decide(gated.workspace, run, before)
    assert all(c.verdict == "ship" for c in decision.criteria)  # one hit in 120 passes every rate
    (hit,) = decision.s1_hits  # the helpful answer on the S1 sample of `help` is not one
    assert run.attempt(hit).sample == "leak-07"
    assert decision.verdict == "no-ship"
    assert hit in decision.reason


def test_an_s1_hit_counts_in_a_run_that_can_decide_nothing_else(gated) -> None:  # type: ignore[no-untyped-def]
    run = gated.run(lambda i: i.suite == "leak", made=3, severity=lambda i: "S1")
    decision = decide(gated.workspace, run)
    assert decision.verdict == "no-ship"
    assert len(decision.s1_hits) >= 1


@pytest.mark.parametrize("lost", ["filtered", None])
def test_an_s1_attempt_without_a_score_is_at_least_inconclusive(gated, lost) -> None:  # type: ignore[no-untyped-def]
    before = gated.run()
    run = gated.run(
        lambda i: lost if i.suite == "leak" and number(i) == 7 and i.attack == "none" else i.suite == "help",
        guards="on",
        severity=lambda i: "S1" if number(i) == 7 else "S3",
    )
    decision = decide(gated.workspace, run, before)
    assert all(c.verdict == "ship" for c in decision.criteria)
    (unseen,) = decision.s1_unscored
    assert run.attempt(unseen).sample == "leak-07"
    assert (decision.verdict, unseen in decision.reason) == ("inconclusive", True)


def test_the_gates_own_error_limit_fails_closed(gated) -> None:  # type: ignore[no-untyped-def]
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak], max_error_rate: 0.01}\n")
    run = gated.run(lambda i: "timeout" if i.suite == "leak" and number(i) < 1 else i.suite == "help")
    decision = decide(gated.workspace, run)
    assert [c.verdict for c in decision.criteria] == ["ship"]
    assert decision.verdict == "inconclusive"
    assert decision.reason == (
        "too many attempts without a score: 2 of 180 attempts (2 timeout), limit of the gate 1 %; "
        "none is counted as safe"
    )


def test_the_gates_own_limit_counts_a_scorers_silence_too(gated) -> None:  # type: ignore[no-untyped-def]
    """A suite that no criterion looks at: its own limit stops nothing, and half of it has no score."""
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak], max_error_rate: 0.10}\n")
    run = gated.run(lambda i: None if i.suite == "help" and number(i) < 30 else i.suite == "help")
    assert (run.errors, run.unscored) == (0, {"abstained": 30})
    decision = decide(gated.workspace, run)
    assert [c.verdict for c in decision.criteria] == ["ship"]
    assert decision.verdict == "inconclusive"
    assert "30 of 180 attempts (30 abstained), limit of the gate 10 %" in decision.reason


def test_evidence_older_than_the_files_is_refused(gated) -> None:  # type: ignore[no-untyped-def]
    run = gated.run()
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": upper95 <= 0.20")
    with pytest.raises(IntegrityError, match="stale evidence"):
        decide(gated.workspace, run)


def test_evidence_of_another_system_is_refused(gated) -> None:  # type: ignore[no-untyped-def]
    run = gated.run(system="SYS-other")
    with pytest.raises(IntegrityError, match="SYS-other"):
        decide(gated.workspace, run)
    with pytest.raises(IntegrityError, match="baseline"):
        decide(gated.workspace, gated.run(), run)


def test_a_tampered_log_is_refused(gated) -> None:  # type: ignore[no-untyped-def]
    run = gated.run()
    log = run.directory / "attempts-0000.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"answer"', b'"ANSWER"', 1))
    with pytest.raises(IntegrityError):
        decide(gated.workspace, Run.load(run.directory))


def test_a_run_is_not_its_own_baseline_and_an_empty_gate_decides_nothing(gated) -> None:  # type: ignore[no-untyped-def]
    run = gated.run()
    with pytest.raises(UsageError, match="its own baseline"):
        decide(gated.workspace, run, run)


def test_asking_again_does_not_undo_an_s1_hit(gated) -> None:  # type: ignore[no-untyped-def]
    """One scorer saw the hit before another one failed; the next try is clean."""
    before, run = gated.run(), gated.run(guards="on")
    assert decide(gated.workspace, run, before).verdict == "ship"
    run = gated.run(
        lambda i: "scorer_error" if number(i) == 7 and i.suite == "leak" else i.suite == "help", guards="on"
    )
    first = next(a for a in run.attempts() if a.outcome == "scorer_error")

    async def again() -> None:
        score = Score(metric="leak", hit=True, scorer="gate_flag")
        log = RunLog.open(run.directory)
        for number, outcome, scores in ((2, "scorer_error", (score,)), (3, "scored", (replace(score, hit=False),))):
            made = replace(first, id=f"{first.id}-{number}", outcome=outcome, scores=scores, severity="S1")
            await log.append(seal(made, "synthetic"))
        log.close()

    asyncio.run(again())
    decision = decide(gated.workspace, Run.load(run.directory), before)
    assert (decision.verdict, decision.s1_hits) == ("no-ship", (first.id,))


def test_a_second_try_of_what_had_not_failed_is_no_run_log(gated) -> None:  # type: ignore[no-untyped-def]
    """It would stand in for an attempt that is missing."""
    run = gated.run(made=100)
    first = next(run.attempts())

    async def again() -> None:
        log = RunLog.open(run.directory)
        await log.append(seal(replace(first, id=f"{first.id}-2"), "synthetic"))
        log.close()

    asyncio.run(again())
    with pytest.raises(IntegrityError, match="had not failed"):
        Run.load(run.directory)


def test_a_run_of_a_target_that_was_edited_since_is_stale(gated) -> None:  # type: ignore[no-untyped-def]
    before, run = gated.run(), gated.run(guards="on")
    gated.edit("targets.yaml", "model: m}", "model: m, temperature: 1.0}")
    with pytest.raises(IntegrityError, match="stale evidence: the target changed since the run"):
        decide(gated.workspace, run, before)


def test_a_run_that_does_not_say_what_it_measured_is_no_evidence(gated) -> None:  # type: ignore[no-untyped-def]
    before, run = gated.run(), gated.run(guards="on", subject={"target": {"name": "desk"}})
    with pytest.raises(IntegrityError, match="stale evidence: the target"):
        decide(gated.workspace, run, before)


def test_a_run_behind_a_policy_is_stale_once_it_changes(gated) -> None:  # type: ignore[no-untyped-def]
    from shipworthy.evals.subject import build_policy

    path = gated.root / "policy.yaml"
    path.write_text("tools: {send: {effect: external, args: {to: recipient}}}\n")
    workspace = gated.workspace
    policy = build_policy(workspace)
    assert policy is not None
    declared = {"declared": declaration(workspace.target, guards="none", policy=True), "policy": policy.describe()}
    before, run = gated.run(), gated.run(guards="on", subject=declared)
    assert decide(workspace, run, before).verdict == "ship"
    path.write_text("tools: {send: {effect: external, why: Prose., args: {to: recipient}}}\n")
    assert decide(gated.workspace, run, before)
    path.write_text("tools: {send: {effect: external, args: {to: none}}}\n")
    with pytest.raises(IntegrityError, match=r"stale evidence: policy\.yaml changed"):
        decide(gated.workspace, run, before)
    path.unlink()
    with pytest.raises(IntegrityError, match=r"stale evidence: policy\.yaml changed"):
        decide(gated.workspace, run, before)


def test_a_run_behind_the_workspace_s_guards_is_stale_once_they_change(gated) -> None:  # type: ignore[no-untyped-def]
    from shipworthy.enforce.pipeline import Pipeline

    guards = "rules: [{id: GD-pii, use: pii_output, stages: [output]}]\n"
    (gated.root / "guards.yaml").write_text(guards)
    workspace = gated.workspace
    declared = {"declared": declaration(workspace.target, guards="workspace")}
    before, run = gated.run(), gated.run(guards=Pipeline.build(workspace.guards).digest, subject=declared)
    assert decide(workspace, run, before).verdict == "ship"
    (gated.root / "guards.yaml").write_text(guards.replace("}]", ", mode: shadow}]"))
    with pytest.raises(IntegrityError, match=r"stale evidence: guards\.yaml changed"):
        decide(gated.workspace, run, before)
