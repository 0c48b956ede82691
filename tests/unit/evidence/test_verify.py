"""Tampering, wrong trust, and signers who are wrong: each is refused, and the file is named."""

from __future__ import annotations

import base64
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evidence import forging
from tests.unit.evidence.alone import run

from shipworthy.core.digests import bytes_digest, canonical, merkle_root
from shipworthy.core.errors import UsageError
from shipworthy.core.records import SCHEMA
from shipworthy.evidence import archive, packed
from shipworthy.evidence.verification import Verification, report
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, PACK_VERSION, verify_bytes, verify_pack
from shipworthy.stats import threshold_test
from shipworthy.store import chain
from shipworthy.store.line import frame, leaf
from shipworthy.store.shards import log_name, log_origin
from shipworthy.store.signing import new_key, sign, statement
from shipworthy.store.trust import Trust, trust_json

Members = dict[str, bytes]


def refused(found: Verification, *names: str) -> None:
    assert not found.ok
    assert len(found.problems) == 1
    for name in names:
        assert name in found.problems[0], found.problems[0]
    assert "cannot be believed" in report(found)


def test_the_pack_verifies_and_says_what_was_checked(case: Any) -> None:
    found = verify_bytes(case.pack, case.trust)
    assert found.ok, found.problems
    assert [c.what for c in found.checks] == [
        "signature", "archive", "members", "decision", "run logs", "audit log", "digests", "ledger", "criteria",
        "trace", "unchanged", "sections", "fields", "files", "report", "dossier",
    ]  # fmt: skip
    assert "4 of 4 counted again" in report(found)
    assert "signed by ada" in report(found)
    assert found.decision["verdict"] == "no-ship"


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_byte_of_the_file_can_change(case: Any, data: st.DataObject) -> None:
    changed = bytearray(case.pack)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    assert not verify_bytes(bytes(changed), case.trust).ok


