"""A baseline is named or pinned, is another subject than the candidate, and stays what it was."""

from __future__ import annotations

import html

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evals.results import Run
from shipworthy.evals.subject import declaration
from shipworthy.release.baseline import ChosenBaseline, choose_baseline, pin, pinned_baseline
from shipworthy.release.decide import decide
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_decision
from shipworthy.workspace.use import Use


def drop(decision):  # type: ignore[no-untyped-def]
    return next(c for c in decision.criteria if c.id == "CR-drop")


def described(**changes: str) -> dict[str, object]:
    """Return the subject of a run on another target."""
    other = declaration(Use.of("openai_compatible", base_url="http://localhost:1/v1", model="older"), guards="none")
    return {"target": {"target": "older_desk"}, "declared": other, **changes}


def test_a_margin_without_a_baseline_is_refused_with_the_commands_that_help(gated) -> None:  # type: ignore[no-untyped-def]
    gated.run()
    with pytest.raises(UsageError, match=r"CR-drop \(drop_upper95 <= 0.10\) compares with a baseline") as caught:
        choose_baseline(gated.workspace, Layout(gated.root))
    # the command line puts `-C` into what an error says (`cli._again`), so the library doesn't
    assert "`shipworthy baseline set RUN`" in str(caught.value)
    assert "`shipworthy gate --baseline RUN`" in str(caught.value)
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak]}\n")
    assert choose_baseline(gated.workspace, Layout(gated.root)) == ChosenBaseline()


def test_the_one_that_was_pinned_last_counts_until_one_is_named(gated) -> None:  # type: ignore[no-untyped-def]
    layout, runs = Layout(gated.root), [gated.run(subject_digest=f"sha256:{n}") for n in range(3)]
    assert pinned_baseline(layout, "SYS-desk") is None
    pin(gated.workspace, layout, runs[0])
    pin(gated.workspace, layout, runs[1], why="released on Monday")
    pin(gated.workspace, layout, runs[1], why="said twice, kept once")
    found = pinned_baseline(layout, "SYS-desk")
    assert found is not None
    assert (found.run, found.subject, found.why) == (runs[1].id, "sha256:1", "released on Monday")
    assert choose_baseline(gated.workspace, layout) == ChosenBaseline((runs[1].id,), "pinned")
    assert choose_baseline(gated.workspace, layout, [runs[2].id]) == ChosenBaseline((runs[2].id,), "named")
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        assert [e.body["run"] for e in audit.of_kinds("baseline.set")] == [runs[0].id, runs[1].id]


def test_a_run_that_is_not_finished_or_of_another_system_is_not_pinned(gated) -> None:  # type: ignore[no-untyped-def]
    layout = Layout(gated.root)
    with pytest.raises(UsageError, match="is not finished"):
        pin(gated.workspace, layout, gated.run(made=10))
    with pytest.raises(UsageError, match="SYS-other"):
        pin(gated.workspace, layout, gated.run(system="SYS-other"))


def test_a_pinned_run_that_was_taken_away_or_changed_is_said(gated) -> None:  # type: ignore[no-untyped-def]
    layout, run = Layout(gated.root), gated.run(subject_digest="sha256:released")
    pin(gated.workspace, layout, run)
    manifest = run.directory / "manifest.json"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole.replace(b"sha256:released", b"sha256:weakened"))
    with pytest.raises(IntegrityError, match="not the one that was pinned"):
        pinned_baseline(layout, "SYS-desk")
    manifest.unlink()
    with pytest.raises(UsageError, match="put it back"):
        pinned_baseline(layout, "SYS-desk")


