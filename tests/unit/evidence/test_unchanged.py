"""What was decided on is what is packed, and what a pack says twice it says alike: each edit of either is refused."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import archive
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.unchanged import attested, not_to_the_byte
from shipworthy.evidence.verification import Verification
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, verify_bytes
from shipworthy.evidence.written import check_written
from shipworthy.release.decide import decide
from shipworthy.store.audit import AuditLog
from shipworthy.store.chain import head_text, link
from shipworthy.store.entry import ORIGIN
from shipworthy.store.layout import Layout
from shipworthy.store.signing import sign, statement
from shipworthy.workspace.files import meaning_of
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.nodes import parse_yaml
from shipworthy.workspace.read import read_sections

EDITS = {
    "system.yaml": ("owner: team-toy", "owner: nobody"),
    "risks.yaml": ("severity: S1", "severity: S4"),
    "requirements.yaml": ("The phrase is never told.", "The phrase is seldom told."),  # prose, which no run depends on
    "gate.yaml": ("id: release,", "id: release, max_error_rate: 0.9,"),
    "guards.yaml": ("action: block", "action: block, mode: shadow"),
    "targets.yaml": ("the phrase is", "there is no phrase like"),
    "suites/leaks/suite.yaml": ("Asking for the phrase", "Asking nicely"),
    "suites/leaks/card.md": ("Forty ways", "A thousand ways"),
    "suites/leaks/samples.jsonl": ("7: what is", "7: who knows"),
}


@pytest.fixture
def copied(case: Any, tmp_path: Path) -> Path:
    """The workspace after its decision, to be edited."""
    root = tmp_path / "copy"
    shutil.copytree(case.root, root)
    return root


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("name", EDITS)
def test_a_file_edited_after_the_decision_is_refused_with_both_digests(case: Any, copied: Path, name: str) -> None:
    recorded = {file.path: file.sha256 for file in case.decision.files}
    edit(copied / name, *EDITS[name])
    with pytest.raises(IntegrityError) as caught:
        build_pack(Workspace.load(copied, allow_code=True), case.decision, [case.key])
    there = bytes_digest((copied / name).read_bytes())
    assert f"{name}: recorded with {recorded[name]}, and there is {there}" in str(caught.value)
    assert f"decide again: `shipworthy gate {case.run.id}`" in str(caught.value)


def test_files_that_came_or_went_are_refused(case: Any, copied: Path) -> None:
    (copied / "journeys.yaml").write_text("journeys: [{id: UJ-a, title: A}]\n")
    with pytest.raises(IntegrityError, match=r"journeys\.yaml: not recorded, and there is sha256:"):
        build_pack(Workspace.load(copied, allow_code=True), case.decision, [case.key])
    (copied / "journeys.yaml").unlink()
    (copied / "gate.yaml").unlink()
    with pytest.raises(IntegrityError, match=r"gate\.yaml: recorded with sha256:\w+, and it is not there"):
        build_pack(Workspace.load(copied, allow_code=True), case.decision, [case.key])


def test_a_file_that_nobody_reads_is_neither_refused_nor_packed(case: Any, copied: Path) -> None:
    (copied / "compose.yaml").write_text("services: {}\n")
    pack = build_pack(Workspace.load(copied, allow_code=True), case.decision, [case.key])
    assert pack == case.pack
    assert b"compose" not in pack


def test_the_verbs_refuse_and_deciding_again_helps(
    case: Any, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))
    assert shipworthy(["keys", "new", "--name", "ada"]) == 0
    at = ["-C", str(copied), "--allow-code"]
    edit(copied / "risks.yaml", *EDITS["risks.yaml"])
    for verb in (["evidence", "build"], ["report", "--format", "json"]):
        capsys.readouterr()
        assert shipworthy([*verb, *at]) == 4
        assert "risks.yaml: recorded with sha256:" in capsys.readouterr().err
    # What was measured is as it was, so the same run is decided on again, and the new decision has its pack.
    assert shipworthy(["gate", *at, case.run.id, "--baseline", case.baseline.id]) == 1
    assert shipworthy(["evidence", "build", *at]) == 0


@pytest.mark.parametrize("name", ["requirements.yaml", "guards.yaml", "targets.yaml"])
def test_the_gate_names_the_file_that_makes_a_run_stale(
    case: Any, copied: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = EDITS[name] if name != "requirements.yaml" else ("upper95 <= 0.30", "upper95 <= 0.90")
    edit(copied / name, old, new)
    assert shipworthy(["gate", "-C", str(copied), "--allow-code", case.run.id, "--baseline", case.baseline.id]) == 4
    err = capsys.readouterr().err
    assert "stale evidence" in err
    recorded = next(file.sha256 for file in case.run.manifest.files if file.path == name)
    assert f"{name}: recorded with {recorded}, and there is {bytes_digest((copied / name).read_bytes())}" in err


def test_operational_settings_may_change_between_decision_and_pack(gated: Any) -> None:
    run, old = gated.run(guards="on"), gated.run()
    decision = decide(gated.workspace, run, old)
    Layout(gated.root).save_decision(decision)
    gated.edit("targets.yaml", "model: m", "model: m, timeout: 5, retries: 1")
    from shipworthy.evidence.pack import check_current

    check_current(gated.workspace, decision, [run])
    gated.edit("targets.yaml", "model: m", "model: other")
    with pytest.raises(IntegrityError, match=r"targets\.yaml"):
        check_current(gated.workspace, decision, [run])


def test_a_decision_that_does_not_say_its_files_is_refused(case: Any) -> None:
    from msgspec.structs import replace

    with pytest.raises(IntegrityError, match="earlier version of shipworthy"):
        build_pack(case.workspace, replace(case.decision, files=()), [case.key])


def test_the_audit_log_recorded_the_files_with_the_decision(case: Any) -> None:
    with AuditLog(Layout(case.root).control_url) as audit:
        body = next(e.body for e in audit.entries() if e.kind == "decision.made")
    assert body["files"] == {file.path: file.sha256 for file in case.decision.files}
    assert body["subject_digest"] == case.decision.subject_digest


# ---- a signer who is wrong


def resigned(case: Any, change: Callable[[dict[str, Any]], Any], *, whole: bool = True, **said: Any) -> Verification:
    """Change members, then make all that follows from them anew: audit log, statement, manifest, signature.

    Args:
        whole: whether the audit log and the statement are made to say what the changed decision says.
        said: what the statement says instead.
    """
    members = archive.read(case.pack)
    parsed: dict[str, Any] = {n: json.loads(d) for n, d in members.items() if n.endswith(".json") and n != ATTESTATION}
    parsed |= {name: data for name, data in members.items() if name not in parsed and name != ATTESTATION}
    entries = [json.loads(line)["entry"] for line in members["audit-log.jsonl"].splitlines()]
    parsed["entries"] = entries
    change(parsed)
    del parsed["entries"]
    decision, head, lines = parsed["decision.json"], ORIGIN, []
    if whole:
        entries[-1]["body"] |= {"digest": bytes_digest(canonical(decision))}
    for entry in entries:
        head = link(head, canonical(entry))
        lines.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + canonical(entry) + b"}\n")
    parsed["audit-log.jsonl"] = b"".join(lines)
    listed = parsed.pop(MANIFEST)
    files = {name: value if isinstance(value, bytes) else canonical(value) for name, value in parsed.items()}
    files[MANIFEST] = canonical(listed | {"files": {name: bytes_digest(data) for name, data in files.items()}})
    old = json.loads(base64.b64decode(json.loads(members[ATTESTATION])["payload"]))
    predicate = old["predicate"] | {"audit_head": head_text(head)}
    if whole:
        predicate |= attested(decision) | {"decision_digest": bytes_digest(files["decision.json"])}
        predicate["runs"] = {run: parsed[f"runs/{run}/seal.json"] for run in predicate["runs"]}
    for name, value in said.items():
        predicate.pop(name) if value is None else predicate.update({name: value})
    digest = bytes_digest(files[MANIFEST])
    files[ATTESTATION] = sign(statement({MANIFEST: digest}, old["predicateType"], predicate), [case.key])
    return verify_bytes(archive.write(files), case.trust)


def test_signing_the_same_again_verifies(case: Any) -> None:
    found = resigned(case, lambda files: None)
    assert found.ok, found.problems


def criterion(files: dict[str, Any], id: str = "CR-leak") -> list[dict[str, Any]]:
    """A criterion wherever the pack has it."""
    listed = (*files["decision.json"]["criteria"], *files["criteria.json"]["criteria"])
    return [one for one in listed if one["id"] == id]


def both(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda files: [one.update(changes) for one in criterion(files)]


def about(name: str, **changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda files: files[name].update(changes)


def traced(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda files: files["trace.json"]["risks"][0]["requirements"][0]["criteria"][0].update(changes)


def indexed(name: str, **changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda files: files["workspace/index.json"][f"workspace/{name}"].update(changes)


def entry(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda files: files["entries"][-1]["body"].update(changes)


SUITE = "suites/leaks/suite.json"
WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another system in the decision": (about("decision.json", system="SYS-other"), "audit-log.jsonl"),
    "another gate in the decision": (about("decision.json", gate="lenient"), "audit-log.jsonl"),
    "another system in the trace": (about("trace.json", system="SYS-other"), "trace.json"),
    "another verdict in the trace": (about("trace.json", verdict="ship"), "trace.json"),
    "another subject in the trace": (about("trace.json", subject_digest="sha256:0"), "trace.json"),
    "another verdict of a criterion in the trace": (traced(verdict="no-ship"), "trace.json"),
    "another condition in the trace": (traced(must="upper95 <= 0.9"), "trace.json"),
    "another suite in the trace": (traced(suite="leaks@9"), "trace.json"),
    "another run in the trace": (traced(run="RUN-x"), "trace.json"),
    "a risk left out of the trace": (lambda f: f["trace.json"]["risks"].pop(0), "trace.json"),
    "two sentences of one requirement": (
        lambda f: f["trace.json"]["requirements"].update({"RQ-leak": "Anything goes."}),
        "trace.json",
    ),
    "another severity of a criterion": (both(severity="S1"), "CR-leak"),
    "other risks of a criterion": (both(risks=[]), "CR-leak"),
    "another requirement of a criterion": (both(requirement="RQ-help"), "CR-leak"),
    "another version of the suite": (about(SUITE, version="9"), SUITE),
    "another digest of the suite": (about(SUITE, digest="sha256:0"), SUITE),
    "another error limit of the suite": (about(SUITE, max_error_rate=0.5), SUITE),
    "fewer samples in the suite": (about(SUITE, samples=10), "samples"),
    "fewer attacks in the suite": (about(SUITE, attacks=["none"]), "attacks"),
    "another digest of a file": (indexed("risks.yaml", sha256="sha256:0"), "risks.yaml"),
    "another name of a file": (indexed("risks.yaml", path="hazards.yaml"), "hazards.yaml"),
    "a file twice": (
        lambda f: f["workspace/index.json"].update(x=f["workspace/index.json"]["workspace/risks.yaml"]), "twice"
    ),
    "a file less in the decision": (lambda f: f["decision.json"]["files"].pop(), "files"),
    "no file in the decision": (lambda f: f["decision.json"].pop("files"), "files"),
    "other bytes of a file": (
        lambda f: f.update({"workspace/risks.yaml": f["workspace/risks.yaml"].replace(b"S1", b"S4")}),
        "workspace/risks.yaml",
    ),
    "a file that is not listed": (lambda f: f.update({"workspace/more.yaml": b"a: 1\n"}), "workspace/more.yaml"),
    "a file that was taken out": (lambda f: f.pop("workspace/risks.yaml"), "workspace/risks.yaml"),
    "another system in the log": (entry(system="SYS-other"), "audit-log.jsonl"),
    "another subject in the log": (entry(subject_digest="sha256:0"), "audit-log.jsonl"),
    "other files in the log": (entry(files={"risks.yaml": "sha256:0"}), "audit-log.jsonl"),
    "another target in the decision": (
        lambda f: f["decision.json"]["subject"].update(target="other-desk"), "decision.json"
    ),
    "another owner in the trace": (about("trace.json", owner="nobody"), "system SYS-toy"),
    "another title in the trace": (about("trace.json", title="A toy"), "system SYS-toy"),
    "another severity of a risk": (lambda f: f["trace.json"]["risks"][2].update(severity="S4"), "risk RK-bare"),
    "another title of a risk": (lambda f: f["trace.json"]["risks"][0].update(title="Nothing"), "risk RK-leak"),
    "a risk of a critical journey": (lambda f: f["trace.json"]["risks"][0].update(journeys=["UJ"]), "risk RK-leak"),
    "a bare risk left out": (lambda f: f["trace.json"]["risks"].pop(2), "risk RK-bare"),
    "another sentence of a requirement, everywhere": (
        lambda f: (
            f["trace.json"]["requirements"].update({"RQ-leak": "Anything goes."}),
            f["trace.json"]["risks"][0]["requirements"][0].update(text="Anything goes."),
        ),
        "requirement RQ-leak",
    ),
    "another guide": (lambda f: f.update({"VERIFY.md": b"# No need to verify.\n"}), "VERIFY.md"),
    "another report": (
        lambda f: f.update({"report.html": f["report.html"].replace(b"NO-SHIP", b"SHIP   ")}), "report.html"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_the_members_say_differently_is_refused(case: Any, what: str) -> None:
    change, named = WRONG[what]
    found = resigned(case, change)
    assert not found.ok
    assert named in found.problems[0], found.problems


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reason", "all criteria passed"),
        ("gate", "other"),
        ("system", "SYS-other"),
        ("spec_digest", "sha256:0"),
        ("criteria", []),
        ("runs", {}),
        ("criteria", None),
        ("more", "than a decision says"),
    ],
)
def test_the_statement_says_what_the_decision_says(case: Any, name: str, value: Any) -> None:
    found = resigned(case, lambda files: None, **{name: value})
    assert not found.ok
    assert name in found.problems[0]


def test_a_file_that_was_redacted_is_named_as_not_compared(case: Any) -> None:
    (files,) = [check for check in verify_bytes(case.pack, case.trust).checks if check.what == "files"]
    assert "but for targets.yaml: redacted, so not compared" in files.detail


def test_where_nothing_was_redacted_a_risk_out_of_nowhere_is_refused() -> None:
    text = b"system: {id: SYS-a, title: A, owner: us}\nrisks: [{id: RK-a, title: A, severity: S3}]\n"
    risk = {"id": "RK-a", "title": "A", "severity": "S3", "journeys": [], "refs": [], "requirements": []}
    trace = {"system": "SYS-a", "title": "A", "owner": "us", "requirements": {}, "risks": [risk]}
    index = {"workspace/system.yaml": {"path": "system.yaml", "redacted": False, "sha256": "x"}}
    decision = {"files": [{"path": "system.yaml", "sha256": "x"}]}

    def members(**changes: Any) -> dict[str, bytes]:
        made = {"workspace/index.json": index, "trace.json": trace | changes, "decision.json": decision}
        return {name: canonical(value) for name, value in made.items()} | {"workspace/system.yaml": text}

    assert check_written(members()).ok
    more = check_written(members(risks=[risk, risk | {"id": "RK-b"}]))
    assert (more.ok, more.detail) == (False, "trace.json: the safety files have no risk RK-b")
    assert not check_written(members() | {"workspace/system.yaml": b"- a list\n"}).ok
    assert not check_written(members() | {"workspace/system.yaml": b"a: {{"}).ok
    assert not check_written({}).ok


TARGETS = "targets: {default: {use: openai_compatible, base_url: 'https://a.org/v1', model: m, system: Be safe.}}\n"
THEN = TARGETS.replace("model: m", "model: m, timeout: 9")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (TARGETS, ""),
        (TARGETS.replace("model: m", "model: m, retries: 9, concurrency: 2"), ""),
        (TARGETS.replace("Be safe.", "Be of use."), "more than operational settings was changed"),
        (TARGETS.replace("a.org", "b.org"), "more than operational settings was changed"),
        (TARGETS + "risks: []\n", "more than operational settings was changed"),
        (TARGETS.replace("openai_compatible", "of_nobody"), "verify it where that plug-in is"),
        (None, "and redacted, so nothing else shows of it"),
    ],
)
def test_a_file_that_is_not_to_the_byte_what_was_decided_on_is_read_again(text: str | None, wrong: str) -> None:
    """The digest that leaves operational settings out is worked out from the file, not taken from the signer."""
    then = parse_yaml(THEN, Path("targets.yaml"))
    meaning = meaning_of(then, read_sections([then]))
    entry = {"path": "targets.yaml", "sha256": "sha256:other", "meaning": meaning, "redacted": text is None}
    members = {
        "trace.json": canonical({"requirements": {}, "risks": []}),
        "decision.json": canonical({"files": [{"path": "targets.yaml", "sha256": "sha256:then", "meaning": meaning}]}),
        "workspace/index.json": canonical({"workspace/targets.yaml": entry}),
        "workspace/targets.yaml": (text or "targets: {}\n").encode(),
    }
    found = check_written(members)
    assert found.ok is not bool(wrong) and wrong in found.detail, found
    assert not_to_the_byte(members) == ["targets.yaml"], "so a verifier without all of shipworthy refuses it"


# ---- the report inside


def test_a_report_by_another_version_is_said_not_to_be_compared(case: Any) -> None:
    def change(files: dict[str, Any]) -> None:
        files[MANIFEST]["rendered_by"] = "shipworthy 9.9"
        files["report.html"] = b"<html>in other words</html>"

    found = resigned(case, change)
    assert found.ok
    assert not found.checks[-1].compared
    assert "not compared: rendered by 'shipworthy 9.9'" in found.checks[-1].detail


def test_a_report_by_nobody_is_held_to_this_version(case: Any) -> None:
    def change(files: dict[str, Any]) -> None:
        del files[MANIFEST]["rendered_by"]
        files["report.html"] = b"<html>anything</html>"

    found = resigned(case, change)
    assert not found.ok
    assert re.search(r"report\.html: not what shipworthy .* renders", found.problems[0])
