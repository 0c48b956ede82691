"""Building an evidence pack: one deterministic, signed ZIP behind one decision. The same input gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.notes import WrittenNote
from shipworthy.core.records import Decision
from shipworthy.evals.results import Run
from shipworthy.evidence import archive, members
from shipworthy.evidence.bundle import VERIFIER, bundle
from shipworthy.evidence.certified import FOLDER
from shipworthy.evidence.documents import known_secrets
from shipworthy.evidence.dossier.gather import SOURCE, gather
from shipworthy.evidence.dossier.packed import dossier_members
from shipworthy.evidence.dossier.paper import View
from shipworthy.evidence.dossier.written import notes_of
from shipworthy.evidence.guide import GUIDE, VERIFY
from shipworthy.evidence.rendered import REPORT, render, renderer
from shipworthy.evidence.ruled import check_rules
from shipworthy.evidence.trace import trace
from shipworthy.evidence.unchanged import attested
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, PACK_VERSION, PREDICATE_TYPE, verify_bytes
from shipworthy.evidence.written import check_written
from shipworthy.release.decide import joint_digest
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import read_manifest
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.heads import RUN_KINDS
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_decision
from shipworthy.store.signing import SigningKey, sign, statement
from shipworthy.store.trust import RELEASE, PublicKey, Trust
from shipworthy.workspace.files import changed
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.spec import spec

_SHORT = 5
"""Planted strings shorter than this occur by chance in digests; redaction still takes them out of texts."""


def build_pack(
    workspace: Workspace,
    decision: Decision,
    keys: Sequence[SigningKey],
    certificates: Sequence[bytes] = (),
    known: Sequence[PublicKey] = (),
    *,
    view: View = "internal",
) -> bytes:
    """Return the evidence pack of a decision.

    Records the decision and its runs in the audit log if they are not there yet. The pack is verified before it is
    returned: what this would not believe is not handed out.

    Args:
        workspace: the safety files, as they were when the run was made.
        decision: one that was made in this workspace.
        keys: of everyone who signs; at least one.
        certificates: of gateways, signed (`shipworthy conformance --output`).
        known: further keys that certificates may be signed by, and those of the people who signed the release off.
        view: of its dossier: ``internal``, or ``regulator`` with an index by Annex IV. `customer.build_customer_pack`
            builds what customers are given.

    Raises:
        UsageError: a run is not here, or no key is given.
        IntegrityError: the safety files, a run log or the audit log are not as they were, or a secret would get out.
        StoreError: the audit log cannot be written, or the pack would be too large.
    """
    if not keys:
        raise UsageError("a pack needs a signature: name a key with --key (`shipworthy keys new` makes one)")
    made = collect(workspace, decision, certificates, notes_of(workspace.root, view))
    files = made.files | dossier_members(made.files, view)
    check_secrets(files, made.secrets)
    files[MANIFEST] = manifest_of(files, view)
    files[ATTESTATION] = _attest(decision, files, made.audit_head, made.seals, keys)
    data = written(files)
    found = verify_bytes(data, trust_in(keys, known), again=False)
    more = (check_written(files), *((check_rules(files),) if found.ok and found.signed_off else ()))
    found = found._replace(checks=(*found.checks, *more))  # its report was rendered just now
    if not found.ok:
        raise IntegrityError("the pack does not hold together, so it is not written:\n" + "\n".join(found.problems))
    return data


class Collected(NamedTuple):
    """All that a pack holds of a decision, but for the dossier and what is signed.

    Attributes:
        seals: of the runs; `secrets` what was taken out of every text.
    """

    files: dict[str, bytes]
    audit_head: str
    seals: dict[str, dict[str, Any]]
    secrets: tuple[str, ...]


def collect(
    workspace: Workspace,
    decision: Decision,
    certificates: Sequence[bytes] = (),
    notes: Mapping[str, WrittenNote] | None = None,
) -> Collected:
    """Return what a pack holds of a decision, and enter it and its runs in the audit log if they are not there yet.

    Args:
        notes: what people wrote into the dossier that was made before.

    Raises:
        UsageError: a run is not here.
        IntegrityError: the safety files, a run log or the audit log are not as they were.
        StoreError: the audit log cannot be written.
    """
    layout = Layout(workspace.root)
    secrets = known_secrets(workspace)
    names = (*decision.runs, *decision.baseline_runs)
    read = {name: _read(layout.run_directory(name), secrets) for name in names}
    runs, parts = {name: one.run for name, one in read.items()}, {name: one.members for name, one in read.items()}
    decided = [runs[name] for name in decision.runs]
    check_current(workspace, decision, decided)
    entry = register_decision(layout, decision, {name: run.reading for name, run in runs.items()})
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        entries = list(audit.entries())
        looked = entry.number if decision.ledger is None else decision.ledger.entries
        steps = members.findings(audit, looked, secrets)
    originals = {e.body["run"]: e.body for e in entries if e.kind in RUN_KINDS and e.number <= entry.number}
    extract, audit_head = members.audit_extract(iter(entries), entry.number)
    seals = {name: part.seal(originals[name]) for name, part in parts.items()}
    manifests = {name: run.manifest for name, run in runs.items()}
    plans = sorted({run.manifest.plan for run in decided})
    files: dict[str, bytes] = {
        GUIDE: VERIFY.encode(),
        VERIFIER: bundle(),
        "decision.json": canonical(msgspec.to_builtins(decision)),
        "criteria.json": members.criteria(workspace, decision, parts, manifests),
        **{f"specs/{plan}.json": canonical(spec(workspace, plan)) for plan in plans},
        "trace.json": canonical(trace(workspace, decision, {name: part.suites for name, part in parts.items()})),
        "audit-log.jsonl": extract,
        **steps,
    }
    files |= members.suites(workspace, list(runs.values()), secrets)
    files |= members.workspace_files(workspace, secrets)
    for name, part in parts.items():
        files |= part.members(seals[name])
    files |= members.sign_off(entries, entry.number, decision.id)
    for number, certificate in enumerate(sorted(set(certificates), key=bytes_digest), 1):
        files[f"{FOLDER}{number:02}.dsse.json"] = certificate
    files[REPORT] = render(files)
    files[SOURCE] = gather(workspace, secrets, notes or {})
    return Collected(files, audit_head, seals, secrets)


def manifest_of(files: Mapping[str, bytes], view: str) -> bytes:
    """Return ``manifest.json`` of a pack with these members."""
    return canonical(
        {
            "files": {name: bytes_digest(data) for name, data in files.items()},
            "rendered_by": renderer(),
            "version": PACK_VERSION,
            "view": view,
        }
    )


def written(files: Mapping[str, bytes]) -> bytes:
    """Return the bytes of a pack.

    Raises:
        StoreError: it would be too large.
    """
    try:
        return archive.write(files)
    except ValueError as error:
        raise StoreError(f"cannot build the pack: {error}") from error


def trust_in(keys: Sequence[SigningKey], known: Sequence[PublicKey] = ()) -> Trust:
    """Return the trust that whoever builds a pack checks it with: in its own keys, and in others that are known."""
    trusted = {key.keyid: key for key in known}
    for key in keys:
        # Who packs may be one of those who signed off; both are checked here, each in its own roles.
        there = trusted.get(key.public.keyid, key.public)
        trusted[there.keyid] = there._replace(roles=tuple(dict.fromkeys((*there.roles, RELEASE))))
    return Trust(tuple(trusted.values()))


class _Read(NamedTuple):
    """A run, and what a pack holds of it, both from one pass over its logs."""

    run: Run
    members: members.RunMembers


def _read(directory: Path, secrets: Sequence[str]) -> _Read:
    part = members.RunMembers(read_manifest(directory), secrets)
    return _Read(Run.load(directory, visit=part.add), part)


def write_pack(path: Path, data: bytes) -> None:
    """Write a pack, whole or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        make_directory(path.absolute().parent)
        write_atomic(path, data)
    except OSError as error:
        raise StoreError(f"cannot write the pack {path}: {error.strerror}") from error


