"""Verify an evidence pack, offline. Needs Python and `cryptography`, nothing else of what shipworthy depends on.

    python -m shipworthy.evidence.verify PACK.zip --trust trust.json

`evidence.bundle` makes one file of this module and what it imports, for those who have no shipworthy.

Whom to believe comes from the verifier's own trust file, never from the pack. Every byte of the archive is covered:
the container has one spelling, the manifest names the SHA-256 of every member, the signature covers the manifest.
On top of that the content is held against itself, so that a signer's mistake shows too: each run's chain, Merkle root
and audit entry, the digests, the trace, and every criterion counted again from the records.
"""

from __future__ import annotations

import gc
import io
import json
import os
import re
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from shipworthy.core import confirmation, ledger
from shipworthy.core.digests import PREFIX, bytes_digest
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.core.finished import Finished, at_look, count_made, finished
from shipworthy.core.terminal import visible
from shipworthy.evidence import (
    archive,
    certified,
    customer,
    freshness,
    recount,
    selftested,
    signed_off,
    times,
    unchanged,
    words,
)
from shipworthy.evidence.criteria import Criteria
from shipworthy.evidence.dossier_shape import FOLDER as DOSSIER
from shipworthy.evidence.dossier_shape import KNOWN as DOSSIER_FILES
from shipworthy.evidence.dossier_shape import check_source
from shipworthy.evidence.packed import chained, member, read_json, read_run
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.shape import anything, mapped
from shipworthy.evidence.specified import Specified
from shipworthy.evidence.verification import Check, Verification, report
from shipworthy.store import chain
from shipworthy.store.authority import check_signers
from shipworthy.store.dsse import verify as verify_envelope
from shipworthy.store.trust import PublicKey, Trust, load_trust, read_time

_KNOWN = re.compile(
    r"VERIFY\.md|verify\.py|report\.html|(?:decision|criteria|trace)\.json|audit-log\.jsonl|specs/[^/]+\.json"
    r"|suites/[^/]+/(?:card\.md|suite\.json)|runs/[^/]+/(?:manifest|subject|seal)\.json|runs/[^/]+/attempts[^/]*\.jsonl"
    r"|workspace/.+|conformance/[0-9]{2}\.dsse\.json|signoff/audit-log\.jsonl|attestations/release-[0-9]{2}\.dsse\.json|"
    + DOSSIER_FILES
)
"""Members of a pack. What has another name is read by nobody here, and by whom else nobody knows."""

MANIFEST = "manifest.json"
ATTESTATION = "attestations/decision.dsse.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PACK_VERSION = 5
_MOST_SIGNED = 1 << 24
"""Bytes of manifest or attestation: all that is read of a pack before somebody trusted has signed it."""

PREDICATE_TYPE = "https://shipworthy.example/attestation/release-decision/v1"


def _finished(run: PackedRun) -> Finished:
    """Say whether a run is finished by its rule; a search is no evidence before its plan is made whole."""
    made = Counter(record["suite"] for record in run.counted)
    looked = all(at_look(use.get("looks", ()), use["attempts"], made[use["id"]]) for use in run.manifest["suites"])
    rule = "sequential" if run.manifest.get("stopping", {}).get("rule") == "sequential" else "fixed"
    return finished(rule, run.manifest["planned"], count_made(run.hashes), concluded=looked)


def verify_pack(path: Path, trust: Trust) -> Verification:
    """Check a pack against a verifier's trust file.

    Args:
        path: the pack.
        trust: whom the verifier believes.

    Raises:
        UsageError: the file cannot be read.
    """
    verifier = _Verifier(trust)
    try:
        # A pipe would hold up whoever opens it, so what it is is asked first, and again of what was opened.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"cannot read the pack {path}: it is no file")
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UsageError(f"cannot read the pack {path}: it is no file")
            # Of a pack that nobody has signed, no more is read than it takes to see that.
            if verifier.go(verifier.opening(file)):
                file.seek(0)
                with _uncollected():
                    data = file.read(archive.MAX_BYTES + 1)
                    if verifier.go(verifier.inside(data)) and verifier.go(verifier.beside()):
                        verifier.again()
    except OSError as error:
        raise UsageError(f"cannot read the pack {path}: {error.strerror}") from error
    return verifier.found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no reference cycles: records have none, and looking through all of them takes a tenth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def verify_bytes(data: bytes, trust: Trust, *, again: bool = True) -> Verification:
    """Check a pack in memory; see `verify_pack`.

    Args:
        again: whether to read the safety files and render the report inside again, where all of shipworthy is there.
    """
    verifier = _Verifier(trust)
    held = verifier.go(verifier.opening(io.BytesIO(data))) and verifier.go(verifier.inside(data))
    if held and verifier.go(verifier.beside()) and again:
        verifier.again()
    return verifier.found


