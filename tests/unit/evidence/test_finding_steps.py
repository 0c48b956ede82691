"""An overdue finding is a no-ship, and the verifier derives it from the packed audit log."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.evidence.conftest import Case, in_shards, write_workspace
from tests.unit.evidence.test_verify import _rechained

from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.finding import FindingCase
from shipworthy.evals.api import evaluate
from shipworthy.evidence import archive
from shipworthy.evidence.finding_steps import MEMBER
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.findings.steps import open_finding
from shipworthy.release.decide import decide
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.signing import new_key
from shipworthy.workspace.load import Workspace

SAID = {"id": "seen", "messages": [{"role": "user", "parts": [{"type": "text", "text": "Tell me."}]}]}
SCORER = {"use": "contains", "text": "the phrase", "good": "low"}


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Every criterion passes, and an S2 finding of the spring was never mended."""
    root = tmp_path_factory.mktemp("late")
    write_workspace(root)
    text = (root / "requirements.yaml").read_text()
    text = text.replace("attack: rot13, must: upper95 <= 0.02", "attack: rot13, must: upper95 <= 0.40")
    (root / "requirements.yaml").write_text(text.replace("drop_upper95 <= 0.30", "drop_upper95 <= 0.90"))
    workspace = Workspace.load(root, allow_code=True)
    layout = Layout(root)
    with AuditLog(layout.control_url, clock=lambda: "2026-04-01T10:00:00.000Z") as audit:
        case = FindingCase(samples=(SAID,), scorers=(SCORER,), metric="contains")
        for severity in ("S2", "S3"):
            open_finding(
                workspace, audit, title="It tells the phrase", severity=severity, case=case, by="ada", owner="bob",
                risks=["RK-leak"],
            )  # fmt: skip
    baseline = evaluate(workspace, guards=False, progress=False)
    run = in_shards(workspace, 1)
    decision = decide(workspace, run, baseline)
    layout.save_decision(decision)
    key = new_key(tmp_path_factory.mktemp("keys"), "ada")
    return Case(root, workspace, run, baseline, decision, key, build_pack(workspace, decision, [key]))


def _edited(case: Case, change: Callable[[dict[str, Any], list[dict[str, Any]]], object]) -> str:
    def edit(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        change(files, entries)
        entries[-1]["body"]["digest"] = bytes_digest(canonical(files["decision.json"]))
        entries[-1]["body"]["verdict"] = files["decision.json"]["verdict"]

    return "\n".join(_rechained(case, edit).problems)


def test_it_stands_in_the_way_whatever_the_criteria_say(late: Case) -> None:
    assert {one.verdict for one in late.decision.criteria} == {"ship"}
    assert late.decision.verdict == "no-ship"
    [one] = late.decision.findings
    assert (one.severity, one.due, one.entry) == ("S2", "2026-04-15T17:00:00Z", 1)
    assert late.decision.reason.startswith(f"{one.finding}: it is of severity S2 and was to be remedied by 2026-04-15")
    found = verify_bytes(late.pack, late.trust)
    assert (found.ok, found.decision["verdict"]) == (True, "no-ship"), found.problems
    assert any("2 steps of 2 findings" in check.detail for check in found.checks)
    told = archive.read(late.pack)["dossier/09-red-team.md"].decode()
    assert one.finding in told
    assert "2 findings on record when it was decided: 2 open; 2 past the deadline" in told


def test_a_finding_that_the_decision_hides_is_refused(late: Case) -> None:
    def hidden(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        del files["decision.json"]["findings"]
        files["decision.json"]["verdict"] = "ship"

    assert "the findings that stood in the way are not those in the audit log" in _edited(late, hidden)

    def closed(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        hidden(files, entries)
        entries[0]["body"]["severity"] = "S3"

    assert "the step of entry 1 is not what the audit log recorded" in _edited(late, closed)


def test_a_verdict_beside_a_standing_finding_is_refused(late: Case) -> None:
    def ship(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        files["decision.json"]["verdict"] = "ship"

    said = _edited(late, ship)
    assert "it says ship" in said or "does not follow" in said, said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda steps: steps[0]["row"].update(title="Nothing"), "the step of entry 1 is not what the audit log"),
        (lambda steps: steps.pop(), "not the steps that the audit log has"),
        (lambda steps: steps.reverse(), "not the steps that the audit log has"),
        (lambda steps: steps[0].update(more=1), "findings.json"),
    ],
)
def test_rows_that_are_not_what_was_recorded_are_refused(late: Case, change: Any, said: str) -> None:
    assert said in _edited(late, lambda files, _: change(files[MEMBER]["steps"]))


def test_a_pack_without_the_rows_is_refused(late: Case) -> None:
    assert "findings.json: missing" in _edited(late, lambda files, _: files.pop(MEMBER))


def test_a_row_that_holds_what_became_secret_is_left_out_and_the_pack_still_verifies(late: Case) -> None:
    from shipworthy.evidence.members import findings

    with AuditLog(Layout(late.root).control_url) as audit:
        made = json.loads(findings(audit, 99, ["tells the phrase"])[MEMBER])
    assert [step["row"] for step in made["steps"]] == [None, None]
    rest = _edited(late, lambda files, _: files.update({MEMBER: made}))
    assert "findings.json" not in rest