def check_current(workspace: Workspace, decision: Decision, runs: Sequence[Run]) -> None:
    """Refuse a decision that was made under other safety files.

    Raises:
        IntegrityError: a file that was read is not what it was; names each, with what was recorded and what is there.
    """
    again = f"`shipworthy gate {' '.join(decision.runs)}`"
    if not decision.files:
        raise IntegrityError(
            f"{decision.id} was made by an earlier version of shipworthy and does not say which safety files it was "
            f"made under, so it cannot be held against them\nDecide again: {again}"
        )
    lines = changed(decision.files, workspace.files)
    plans = {run.manifest.plan for run in runs}
    known = all(map(workspace.has_plan, plans))
    stale = not known or joint_digest(map(workspace.spec_digest, plans)) != decision.spec_digest
    if not (lines or stale):
        return
    if stale and not lines:
        lines = ["suites of the library, requirements, gate or plan mean something else than they did"]
    raise IntegrityError(
        f"the safety files are not those that {decision.id} was made under, they changed since:\n"
        + "\n".join(lines)
        + f"\nRestore them from version control, or decide again: {again} (it says so where the system must first be "
        "measured again)"
    )


def _attest(
    decision: Decision,
    files: Mapping[str, bytes],
    audit_head: str,
    seals: Mapping[str, Mapping[str, Any]],
    keys: Sequence[SigningKey],
) -> bytes:
    predicate = {
        **attested(msgspec.to_builtins(decision)),
        "decision_digest": bytes_digest(files["decision.json"]),
        "runs": dict(seals),
        "audit_head": audit_head,
    }
    return sign(statement({MANIFEST: bytes_digest(files[MANIFEST])}, PREDICATE_TYPE, predicate), keys)


def check_secrets(files: Mapping[str, bytes], secrets: Iterable[str]) -> None:
    """Look for every planted secret in the finished bytes: the last net under the redaction of each member."""
    for secret in secrets:
        if len(secret) < _SHORT:
            continue
        for spelling in {secret, msgspec.json.encode(secret).decode()[1:-1]}:
            found = re.compile(
                rb"(?<![0-9A-Za-z])" + re.escape(spelling.encode("utf-8", "replace")) + rb"(?![0-9A-Za-z])"
            )
            for name, data in files.items():
                # A word of the verifier's sources may be one of the secrets, and tells nobody so.
                if name != VERIFIER and found.search(data):
                    raise IntegrityError(
                        f"a planted secret would be in {name}, so no pack is written: take it out of ids, titles and "
                        "file names of the workspace"
                    )