Step = tuple[str, Callable[[], str]]


class _Verifier:
    """Runs the checks in order. The first that fails ends it: what follows would rest on it."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.checks: list[Check] = []
        self.members: dict[str, bytes] = {}
        self.decision: Mapping[str, Any] = {}
        self.predicate: Mapping[str, Any] = {}
        self.signers: tuple[PublicKey, ...] = ()
        self.runs: dict[str, PackedRun] = {}
        self.entries: list[Mapping[str, Any]] = []
        self.head = b""
        self.signed_off: list[Mapping[str, Any]] = []
        self.specified: Specified
        self.for_customers = False
        self.manifests: Mapping[str, Mapping[str, Any]] = {}

    @property
    def found(self) -> Verification:
        if self.for_customers:
            return Verification(
                tuple(self.checks), self.decision, self.signers, self.manifests,
                recomputed=customer.HELD, believed=customer.BELIEVED,
            )  # fmt: skip
        manifests = {name: run.manifest for name, run in self.runs.items()}
        audit = self.members.get("audit-log.jsonl", b"") + self.members.get(signed_off.LOG, b"")
        decided = tuple(self.signed_off)
        return Verification(tuple(self.checks), self.decision, self.signers, manifests, audit, decided)

    def go(self, steps: Sequence[Step]) -> bool:
        """Take some steps; say whether all of them held."""
        for what, step in steps:
            try:
                self.checks.append(Check(what, True, step()))
            except (IntegrityError, ValueError) as error:
                self.checks.append(Check(what, False, str(error)))
            except (KeyError, TypeError, AttributeError, IndexError, RecursionError, ArithmeticError) as error:
                # Members that are signed but not shaped as a pack's members are: not a pack that can be believed.
                why = f"not shaped as in an evidence pack ({type(error).__name__}: {error})"
                self.checks.append(Check(what, False, why))
            if not self.checks[-1].ok:
                return False
        return True

    def opening(self, file: BinaryIO) -> Sequence[Step]:
        """What comes first: nothing else is read before a trusted signature covers it."""
        return (("signature", lambda: self.signature(file)),)

    def inside(self, data: bytes) -> Sequence[Step]:
        """What is checked of a pack whose manifest is signed."""
        first: Sequence[Step] = (("archive", lambda: self.archive(data)), ("members", self.manifest))
        if self.for_customers:
            return (*first, ("decision", self.told))
        return (
            *first,
            ("decision", self.decide),
            ("run logs", self.logs),
            ("audit log", self.audit),
            ("digests", self.digests),
            ("ledger", self.ledger),
            ("criteria", self.criteria),
            ("trace", self.trace),
            ("unchanged", self.unchanged),
        )

    def beside(self) -> Sequence[Step]:
        """What is checked of what people signed, and of certificates of gateways, where the pack has any."""
        steps: list[Step] = []
        if signed_off.wanted(self.members, self.trust):
            steps.append(("sign-off", self.sign_off))
        if certified.names(self.members):
            steps.append(("gateways", self.gateways))
        if any(name.startswith(DOSSIER) for name in self.members) and not self.for_customers:
            steps.append(("sections", lambda: check_source(self.members)))
        return steps

    def told(self) -> str:
        self.decision, self.manifests = customer.check(self.members, self.predicate)
        return (
            f"{self.decision['id']}: {self.decision['verdict']}, {len(self.decision['criteria'])} criteria, as signed"
        )

    def sign_off(self) -> str:
        decided = [self.runs[name] for name in self.decision["runs"]]
        fresh = any(gate.get("fresh", False) for gate in self.gates())
        spoilt = [("unscored", run.manifest["id"]) for run in decided if self.blank_runs([run])]
        spoilt += [("kept-replies", run.manifest["id"]) for run in decided if fresh and run.replies.cached]
        held = signed_off.PackedEvidence(
            decision=self.decision,
            decision_digest=bytes_digest(self.members["decision.json"]),
            runs=self.runs,
            entries=self.entries,
            head=self.head,
            spoilt=spoilt,
            risks={risk["id"]: risk.get("severity", "S1") for risk in self.json("trace.json")["risks"]},
        )
        self.signed_off = signed_off.check(self.members, self.trust, held)
        told = [f"{one['verdict']} by {one['by']} for {one['market']}" for one in self.signed_off]
        marks = sum(bool(one["overridden"]) for one in self.signed_off)
        return "; ".join(told) + (f"; {marks} OVERRIDDEN" if marks else "")

    def gateways(self) -> str:
        guards = {self.runs[name].manifest.get("guards", "") for name in self.decision["runs"]} - {""}
        return certified.check(self.members, self.trust, sorted(guards), time.time())

    def member(self, name: str) -> bytes:
        return member(self.members, name)

    def json(self, name: str) -> Any:
        return read_json(name, self.member(name))

    # ---- the container and its signature

    def signature(self, file: BinaryIO) -> str:
        if not file.seek(0, io.SEEK_END):
            raise IntegrityError("the file is empty")
        found = archive.find(file, (MANIFEST, ATTESTATION), _MOST_SIGNED)
        for name in (MANIFEST, ATTESTATION):
            if name not in found:
                raise IntegrityError(f"{name}: missing")
        try:
            payload, self.signers = verify_envelope(found[ATTESTATION], self.trust)
        except IntegrityError as error:
            raise IntegrityError(f"{ATTESTATION}: {error}") from None
        statement = read_json(ATTESTATION, payload)
        words.statement(statement, ATTESTATION)
        self.for_customers = statement["predicateType"] == customer.PREDICATE_TYPE
        if statement["_type"] != STATEMENT_TYPE or not (
            self.for_customers or statement["predicateType"] == PREDICATE_TYPE
        ):
            raise IntegrityError(f"{ATTESTATION}: not a statement about a release decision")
        digest = bytes_digest(found[MANIFEST]).removeprefix(PREFIX)
        if statement["subject"] != [{"name": MANIFEST, "digest": {"sha256": digest}}]:
            raise IntegrityError(f"{MANIFEST}: not the one that was signed")
        self.predicate, self.members = statement["predicate"], found
        try:
            signed = read_time(self.predicate["created"], "created")
        except UsageError as error:
            raise IntegrityError(f"{ATTESTATION}: {error}") from None
        check_signers(self.trust, self.signers, signed)
        return "signed by " + ", ".join(f"{key.owner} ({key.keyid[:12]})" for key in self.signers)

    def archive(self, data: bytes) -> str:
        signed = self.members
        self.members = archive.read(data)
        if any(self.members.get(name) != content for name, content in signed.items()):
            raise IntegrityError("the file changed while it was read")
        return f"{len(self.members)} members, every byte accounted for"

    def manifest(self) -> str:
        manifest = self.json(MANIFEST)
        mapped(anything)(manifest, MANIFEST)
        if (version := manifest.get("version")) != PACK_VERSION:
            made = "by shipworthy <= 0.1" if version == 1 else "by another version of shipworthy"
            raise IntegrityError(
                f"{MANIFEST}: the pack was made {made} (pack version {version}; this verifier reads {PACK_VERSION}): "
                "verify it with the version that made it"
            )
        words.index(manifest, MANIFEST)
        listed = manifest["files"]
        covered = set(self.members) - {MANIFEST, ATTESTATION}
        for name in sorted(set(listed) | covered):
            if name not in self.members:
                raise IntegrityError(f"{name}: missing (the manifest lists it)")
            if name not in listed:
                raise IntegrityError(f"{name}: added (the manifest does not list it)")
            if bytes_digest(self.members[name]) != listed[name]:
                raise IntegrityError(f"{name}: its content was changed")
            if not (customer.KNOWN if self.for_customers else _KNOWN).fullmatch(name):
                raise IntegrityError(f"{name}: no member of an evidence pack has this name; nothing would hold it")
            if name.endswith(".json"):
                self.json(name)  # also of what no step reads: another reader may
        return f"SHA-256 of {len(listed)} members as in {MANIFEST}"

    # ---- the content, held against itself

    def decide(self) -> str:
        decision = self.json("decision.json")
        words.decision(decision, "decision.json")
        signed = {"decision_digest": bytes_digest(self.members["decision.json"])}
        signed |= {name: decision[name] for name in ("id", "system", "gate", "verdict", "created", "subject_digest")}
        for name, value in signed.items():
            if self.predicate[name] != value:
                raise IntegrityError(f"decision.json: {name} is not what was signed")
        verdicts = [result["verdict"] for result in decision["criteria"]]
        forced = "no-ship" if decision.get("s1_hits") or "no-ship" in verdicts else None
        if (forced and decision["verdict"] != forced) or (decision["verdict"] == "ship" and set(verdicts) != {"ship"}):
            raise IntegrityError(f"decision.json: the verdict {decision['verdict']} does not follow from its criteria")
        if both := set(decision["runs"]) & set(decision.get("baseline_runs", ())):
            raise IntegrityError(f"decision.json: the run {min(both)} is its own baseline")
        self.decision = decision
        return f"{decision['id']}: {decision['verdict']}, {len(verdicts)} criteria"

    def logs(self) -> str:
        for name in (*self.decision["runs"], *self.decision.get("baseline_runs", ())):
            self.runs[name] = read_run(self.members, f"runs/{name}")
            if self.runs[name].manifest["id"] != name:
                raise IntegrityError(f"runs/{name}/manifest.json: of another run")
        records = sum(len(run.records) for run in self.runs.values())
        return f"{len(self.runs)} run{'s' * (len(self.runs) != 1)}, {records:,} records, chains intact"

    def audit(self) -> str:
        name, first, entries = "audit-log.jsonl", chain.origin(b"audit"), []
        head = first
        for number, hash, body in chained(name, self.member(name), first, b'"entry":'):
            head = hash
            entries.append(read_json(f"{name}:{number}", body))
            words.entry(entries[-1], f"{name}:{number}")
            if entries[-1]["number"] != number:
                raise IntegrityError(f"{name}:{number}: out of order")
        self.head = head
        if chain.head_text(head) != self.predicate["audit_head"]:
            raise IntegrityError(f"{name}: its head is not the one that was signed")
        digest = bytes_digest(self.members["decision.json"])
        self.entries = entries
        made = [
            e["body"] for e in entries if e["kind"] == "decision.made" and e["body"]["decision"] == self.decision["id"]
        ]
        if [body["digest"] for body in made] != [digest]:
            raise IntegrityError(f"{name}: does not record this decision")
        for id, run in self.runs.items():
            known = [e for e in entries if e["kind"] in ("run.finished", "run.seen") and e["body"]["run"] == id]
            sealed = run.seal["original"]
            if not known or {key: known[-1]["body"][key] for key in ("head", "heads", "merkle")} != sealed:
                raise IntegrityError(f"{name}: records the run {id} with another head than its seal, or not at all")
            state = _finished(run)
            if (known[-1]["kind"] == "run.finished") is not state.yes:
                raise IntegrityError(f"{name}: records the run {id} as {known[-1]['kind']}, but {state.why}")
            if made[0]["heads"].get(id) != sealed["head"]:
                raise IntegrityError(f"{name}: the decision was made on another state of the run {id}")
            told = {"system", "plan", "planned", "spec_digest", "subject_digest"}
            if any(known[-1]["body"].get(key) != run.manifest[key] for key in told):
                raise IntegrityError(f"{name}: describes the run {id} in another way than its manifest")
        said = {key: made[0].get(key) for key in ("system", "verdict", "gate", "runs")}
        if said != {key: self.decision[key] for key in said}:
            raise IntegrityError(f"{name}: records the decision with another verdict, or on other runs")
        times.check(self.decision, self.runs, entries, time.time())
        return f"{len(entries)} entries, chain intact; it records the decision and its runs"

    def digests(self) -> str:
        specs = {plan: bytes_digest(self.member(f"specs/{plan}.json")) for plan in self.plans}
        distinct = sorted(set(specs.values()))
        # One specification has its own digest; several have that of their sorted list.
        named = (
            distinct[0] if len(distinct) == 1 else bytes_digest(json.dumps(distinct, separators=(",", ":")).encode())
        )
        if named != self.decision["spec_digest"]:
            raise IntegrityError("specs: not what the decision's spec_digest names")
        self.specified = Specified({plan: self.json(f"specs/{plan}.json") for plan in self.plans})
        decided = [self.runs[name].manifest for name in self.decision["runs"]]
        if not decided or {manifest["plan"] for manifest in decided} != set(specs):
            raise IntegrityError("specs: not the plans of the decision's runs")
        for manifest in decided:
            if manifest["spec_digest"] != specs[manifest["plan"]]:
                raise IntegrityError(f"decision.json: the run {manifest['id']} was made under another specification")
            if manifest["subject_digest"] != self.decision["subject_digest"]:
                raise IntegrityError(f"decision.json: the run {manifest['id']} measured another subject")
        for id, run in self.runs.items():
            if run.manifest["plan"] in specs and run.manifest["spec_digest"] == specs[run.manifest["plan"]]:
                self.specified.hold(run.manifest, f"runs/{id}/manifest.json")
                self.specified.hold_scores(run.manifest, run.records, f"runs/{id}")
        self.suites()
        self.subjects()
        whole = 0
        for id, run in self.runs.items():
            subject = bytes_digest(self.member(f"runs/{id}/subject.json"))
            if self.json(f"runs/{id}/subject.json") != run.manifest["subject"]:
                raise IntegrityError(f"runs/{id}/subject.json: not the one in the run's manifest")
            if run.seal["subject"] == "whole":
                whole += 1
                if subject != run.manifest["subject_digest"]:
                    raise IntegrityError(f"runs/{id}/subject.json: not what its subject_digest names")
        redacted = len(self.runs) - whole
        return "specification and subjects as named" + (
            f" ({redacted} subjects redacted: not checked)" if redacted else ""
        )

    def suites(self) -> None:
        """Hold what the pack says of its suites against the specification."""
        for name in sorted(self.members):
            if name.startswith("suites/") and name.endswith("/suite.json"):
                self.specified.hold_suite(self.json(name), name)

    def ledger(self) -> str:
        """Read the ledger again from the audit log: no run on the same samples may be left out of the decision."""
        said = self.decision.get("ledger")
        if said is None:
            raise IntegrityError("decision.json: does not say which of the runs on these samples it is about")
        scopes = [_scope(self.runs[name].manifest) for name in self.decision["runs"]]
        decided, baselines = self.decision["runs"], self.decision.get("baseline_runs", ())
        id = self.decision["id"]
        until = next(e["number"] for e in self.entries if e["kind"] == "decision.made" and e["body"]["decision"] == id)
        read = said["entries"]
        if type(read) is not int or not 0 <= read < until:
            raise IntegrityError("decision.json: its ledger was not read from the audit log as it was before")

        def lines(last: int) -> list[ledger.RunLine]:
            entries = ((e["kind"], e["body"]) for e in self.entries[:last])
            return ledger.lines(entries, scopes, baselines)

        found = ledger.place(lines(read), decided)
        written = {name: [(line["run"], line["state"], line["subject_digest"]) for line in said[name]] for name in ("earlier", "later")}  # fmt: skip  # noqa: E501
        if written != {"earlier": [*map(tuple, found.earlier)], "later": [*map(tuple, found.later)]}:
            raise IntegrityError("decision.json: its ledger is not that of the audit log")
        known = {line.run for line in (*found.earlier, *found.later)} | set(decided)
        # A baseline that was never entered before is entered with the decision.
        if missed := [line.run for line in lines(until - 1) if line.run not in known | set(baselines)]:
            raise IntegrityError(f"decision.json: its ledger lacks {missed[0]}, which was begun before the decision")
        told = ((e["kind"], e["body"]) for e in self.entries[:read])
        often = ledger.tries(told, scopes, self.decision["subject_digest"], decided)
        # An earlier version did not count what was tried elsewhere: its packs hold where there was none.
        if {"elsewhere": 0, **(said.get("tries") or {})} != {**often._asdict(), "sentence": ledger.tried(often)}:
            raise IntegrityError("decision.json: how often this was tried is not what the audit log says")
        gone = {line["run"] for name in ("earlier", "later") for line in said[name] if line["gone"]}
        if (said["number"], said["sentence"]) != (found.number, ledger.sentence(found, gone)):
            raise IntegrityError("decision.json: its ledger is told in other words than its lines")
        kept = freshness.check(self.decision, self.predicate, self.runs, self.gates())
        selftested.check(self.decision, self.runs[self.decision["runs"][0]].manifest, self.entries[: said["entries"]])
        return f"{ledger.sentence(found, gone)}; {ledger.tried(often)}; {kept}"

    def gates(self) -> list[Mapping[str, Any]]:
        """Return the gate, as each specification has it; `digests` checks that they are the ones that were named."""
        return [g for p in self.plans for g in self.json(f"specs/{p}.json")["entities"].get("gate", {}).values()]

    def subjects(self) -> None:
        """Hold what a decision says of its subjects against the manifests: what was compared, and with what."""
        mine = self.subject(self.decision["runs"], self.decision.get("subject"), "subject")
        baseline, old = self.decision.get("baseline"), self.decision.get("baseline_runs", ())
        if not old:
            if baseline is not None:
                raise IntegrityError("decision.json: says what it compares with, and has no baseline run")
            return
        if baseline is None:
            raise IntegrityError("decision.json: does not say what its baseline runs measured")
        theirs = self.subject(old, baseline["subject"], "baseline")
        if theirs["subject"] == mine["subject"]:
            raise IntegrityError("decision.json: compares a subject with itself")
        same = bool(mine["declared"]) and mine["declared"] == theirs["declared"]
        if baseline.get("same_target", False) is not same:
            raise IntegrityError("decision.json: whether the baseline is of the same target is not what the runs say")
        how, named = baseline.get("how", "named"), baseline.get("decision", "")
        if how not in words.HOW or (how == "gate") is not bool(named) or self.specified.baseline != named:
            raise IntegrityError("decision.json: its baseline is not the one that the gate names")
        if how == "pinned":
            system = self.decision["system"]
            pins = [e for e in self.entries if e["kind"] == "baseline.set" and e["body"]["system"] == system]
            if not pins or [pins[-1]["body"]["run"]] != list(old):
                raise IntegrityError("decision.json: its baseline is not the one that the audit log has as pinned")

    def subject(self, runs: Sequence[str], said: Mapping[str, Any] | None, what: str) -> Mapping[str, str]:
        """Return what the manifests of runs say of their one subject, held against what the decision says."""
        found = []
        for id in runs:
            manifest = self.runs[id].manifest
            declared = manifest["subject"].get("declared") or {}
            found.append(
                {
                    "subject": manifest["subject_digest"],
                    "declared": declared.get("target", ""),
                    "guards": manifest.get("guards", ""),
                    "reasoning": manifest["subject"].get("reasoning", ""),
                }
            )
        if any(one != found[0] for one in found):
            raise IntegrityError(f"decision.json: the runs of its {what} measured different subjects")
        told = (
            None if said is None else (said["digest"], *(said.get(k, "") for k in ("declared", "guards", "reasoning")))
        )
        if told != tuple(found[0].values()):
            raise IntegrityError(f"decision.json: its {what} is not what the runs measured")
        return found[0]

    @property
    def plans(self) -> list[str]:
        """The plans whose specification the pack holds: what each of them reaches in the safety files."""
        names = sorted(name for name in self.members if name.startswith("specs/"))
        return [name.removeprefix("specs/").removesuffix(".json") for name in names]

    def criteria(self) -> str:
        specified = self.specified
        if self.decision["gate"] != specified.gate:
            raise IntegrityError(f"decision.json: the gate {self.decision['gate']} is not the one that was specified")
        listed = self.json("criteria.json")
        words.criteria(listed, "criteria.json")
        stated = {entry["id"]: entry for entry in listed["criteria"]}
        results = self.decision["criteria"]
        ids = [result["id"] for result in results]
        if [entry["id"] for entry in listed["criteria"]] != ids or len(set(ids)) != len(ids):
            raise IntegrityError("criteria.json: other criteria than the decision's, or one of them twice")
        # The spec holds what the run's plan reaches. With the gate `all`, a criterion on another suite is part of the
        # decision and not of the spec; it may only be undecided.
        wanted = specified.selected
        odd = set(specified.criteria) - set(ids) if wanted is None else set(wanted) ^ set(ids)
        if odd:
            raise IntegrityError(f"decision.json: its criteria are not those of the gate: {', '.join(sorted(odd))}")
        held = Criteria(self.decision, self.runs, self.entries, specified)
        counted = sum([held.check(result, stated[result["id"]]) for result in results])
        decided = [self.runs[name] for name in self.decision["runs"]]
        hits = self.s1_hits(decided)
        if hits != sorted(self.decision.get("s1_hits", ())):
            raise IntegrityError("decision.json: the hits on S1 samples are not those in the records")
        lacking = {id for run in decided for id in recount.s1_unscored(run.counted, run.manifest)} - set(hits)
        if sorted(lacking) != sorted(self.decision.get("s1_unscored", ())):
            raise IntegrityError("decision.json: the S1 samples without a score are not those in the records")
        verdict = overall([result["verdict"] for result in results], hits, lacking, self.blank_runs(decided))
        if self.decision["verdict"] != verdict:
            raise IntegrityError(
                f"decision.json: it says {self.decision['verdict']}; by its criteria, its S1 samples and its errors it "
                f"is {verdict}"
            )
        return f"{counted} of {len(results)} counted again from the records, with the same result; {len(hits)} S1 hits"

    def blank_runs(self, decided: Sequence[PackedRun]) -> bool:
        """Say whether a run lacks more scores than the gate allows."""
        limit = self.specified.max_error_rate

        def possible(run: PackedRun) -> int:
            made = Counter(record["suite"] for record in run.counted)
            asked = sum(
                next((look for look in use.get("looks", ()) if look >= made[use["id"]]), use["attempts"])
                for use in run.manifest["suites"]
            )
            return int(asked) - sum(recount.inapplicable(run.counted).values())

        return any(recount.unscored(run.counted, run.manifest) > limit * possible(run) for run in decided)

    def s1_hits(self, decided: Sequence[PackedRun]) -> list[str]:
        """Return the hits on S1 samples, less those that the audit log confirms as none; hold what was said to it."""
        id, found = (
            self.decision["id"],
            {run.manifest["id"]: recount.s1_hits(run.records, run.manifest) for run in decided},
        )
        made = next(e["number"] for e in self.entries if e["kind"] == "decision.made" and e["body"]["decision"] == id)

        def standing(last: int) -> list[confirmation.HitWord]:
            # `ledger` checked that what was read is a part of the log, and ends before the decision.
            words = [
                confirmation.word(e["number"], e["body"])
                for e in self.entries[:last]
                if e["kind"] == confirmation.CONFIRMED
            ]
            return [word for run, hits in found.items() for word in confirmation.standing(words, run, hits).values()]

        read = standing(self.decision["ledger"]["entries"])
        names = ("run", "attempt", "said", "by", "because", "entry")
        if [{name: getattr(word, name) for name in names} for word in read] != list(
            self.decision.get("confirmations", ())
        ):
            raise IntegrityError("decision.json: what it says was said of S1 hits is not what the audit log holds")
        out = {(word.run, word.attempt) for word in read if word.said == "no-hit"}
        if back := out - {(word.run, word.attempt) for word in standing(made - 1) if word.said == "no-hit"}:
            raise IntegrityError(
                f"decision.json: rests on a word on {min(back)[1]} that was taken back before the decision was entered"
            )
        return sorted({hit for run, hits in found.items() for hit in hits if (run, hit) not in out})

    def trace(self) -> str:
        trace = self.json("trace.json")
        words.trace(trace, "trace.json")
        said = {name: self.decision[name] for name in ("verdict", "system", "spec_digest", "subject_digest")}
        if trace["decision"] != self.decision["id"] or {name: trace[name] for name in said} != said:
            raise IntegrityError("trace.json: of another decision")
        results = {result["id"]: result for result in self.decision["criteria"]}
        for criterion in (c for risk in trace["risks"] for r in risk["requirements"] for c in r["criteria"]):
            result = results.get(criterion["id"], {"id": criterion["id"]})
            named = {key: result.get(key, "") for key in ("must", "verdict", "metric", "run", "baseline_run")}
            if {key: criterion[key] for key in named} != named:
                raise IntegrityError(f"trace.json: says of {result['id']} what the decision does not")
        linked = 0
        for id, suites in trace["records"].items():
            for listed in suites.values():
                for attempt, digest in listed.items():
                    linked += 1
                    if id not in self.runs or self.runs[id].hashes.get(attempt) != digest:
                        raise IntegrityError(f"trace.json: the record {attempt} of {id} is not the one in the pack")
        if linked != sum(len(run.records) for run in self.runs.values()):
            raise IntegrityError("trace.json: does not lead to every record")
        return f"leads from {len(trace['risks'])} risks to {linked:,} records"

    def unchanged(self) -> str:
        return unchanged.check(self.members, self.predicate, self.decision, self.runs, self.entries)

    def again(self) -> None:
        """Read the safety files and render the report again, where that can be done: this file needs only Python."""
        try:
            from shipworthy.evidence.customer_pack import check_pages
            from shipworthy.evidence.dossier.packed import check_dossier
            from shipworthy.evidence.known import check_known
            from shipworthy.evidence.rendered import check_report
            from shipworthy.evidence.ruled import check_rules
            from shipworthy.evidence.written import check_written
        except ImportError as error:
            why = "not compared with the records, nor are the guide and the verifier beside it: "
            why += f"that takes all of shipworthy ({error})"
            self.checks.append(Check("report", True, why, compared=False))
            if not self.for_customers and (other := unchanged.not_to_the_byte(self.members)):
                why = f"{other[0]}: not the file that was decided on, to the byte: telling whether more than"
                self.checks.append(Check("files", False, f"{why} operational settings differ takes all of shipworthy"))
            return
        steps = [("fields", check_known), ("files", check_written), ("report", check_report)]
        if any(name.startswith(DOSSIER) for name in self.members):
            steps.append(("dossier", check_dossier))
        if self.for_customers:
            steps = [("pages", check_pages)]
        if self.signed_off:
            steps.append(("rules", check_rules))
        for what, check in steps:
            try:
                self.checks.append(check(self.members))
            except (IntegrityError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                self.checks.append(Check(what, False, f"cannot be read again ({type(error).__name__}: {error})"))
            if not self.checks[-1].ok:
                return


def overall(verdicts: Sequence[str], hits: Collection[str], lacking: Collection[str], blank: bool) -> str:
    """Return the verdict that follows, by the rules of the gate.

    Args:
        verdicts: of the criteria; at least one.
        hits, lacking: attempts on S1 samples that are hits, or have no score.
        blank: whether a run lacks more scores than the gate allows.
    """
    if hits or "no-ship" in verdicts:
        return "no-ship"
    return "inconclusive" if blank or lacking or set(verdicts) != {"ship"} else "ship"


def _scope(manifest: Mapping[str, Any]) -> ledger.Scope:
    suites = frozenset(use["id"] for use in manifest["suites"])
    return ledger.Scope(manifest["system"], manifest["spec_digest"], tuple(manifest.get("draws", ())), suites)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a pack from the command line; the exit codes are those of `evidence.require`."""
    import argparse

    from shipworthy.evidence import require

    parser = argparse.ArgumentParser(
        description="Verify a pack, offline, and that it says what is required.",
        epilog=require.EXIT_HELP,
        allow_abbrev=False,
    )
    parser.add_argument("pack", type=Path)
    parser.add_argument("--trust", type=Path, required=True, help="the verifier's own trust file")
    require.add_options(parser)
    chosen = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to say nothing
    try:
        asked = require.wanted(
            verdict=chosen.require,
            system=chosen.system,
            subject=chosen.subject,
            max_age=chosen.max_age,
            audit_head=chosen.audit_head,
            audit_log=chosen.audit_log,
        )
        trust = load_trust(chosen.trust)
        found = verify_pack(chosen.pack, trust)
        given = require.answer(found, asked, trust)
    except ShipworthyError as error:
        sys.stderr.write(f"error: {visible(str(error))}\n")
        return error.exit_code
    sys.stdout.write("\n".join((report(found), *given.lines)) + "\n")
    return given.code


if __name__ == "__main__":
    sys.exit(main())
