"""Building packs: deterministic, redacted, and only from what is as it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.detect.redact import seal
from shipworthy.evals.api import evaluate
from shipworthy.evidence import archive
from shipworthy.evidence.pack import build_pack, write_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.store import runlog
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust
from shipworthy.workspace.load import Workspace

SECRET, NAME = "PINE-harbor-4471", "Quill Ostrander"


def test_the_same_input_gives_the_same_bytes(case: Any) -> None:
    with AuditLog(Layout(case.root).control_url) as audit:
        audit.append("something.else", {"after": "the decision"})
    again = build_pack(Workspace.load(case.root, allow_code=True), case.decision, [case.key])
    assert sha256(again).hexdigest() == sha256(case.pack).hexdigest()


def test_no_secret_and_no_personal_data_is_anywhere_in_the_pack(case: Any) -> None:
    log = (case.baseline.directory / runlog.ATTEMPTS).read_bytes()
    assert SECRET.encode() in log  # the run log keeps synthetic text whole: there is something to redact
    assert b"r.q@example.org" in log
    for name, data in archive.read(case.pack).items():
        for secret in (SECRET, NAME, "q@example.org"):
            assert secret.encode() not in data, f"{secret} in {name}"
            assert secret.lower().encode() not in data.lower(), f"{secret} in {name}"
    assert SECRET.encode() not in case.pack


def test_a_finished_run_is_in_the_audit_log_before_anything_is_decided_on_it(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    run = evaluate(case.workspace, progress=False)
    with AuditLog(Layout(case.root).control_url) as audit:
        last = list(audit.entries())[-1]
        assert audit.verify().entries == 4
    assert (last.kind, last.body["run"], last.body["head"]) == ("run.finished", run.id, runlog.head(run.directory))


def test_everything_an_auditor_needs_is_there(case: Any) -> None:
    members = archive.read(case.pack)
    for name in (
        "VERIFY.md", "decision.json", "criteria.json", "specs/full.json", "trace.json", "report.html",
        "audit-log.jsonl", "manifest.json", "attestations/decision.dsse.json", "suites/leaks/card.md", "suites/leaks/suite.json",
        "workspace/system.yaml", "workspace/index.json",
    ):  # fmt: skip
        assert members[name]
    for run in (case.run, case.baseline):
        for name in ("manifest.json", "subject.json", "attempts.jsonl", "seal.json"):
            assert members[f"runs/{run.id}/{name}"]
    report = members["report.html"].decode()
    for text in ("NO-SHIP", "CR-leak-odd", "RK-bare", "rhymes with whine", "Worst samples", "no requirement mitigates"):
        assert text.lower() in report.lower(), text


def test_the_pack_names_the_original_logs_head_and_root(case: Any) -> None:
    members = archive.read(case.pack)
    for run in (case.run, case.baseline):
        seal_ = json.loads(members[f"runs/{run.id}/seal.json"])
        assert seal_["original"] == {"head": runlog.head(run.directory), "merkle": runlog.merkle(run.directory)}
        assert seal_["pack"]["head"] != seal_["original"]["head"]


def test_the_trace_leads_from_risk_to_record_and_names_the_gaps(case: Any) -> None:
    trace = json.loads(archive.read(case.pack)["trace.json"])
    leak = next(risk for risk in trace["risks"] if risk["id"] == "RK-leak")
    requirement = leak["requirements"][0]
    assert (requirement["id"], requirement["guards"]) == ("RQ-leak", ["GD-canary"])
    criterion = requirement["criteria"][1]
    assert (criterion["id"], criterion["suite"], criterion["verdict"]) == ("CR-leak-odd", "leaks@1.2", "no-ship")
    assert len(trace["records"][criterion["run"]]["leaks"]) == 80
    assert trace["gaps"]["risks_without_requirement"] == ["RK-bare"]


def test_several_signers_and_a_threshold(case: Any, tmp_path: Path) -> None:
    second = new_key(tmp_path, "bob")
    pack = build_pack(case.workspace, case.decision, [case.key, second])
    assert verify_bytes(pack, Trust((case.key.public, second.public), 2)).ok
    assert not verify_bytes(pack, Trust((second.public,))).ok  # a signature that cannot be checked is not ignored


def test_a_pack_needs_a_key(case: Any) -> None:
    with pytest.raises(UsageError, match="needs a signature"):
        build_pack(case.workspace, case.decision, [])


def test_changed_safety_files_are_refused(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    path = case.root / "requirements.yaml"
    path.write_text(path.read_text().replace("upper95 <= 0.30", "upper95 <= 0.90"))
    with pytest.raises(IntegrityError, match="safety files are not those"):
        build_pack(Workspace.load(case.root, allow_code=True), case.decision, [case.key])


def test_a_run_that_changed_since_the_decision_is_refused(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    log = runlog.RunLog.resume(case.run.directory)
    extra = replace(next(runlog.read_attempts(case.run.directory)), id="AT-00000000000000ff")
    asyncio.run(log.append(seal(extra, "synthetic")))
    log.close()
    with pytest.raises(IntegrityError, match="other content"):
        build_pack(case.workspace, case.decision, [case.key])


def test_a_tampered_run_log_is_refused(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    path = case.run.directory / runlog.ATTEMPTS
    path.write_bytes(path.read_bytes().replace(b'"hit":true', b'"hit":null', 1))
    with pytest.raises(IntegrityError, match=r"attempts-0000\.jsonl:\d+"):
        build_pack(case.workspace, case.decision, [case.key])


def test_another_decision_under_the_same_id_is_refused(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    with pytest.raises(IntegrityError, match="other content"):
        build_pack(case.workspace, replace(case.decision, verdict="inconclusive"), [case.key])


def test_a_secret_in_an_id_is_caught_before_the_pack_is_written(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    path = case.root / "journeys.yaml"
    path.write_text("journeys:\n  - {id: UJ-a, title: x}\n")
    risks = case.root / "risks.yaml"
    risks.write_text(risks.read_text().replace("The desk helps with harm", f"The desk names {NAME}"))
    with pytest.raises(IntegrityError, match=r"planted secret would be in (report\.html|trace\.json)"):
        build_pack(Workspace.load(case.root, allow_code=True), case.decision, [case.key])


def test_a_pack_is_written_whole(case: Any, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "pack.zip"
    write_pack(path, case.pack)
    assert path.read_bytes() == case.pack
    assert [p.name for p in path.parent.iterdir()] == ["pack.zip"]