def test_a_changed_byte_in_any_member_is_refused_by_name(case: Any) -> None:
    rng = random.Random(1)
    for name, content in archive.read(case.pack).items():
        start = case.pack.index(name.encode() + content[:8])  # the local header's name, then its content
        for _ in range(3):
            changed = bytearray(case.pack)
            changed[start + len(name) + rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            refused(verify_bytes(bytes(changed), case.trust), name)


def test_a_member_changed_with_a_well_made_archive_is_refused_by_name(case: Any) -> None:
    rng = random.Random(2)
    members = archive.read(case.pack)
    for name, content in members.items():
        changed = bytearray(content)
        changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        found = verify_bytes(archive.write(members | {name: bytes(changed)}), case.trust)
        if name != MANIFEST:  # A changed digest in the manifest is first seen at the member it no longer fits.
            refused(found, name)
        assert not found.ok


def test_added_and_removed_members_are_refused_by_name(case: Any) -> None:
    members = archive.read(case.pack)
    for name in ("extra.txt", "attestations/other.dsse.json", "runs/RUN-x/attempts-0000.jsonl"):
        refused(verify_bytes(archive.write(members | {name: b"{}"}), case.trust), name)
    for name in members:
        kept = {other: data for other, data in members.items() if other != name}
        refused(verify_bytes(archive.write(kept), case.trust), name)


def test_manifest_and_members_changed_together_are_refused(case: Any) -> None:
    members = archive.read(case.pack)
    members["VERIFY.md"] = b"Believe me."
    listed = json.loads(members[MANIFEST])
    listed["files"]["VERIFY.md"] = bytes_digest(b"Believe me.")
    members[MANIFEST] = canonical(listed)
    refused(verify_bytes(archive.write(members), case.trust), MANIFEST, "not the one that was signed")


def test_another_packs_signature_does_not_fit(case: Any) -> None:
    members = archive.read(case.pack)
    envelope = json.loads(members[ATTESTATION])
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["subject"][0]["digest"]["sha256"] = "0" * 64
    members[ATTESTATION] = sign(canonical(payload), [case.key])
    refused(verify_bytes(archive.write(members), case.trust), MANIFEST)


def test_trust_comes_from_the_verifier(case: Any, tmp_path: Path) -> None:
    stranger = new_key(tmp_path, "eve")
    refused(verify_bytes(case.pack, Trust((stranger.public,))), ATTESTATION, "not in the trust file")
    refused(verify_bytes(case.pack, Trust((stranger.public, case.key.public), 2)), ATTESTATION, "1 of 2")
    assert verify_bytes(case.pack, Trust((stranger.public, case.key.public), 1)).ok


# ---- a signer who is wrong: everything is signed well, and the content does not hold together


def resigned(case: Any, edit: Callable[[dict[str, Any]], None], **predicate: Any) -> Verification:
    """Verify a pack whose members were changed, its manifest and signature made anew."""
    # Without rendering the report again: it is of the pack before the change, and test_unchanged is about it.
    return verify_bytes(forging.resigned(case, edit, **predicate), case.trust, again=False)


def test_signing_the_same_again_verifies(case: Any) -> None:
    assert resigned(case, lambda files: None).ok


@pytest.mark.parametrize(
    ("changes", "ok"),
    [({}, True), ({"verdict": "ship"}, False), ({"verdict": "no-ship"}, False), ({"rate": 0.0}, False)],
)
def test_a_criterion_that_the_plan_does_not_reach_may_only_be_undecided(case: Any, changes: Any, ok: bool) -> None:
    """The spec does not hold it: nothing says what it asked for."""
    blank = {
        "id": "CR-else", "requirement": "RQ-else", "suite": "other", "metric": "m", "test": "threshold",
        "must": "upper95 <= 0.1", "limit": 0.1, "verdict": "inconclusive", "reason": "not run",
        "run": case.decision.runs[0],
    }  # fmt: skip

    found = _doctored(case, lambda results: results.append(blank | changes), whole=True)
    if ok:
        assert found.ok, found.problems
    else:
        refused(found, "CR-else was decided and not specified")


def test_a_verdict_that_does_not_follow_from_its_criteria_is_refused(case: Any) -> None:
    def edit(files: dict[str, Any]) -> None:
        files["decision.json"]["verdict"] = "ship"

    refused(resigned(case, edit), "decision.json", "does not follow")


def test_a_decision_the_audit_log_does_not_know_is_refused(case: Any) -> None:
    def edit(files: dict[str, Any]) -> None:
        files["decision.json"]["verdict"] = "ship"
        for result in files["decision.json"]["criteria"]:
            result["verdict"] = "ship"

    refused(resigned(case, edit), "audit-log.jsonl", "does not record this decision")


def test_a_run_whose_audit_entry_says_otherwise_than_its_records_is_refused(case: Any) -> None:
    """All else in the pack holds together. (The other way, an unfinished run called finished, is in test_pack.)"""
    why = "as run.seen, but all 80 planned attempts were made"
    refused(_audited(case, ("kind", "run.seen")), "audit-log.jsonl", why)


@pytest.mark.parametrize("drop", ["attempts", "line"])
def test_records_that_were_left_out_are_refused(case: Any, drop: str) -> None:
    name = f"runs/{case.run.id}/{log_name(2)}"

    def edit(files: dict[str, Any]) -> None:
        lines = files[name].splitlines(keepends=True)
        files[name] = b"".join(lines[:-5] if drop == "attempts" else [*lines[:3], *lines[4:]])

    refused(resigned(case, edit), name)


def test_a_record_that_was_edited_is_refused_with_its_line(case: Any) -> None:
    name = f"runs/{case.run.id}/{log_name(2)}"

    def edit(files: dict[str, Any]) -> None:
        lines = files[name].splitlines(keepends=True)
        lines[6] = re.sub(rb'"hit":(true|false)', rb'"hit":null ', lines[6], count=1)
        files[name] = b"".join(lines)

    refused(resigned(case, edit), f"{name}:7")


def test_other_counts_than_the_records_hold_are_refused(case: Any) -> None:
    """Even where decision, audit log and criteria all say the same."""
    found = _doctored(case, lambda result: result.update(hits=result["hits"] - 1))
    refused(found, "CR-leak", "the records hold")
    found = _doctored(case, lambda result: result.update(rate=result["rate"] / 2, low=0.0))
    refused(found, "CR-leak", "does not fit its counts")
    found = _doctored(case, lambda result: result.update(must="upper95 <= 0.90", limit=0.9))
    refused(found, "CR-leak", "not the one that was specified")


def test_a_result_that_is_not_the_specified_test_is_refused(case: Any) -> None:
    """Each of these would have let a criterion pass that did not: the condition's text alone stays as it was."""
    for change in (
        {"limit": 0.9},
        {"confidence": 0.5},
        {"test": "noninferiority"},
        {"metric": "helpful"},
        {"method": "proved"},
    ):
        refused(_doctored(case, lambda result, change=change: result.update(change)), "CR-leak", "specified")
    found = _doctored(case, lambda result: result.update(run=case.baseline.id))
    refused(found, "CR-leak", "not about")
    for better in ("low", "rate"):
        found = _doctored(case, lambda result, better=better: result.update(bound=result[better]))
        refused(found, "CR-leak", "better than its counts")
    found = _doctored(case, lambda result: result.update(bound=result["bound"] - 0.001))
    refused(found, "CR-leak", "better than its counts")


def test_what_is_unscored_is_counted_again(case: Any) -> None:
    """The closed desk is the one attempt in eighty without a score; leaving it out would better the bound."""
    result = case.decision.criteria[0]
    assert (result.unscored, result.left_out) == ({"target_error": 1}, 1)
    for change in ({"unscored": {"abstained": 1}}, {"unscored": {}}):
        refused(_doctored(case, lambda r, change=change: r.update(change)), "CR-leak", "other attempts without a score")
    for worst in (result.rate, None):
        refused(_doctored(case, lambda r, worst=worst: r.update(worst_rate=worst)), "CR-leak", "worst case")

    def without_s1(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        files["decision.json"]["s1_unscored"] = ["AT-0000000000000000"]
        entries[-1]["body"]["digest"] = bytes_digest(canonical(files["decision.json"]))

    refused(_rechained(case, without_s1), "S1 samples without a score")


def _of(criterion: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda results: change(next(result for result in results if result["id"] == criterion))


@pytest.mark.parametrize("criterion", ["CR-leak", "CR-leak-each"])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda r: r["attacks"].pop(), "the attacks of"),
        (lambda r: r["attacks"].reverse(), "the attacks of"),
        (lambda r: r["attacks"][0].update(hits=0), "the attack none"),
        (lambda r: r["attacks"][0].update(rate=0.0, low=0.0), "the attack none"),
        (lambda r: r["attacks"][0].update(high=r["attacks"][0]["rate"]), "the attack none"),
        (lambda r: r["attacks"][0].update(low=r["attacks"][0]["rate"]), "the attack none"),
        (lambda r: r["attacks"][1].update(unscored=7), "the attack rot13"),
        (lambda r: r["attacks"][1].update(rate=None, low=None, high=None), "the attack rot13"),
    ],
)
def test_what_is_said_of_an_attack_is_held_to_its_records(
    case: Any, criterion: str, change: Callable[[Any], None], problem: str
) -> None:
    found = _doctored(case, _of(criterion, change), whole=True)
    assert not found.ok
    assert problem in found.problems[0] and criterion in found.problems[0]