def test_evaluating_an_unchanged_candidate_twice_changes_no_verdict(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    """It used to: the second run of a bare candidate was compared with the first one, and a fall became a ship."""
    gated.edit("requirements.yaml", "must: lower95 >= 0.70", "must: lower95 >= 0.20")
    released = gated.run(subject_digest="sha256:released")
    pin(gated.workspace, Layout(gated.root), released)

    def worse(item):  # type: ignore[no-untyped-def]
        return item.suite == "help" and int(item.sample.id[-2:]) % 3 > 0

    verdicts = []
    for _ in range(2):
        run = gated.run(worse)
        assert shipworthy(["gate", "-C", str(gated.root), "--allow-code", run.id]) == 1
        decision = Layout(gated.root).load_decision()
        verdicts.append((decision.verdict, decision.reason, decision.baseline_runs, drop(decision).rate))
    assert verdicts[0] == verdicts[1] == ("no-ship", "1 of 3 criteria failed: CR-drop", (released.id,), pytest.approx(-1 / 3))  # fmt: skip  # noqa: E501
    assert "compared with" in capsys.readouterr().out


def test_the_candidates_own_subject_is_no_baseline(gated) -> None:  # type: ignore[no-untyped-def]
    first, second = gated.run(), gated.run()
    with pytest.raises(UsageError, match="the very subject to decide on"):
        decide(gated.workspace, second, first)
    guarded = gated.run(guards="on")
    decision = decide(gated.workspace, guarded, first)
    assert decision.baseline is not None
    assert decision.baseline.same_target
    assert (decision.subject.guards, decision.baseline.subject.guards) == ("on", "")  # type: ignore[union-attr]


def test_baselines_of_several_subjects_are_refused(gated) -> None:  # type: ignore[no-untyped-def]
    old: list[Run] = [gated.run(subject_digest=f"sha256:{n}") for n in range(2)]
    with pytest.raises(UsageError, match="measured different subjects"):
        decide(gated.workspace, gated.run(), old)


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_another_target_is_said_in_every_report_with_both_subjects(gated, capsys, form: str) -> None:  # type: ignore[no-untyped-def]
    older = gated.run(subject=described(), subject_digest="sha256:older")
    run = gated.run(guards="on")
    command = ["gate", "-C", str(gated.root), "--allow-code", run.id, "--baseline", older.id, "--format", form]
    assert shipworthy(command) == 0
    said = " ".join(html.unescape(capsys.readouterr().out).replace("\\", "").split())
    assert ('"same_target": false' if form == "json" else "ANOTHER TARGET than the one decided on") in said
    for subject in ("older_desk", "sha256:older", "sha256:on"):
        assert subject in said


def test_gate_yaml_names_a_decision_and_cannot_be_overruled(gated) -> None:  # type: ignore[no-untyped-def]
    layout = Layout(gated.root)
    other, bare = gated.run(subject_digest="sha256:other"), gated.run()
    decision = decide(gated.workspace, bare)
    layout.save_decision(decision)
    register_decision(layout, decision)
    (gated.root / "gate.yaml").write_text(f"gate: {{id: release, baseline: {{decision: {decision.id}}}}}\n")
    pin(gated.workspace, layout, other)
    assert choose_baseline(gated.workspace, layout) == ChosenBaseline((bare.id,), "gate", decision.id)
    assert choose_baseline(gated.workspace, layout, [bare.id]).how == "gate"
    with pytest.raises(UsageError, match=r"gate\.yaml names the baseline"):
        choose_baseline(gated.workspace, layout, [other.id])
    (gated.root / "gate.yaml").write_text(f"gate: {{id: release, baseline: {{decision: {decision.id[:-2]}}}}}\n")
    with pytest.raises(UsageError, match="write the decision's whole id"):
        choose_baseline(gated.workspace, layout)


def test_a_decision_that_was_edited_is_no_baseline(gated) -> None:  # type: ignore[no-untyped-def]
    layout, bare, better = Layout(gated.root), gated.run(), gated.run()
    decision = decide(gated.workspace, bare)
    path = layout.save_decision(decision)
    register_decision(layout, decision)
    path.write_text(path.read_text().replace(bare.id, better.id))
    (gated.root / "gate.yaml").write_text(f"gate: {{id: release, baseline: {{decision: {decision.id}}}}}\n")
    with pytest.raises(IntegrityError, match="not what the audit log recorded"):
        choose_baseline(gated.workspace, layout)
