"""Building packs: deterministic, redacted, and only from what is as it was."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.ledger import DECLARED, SITTINGS
from shipworthy.detect.redact import seal
from shipworthy.evals.api import evaluate
from shipworthy.evals.begin import begin, complete
from shipworthy.evals.progress import Progress
from shipworthy.evals.results import Run
from shipworthy.evidence import archive
from shipworthy.evidence.members import RunMembers
from shipworthy.evidence.pack import build_pack, write_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.exchange.budget import Limits
from shipworthy.release.decide import decide
from shipworthy.store import reading
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.line import Line
from shipworthy.store.reading import RunReading, read_attempts
from shipworthy.store.register import decision_digest
from shipworthy.store.runlog import RunLog
from shipworthy.store.shards import log_name
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust
from shipworthy.workspace.load import Workspace

SECRET, NAME = "PINE-harbor-4471", "Quill Ostrander"


def test_the_same_input_gives_the_same_bytes(case: Any, tmp_path: Path) -> None:
    # Of a copy: what is entered there must not stand in the log of the other tests.
    shutil.copytree(case.root, root := tmp_path / "copy")
    with AuditLog(Layout(root).control_url) as audit:
        audit.append("something.else", {"after": "the decision"})
    again = build_pack(Workspace.load(root, allow_code=True), case.decision, [case.key])
    assert sha256(again).hexdigest() == sha256(case.pack).hexdigest()


def test_no_secret_and_no_personal_data_is_anywhere_in_the_pack(case: Any) -> None:
    log = (case.baseline.directory / log_name(0)).read_bytes()
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
        kinds = [entry.kind for entry in audit.entries() if entry.kind not in (DECLARED, *SITTINGS)]
        audit.verify()
    # The candidate's three shards were ended one by one: it was finished with the last of them.
    assert kinds == ["run.finished", "run.seen", "run.seen", "run.finished", "decision.made", "run.finished"]
    assert (last.kind, last.body["run"], last.body["head"]) == ("run.finished", run.id, run.reading.head)


def test_everything_an_auditor_needs_is_there(case: Any) -> None:
    members = archive.read(case.pack)
    for name in (
        "VERIFY.md", "decision.json", "criteria.json", "specs/full.json", "trace.json", "report.html",
        "audit-log.jsonl", "manifest.json", "attestations/decision.dsse.json", "suites/leaks/card.md",
        "suites/leaks/suite.json", "workspace/system.yaml", "workspace/index.json",
    ):  # fmt: skip
        assert members[name]
    for run in (case.run, case.baseline):
        for name in ("manifest.json", "subject.json", "attempts-0000.jsonl", "seal.json"):
            assert members[f"runs/{run.id}/{name}"]
    report = members["report.html"].decode()
    for text in ("NO-SHIP", "CR-leak-odd", "RK-bare", "rhymes with whine", "Worst samples", "no requirement mitigates"):
        assert text.lower() in report.lower(), text


def test_the_pack_names_the_original_logs_head_and_root(case: Any) -> None:
    members = archive.read(case.pack)
    for run in (case.run, case.baseline):
        seal_ = json.loads(members[f"runs/{run.id}/seal.json"])
        read = RunReading(run.directory)
        assert seal_["original"] == {"head": read.head, "heads": list(read.heads), "merkle": read.merkle}
        assert seal_["pack"]["head"] != seal_["original"]["head"]


def test_every_shard_is_in_the_pack(case: Any) -> None:
    members, records = archive.read(case.pack), 0
    for shard in range(3):
        lines = members[f"runs/{case.run.id}/{log_name(shard)}"].splitlines()
        read = (case.run.directory / log_name(shard)).read_bytes().splitlines()
        assert [json.loads(line)["attempt"]["id"] for line in lines] == [json.loads(r)["attempt"]["id"] for r in read]
        records += len(lines)
    seal_ = json.loads(members[f"runs/{case.run.id}/seal.json"])
    assert (seal_["records"], len(seal_["pack"]["heads"])) == (records, 3) == (80, 3)


def test_the_evidence_does_not_depend_on_the_number_of_shards(case: Any, tmp_path: Path) -> None:
    """The same measurement in one piece: other logs and other heads, the same content and the same counts."""
    whole = complete(begin(case.workspace, directory=tmp_path / "run"), progress=Progress(style="none"))
    assert (whole.reading.manifest.shards, case.run.reading.manifest.shards) == (1, 3)
    assert whole.reading.merkle == case.run.reading.merkle
    assert whole.reading.head != case.run.reading.head
    redacted = [RunMembers(run.manifest, [SECRET, NAME]) for run in (whole, case.run)]
    for part, run in zip(redacted, (whole, case.run), strict=True):
        for row in run.rows():
            part.add(row)
    seals = [part.seal({"head": "", "heads": [], "merkle": ""}) for part in redacted]
    assert seals[0]["pack"]["merkle"] == seals[1]["pack"]["merkle"]
    assert redacted[0].suites == redacted[1].suites
    decision = decide(case.workspace, whole, case.baseline)
    same = ("id", "created", "runs", "criteria", "ledger", "replies")
    blank = {name: getattr(case.decision, name) for name in same}
    assert replace(decision, **blank) == case.decision
    assert [replace(c, run="") for c in decision.criteria] == [replace(c, run="") for c in case.decision.criteria]


def test_a_pack_takes_one_pass_over_each_log(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[str] = []
    real = reading.read_lines

    def counted(path: Path, origin: bytes) -> Iterator[Line]:
        if path.is_relative_to(case.root):  # the pack's own report is made of the pack's own records
            passes.append(f"{path.parent.name}/{path.name}")
        return real(path, origin)

    monkeypatch.setattr(reading, "read_lines", counted)
    assert build_pack(case.workspace, case.decision, [case.key]) == case.pack
    logs = [f"{case.run.id}/{log_name(n)}" for n in range(3)] + [f"{case.baseline.id}/{log_name(0)}"]
    assert sorted(passes) == sorted(logs)


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
    log = RunLog.open(case.run.directory, 1)
    extra = replace(next(read_attempts(case.run.directory)), id="AT-00000000000000ff")
    asyncio.run(log.append(seal(extra, "synthetic")))
    log.close()
    with pytest.raises(IntegrityError, match="other content"):
        build_pack(case.workspace, case.decision, [case.key])


def test_a_decision_on_an_unfinished_run_has_its_pack_which_says_so(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    evaluate(case.workspace, guards=True, progress=False, limits=Limits(requests=20), cache=False)
    unfinished = Run.load(Layout(case.root).run_directory())
    assert not unfinished.complete
    decision = decide(case.workspace, unfinished, case.baseline)
    pack = build_pack(case.workspace, decision, [case.key])
    assert verify_bytes(pack, case.trust).ok
    entries = [json.loads(line)["entry"] for line in archive.read(pack)["audit-log.jsonl"].splitlines()]
    kinds = [
        entry["kind"] for entry in entries if entry["kind"] != "run.head" and entry["body"].get("run") == unfinished.id
    ]
    assert kinds == ["run.declared", "run.started", "run.stopped", "run.seen"]


def test_a_run_that_the_audit_log_wrongly_calls_finished_gets_no_pack(fresh_case: Callable[[], Any]) -> None:
    """As a version did that counted retries twice: ten attempts and ten retries of twenty."""
    case = fresh_case()
    evaluate(case.workspace, guards=True, progress=False, limits=Limits(requests=20), cache=False)
    run = Run.load(Layout(case.root).run_directory())
    decision = decide(case.workspace, run, case.baseline)
    seal_ = {"head": run.reading.head, "heads": list(run.reading.heads), "merkle": run.reading.merkle}
    with AuditLog(Layout(case.root).control_url) as audit:
        told = {"run": run.id, "system": decision.system, "spec_digest": run.manifest.spec_digest}
        told["subject_digest"] = run.manifest.subject_digest
        audit.append("run.finished", {**told, "attempts": 80, **seal_}, key="run")
        heads = {run.id: seal_["head"], case.baseline.id: case.baseline.reading.head}
        made = {"decision": decision.id, "digest": decision_digest(decision), "verdict": decision.verdict}
        audit.append("decision.made", {**made, "gate": decision.gate, "heads": heads}, key="decision")
    with pytest.raises(IntegrityError, match=r"as run\.finished, but .* of 80 planned attempts were made"):
        build_pack(case.workspace, decision, [case.key])


def test_all_of_it_is_in_postgresql_where_the_settings_say_so(
    fresh_case: Callable[[], Any], emptied: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHIPWORTHY_CONTROL_URL", emptied)
    case = fresh_case()
    assert verify_bytes(case.pack, case.trust).ok
    with AuditLog(emptied) as audit:
        kinds = [entry.kind for entry in audit.entries() if entry.kind not in (DECLARED, *SITTINGS)]
    assert kinds == ["run.finished", "run.seen", "run.seen", "run.finished", "decision.made"]
    assert shipworthy(["runs", "list", "-C", str(case.root)]) == 0
    assert capsys.readouterr().out.count("80 / 80       1  complete") == 2
    assert not (case.root / ".shipworthy" / "control.sqlite").exists()


def test_a_tampered_run_log_is_refused(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    path = case.run.directory / log_name(2)
    path.write_bytes(path.read_bytes().replace(b'"hit":true', b'"hit":null', 1))
    with pytest.raises(IntegrityError, match=r"attempts-0002\.jsonl:\d+"):
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
    workspace = Workspace.load(case.root, allow_code=True)
    decision = decide(workspace, case.run, case.baseline)
    with pytest.raises(IntegrityError, match=r"planted secret would be in (report\.html|trace\.json)"):
        build_pack(workspace, decision, [case.key])


def test_a_pack_is_written_whole(case: Any, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "pack.zip"
    write_pack(path, case.pack)
    assert path.read_bytes() == case.pack
    assert [p.name for p in path.parent.iterdir()] == ["pack.zip"]