def test_the_bound_of_the_worst_attack_is_recomputed_for_all_attacks_together(case: Any) -> None:
    stated = next(r for r in case.decision.criteria if r.id == "CR-leak-each")
    rows = case.run.by_attack("leaks", "toy_leak")
    alone = max(
        threshold_test(*counts.filled(len(counts.blanks), 1.0, 0.0), stated.limit).bound for counts in rows.values()
    )
    assert alone < stated.bound  # what one attack by itself would have
    refused(
        _doctored(case, _of("CR-leak-each", lambda r: r.update(bound=alone)), whole=True), "CR-leak-each", "better than"
    )
    same = _of("CR-leak-each", lambda r: r.update(bound=stated.bound))
    assert _doctored(case, same, whole=True).ok


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("id", ["CR-leak", "CR-leak-each"])
def test_an_interval_narrower_than_its_counts_is_refused(case: Any, id: str, end: str) -> None:
    """The bound decides; the interval is what a reader sees."""

    def narrow(result: dict[str, Any]) -> None:
        result[end] = (result[end] + 3 * result["rate"]) / 4

    refused(_doctored(case, _of(id, narrow), whole=True), id, "narrower than its counts")
    nothing = _of(id, lambda r: r.update({end: r[end]}))
    assert _doctored(case, nothing, whole=True).ok


def test_a_criterion_of_the_gate_that_was_left_out_is_refused(case: Any) -> None:
    refused(_doctored(case, lambda results: results.pop(0), whole=True), "CR-leak", "not those of the gate")


def _doctored(case: Any, change: Callable[[Any], Any], *, whole: bool = False) -> Verification:
    """Change the first result (or the list of them) wherever it stands, and sign it all anew."""

    def edit(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        for where in (files["decision.json"]["criteria"], files["criteria.json"]["criteria"]):
            change(where if whole else where[0])
        entries[-1]["body"]["digest"] = bytes_digest(canonical(files["decision.json"]))

    return _rechained(case, edit)


def _audited(case: Any, change: tuple[str, Any]) -> Verification:
    """Change a field of the first finished run's entry in the audit log, and sign it all anew."""

    def edit(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        next(entry for entry in entries if entry["kind"] == "run.finished")[change[0]] = change[1]

    return _rechained(case, edit)


def _rechained(case: Any, change: Callable[[dict[str, Any], list[dict[str, Any]]], None]) -> Verification:
    return verify_bytes(forging.relogged(case, change), case.trust, again=False)


def rechained(case: Any, change: Callable[[dict[int, list[bytes]]], None], **manifest: Any) -> Verification:
    """Change the records of the decided run by shard, and make chains, roots, seal and signature anew."""
    folder = f"runs/{case.run.id}"

    def edit(files: dict[str, Any]) -> None:
        logs = {n: [line[75:] for line in files[f"{folder}/{log_name(n)}"].splitlines()] for n in range(3)}
        change(logs)
        files[f"{folder}/manifest.json"] |= manifest
        heads, leaves = [], {}
        for shard, bodies in logs.items():
            head, lines = log_origin(canonical(files[f"{folder}/manifest.json"]), shard), []
            for body in bodies:
                head = chain.link(head, body)
                lines.append(frame(head, body))
                leaves[json.loads(leaf(body))["id"]] = leaf(body)
            files[f"{folder}/{log_name(shard)}"] = b"".join(lines)
            heads.append(head)
        files[f"{folder}/seal.json"] |= {
            "records": sum(map(len, logs.values())),
            "pack": {
                "head": merkle_root(heads),
                "heads": [chain.head_text(head) for head in heads],
                "merkle": merkle_root([leaves[id] for id in sorted(leaves)]),
            },
        }

    return resigned(case, edit)


def test_chaining_the_same_again_verifies(case: Any) -> None:
    found = rechained(case, lambda logs: None)
    assert found.ok, found.problems


def test_an_s1_hit_that_the_decision_hides_is_refused(case: Any) -> None:
    """The records say which hits were on S1 samples; here a record's severity is raised, all hashes made anew."""

    def change(logs: dict[int, list[bytes]]) -> None:
        for bodies in logs.values():
            for n, body in enumerate(bodies):
                if b'"hit":true,"scorer":"toy","label":"told"' in body:
                    bodies[n] = body.replace(b'"outcome":"scored"', b'"outcome":"scored","severity":"S1"')

    refused(rechained(case, change), "decision.json", "S1")


def test_an_attempt_in_two_shards_is_refused(case: Any) -> None:
    refused(rechained(case, lambda logs: logs[2].append(logs[0][3])), log_name(2), "there twice")


def test_an_attempt_that_is_tried_again_without_need_is_refused(case: Any) -> None:
    def change(logs: dict[int, list[bytes]]) -> None:
        scored = next(body for body in logs[1] if b'"outcome":"scored"' in body)
        logs[1].append(re.sub(rb'"id":"(AT-[0-9a-f]{16})"', rb'"id":"\1-2"', scored, count=1))

    refused(rechained(case, change), log_name(1), "had not failed")


def test_a_log_of_no_shard_is_refused(case: Any) -> None:
    for name in ("attempts-0003.jsonl", "attempts.jsonl"):
        refused(
            resigned(case, lambda files, name=name: files.update({f"runs/{case.run.id}/{name}": b""})), name, "no shard"
        )


@pytest.mark.parametrize("shards", [2, 4, 0, -1, 10**9, "3", None, True])
def test_another_number_of_shards_than_there_are_logs_is_refused(case: Any, shards: Any) -> None:
    refused(rechained(case, lambda logs: None, shards=shards), f"runs/{case.run.id}/")


def test_shards_that_were_swapped_are_refused(case: Any) -> None:
    def edit(files: dict[str, Any]) -> None:
        one, other = (f"runs/{case.run.id}/{log_name(n)}" for n in (0, 1))
        files[one], files[other] = files[other], files[one]

    refused(resigned(case, edit), f"{log_name(0)}:1")


@pytest.mark.parametrize("part", ["heads", "head", "merkle"])
def test_a_seal_that_names_other_digests_is_refused(case: Any, part: str) -> None:
    wrong = "sha256:" + "0" * 64

    def edit(files: dict[str, Any]) -> None:
        pack = files[f"runs/{case.run.id}/seal.json"]["pack"]
        pack[part] = [*pack["heads"][:2], wrong] if part == "heads" else wrong

    named = log_name(2) if part == "heads" else "seal.json"
    refused(resigned(case, edit), f"runs/{case.run.id}/{named}")


@pytest.mark.parametrize("part", ["heads", "head", "merkle"])
def test_a_seal_of_another_original_is_refused(case: Any, part: str) -> None:
    def edit(files: dict[str, Any]) -> None:
        original = files[f"runs/{case.run.id}/seal.json"]["original"]
        original[part] = [original["head"]] if part == "heads" else "sha256:" + "0" * 64

    refused(resigned(case, edit), "audit-log.jsonl", case.run.id)


# ---- other versions


@pytest.mark.parametrize(("schema", "made"), [(1, "by shipworthy <= 0.1"), (3, "by another version of shipworthy")])
def test_records_of_another_schema_are_refused_by_name(case: Any, schema: int, made: str) -> None:
    found = rechained(case, lambda logs: None, schema=schema)
    refused(found, case.run.id, f"was made {made} (run log schema {schema}; this verifier reads 2)")


def test_a_manifest_without_a_schema_is_one_of_version_1(case: Any) -> None:
    found = resigned(case, lambda files: files[f"runs/{case.run.id}/manifest.json"].pop("schema"))
    refused(found, f"{case.run.id} was made by shipworthy <= 0.1 (run log schema 1")


@pytest.mark.parametrize(("version", "made"), [(1, "by shipworthy <= 0.1"), (2, "by another version"), (None, "")])
def test_a_pack_of_another_version_is_refused_by_name(case: Any, version: Any, made: str) -> None:
    members = archive.read(case.pack)
    members[MANIFEST] = canonical(json.loads(members[MANIFEST]) | {"version": version})
    refused(verify_bytes(archive.write(members), case.trust), MANIFEST, "not the one that was signed")
    payload = json.loads(base64.b64decode(json.loads(members[ATTESTATION])["payload"]))
    payload["subject"][0]["digest"]["sha256"] = bytes_digest(members[MANIFEST]).removeprefix("sha256:")
    members[ATTESTATION] = sign(canonical(payload), [case.key])
    refused(verify_bytes(archive.write(members), case.trust), MANIFEST, f"pack version {version}", made)


def test_the_verifier_reads_what_this_version_writes() -> None:
    assert packed.SCHEMA == SCHEMA


def test_a_trace_that_leads_elsewhere_is_refused(case: Any) -> None:
    def edit(files: dict[str, Any]) -> None:
        records = files["trace.json"]["records"][case.run.id]["leaks"]
        records[next(iter(records))] = "sha256:" + "0" * 64

    refused(resigned(case, edit), "trace.json")


def test_another_specification_is_refused(case: Any) -> None:
    def edit(files: dict[str, Any]) -> None:
        files["specs/full.json"]["gate"] = {}

    refused(resigned(case, edit), "specs")


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=500))
def test_noise_is_refused_and_never_a_crash(data: bytes) -> None:
    assert not verify_bytes(data, Trust(())).ok


@pytest.mark.parametrize("name", ["decision.json", "criteria.json", "specs/full.json", "trace.json"])
@pytest.mark.parametrize("value", [[], {}, None, {"criteria": 1}, {"files": []}, "x"])
def test_a_signed_member_of_another_shape_is_refused_and_never_a_crash(case: Any, name: str, value: Any) -> None:
    def edit(files: dict[str, Any]) -> None:
        files[name] = canonical(value)

    members = archive.read(case.pack)
    members[name] = canonical(value)
    del members[ATTESTATION]
    del members[MANIFEST]
    members[MANIFEST] = canonical({"files": {n: bytes_digest(d) for n, d in members.items()}, "version": PACK_VERSION})
    old = json.loads(base64.b64decode(json.loads(archive.read(case.pack)[ATTESTATION])["payload"]))
    said = old["predicate"] | {"decision_digest": bytes_digest(members["decision.json"])}
    members[ATTESTATION] = sign(
        statement({MANIFEST: bytes_digest(members[MANIFEST])}, old["predicateType"], said), [case.key]
    )
    assert not verify_bytes(archive.write(members), case.trust).ok


def test_the_verifier_needs_python_and_cryptography_only(case: Any, tmp_path: Path) -> None:
    pack, trust = tmp_path / "pack.zip", tmp_path / "trust.json"
    pack.write_bytes(case.pack)
    trust.write_text(trust_json([case.key.public]))
    good = run(pack, "--trust", trust, "--require", "any")
    assert good.returncode == 0, good.stderr
    assert "no-ship" in good.stdout
    assert "not compared with the records" in good.stdout
    assert run(pack, "--trust", trust).returncode == 1
    pack.write_bytes(case.pack + b"\n")
    bad = run(pack, "--trust", trust)
    assert bad.returncode == 4
    assert "1 bytes were added" in bad.stdout
    missing = run(tmp_path / "none.zip", "--trust", trust)
    assert missing.returncode == 2
    assert "cannot read the pack" in missing.stderr


def test_a_file_is_read_from_disk(case: Any, tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(case.pack)
    assert verify_pack(path, case.trust).ok
    path.write_bytes(b"")
    refused(verify_pack(path, case.trust), "empty")


@pytest.mark.parametrize(
    "name",
    ["extra.json", "attestations/second.dsse.json", "report2.html", "decision.json2", "runs/attempts-0000.jsonl"],
)
def test_a_member_that_nobody_holds_is_refused(case: Any, name: str) -> None:
    found = resigned(case, lambda parsed: parsed.update({name: b"{}"}))
    refused(found, name, "no member of an evidence pack has this name")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among the files here")
def test_a_pipe_holds_nobody_up(case: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pack.zip")
    with pytest.raises(UsageError, match="it is no file"):
        verify_pack(tmp_path / "pack.zip", case.trust)
