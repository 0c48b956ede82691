"""Verify an evidence pack, offline. Needs Python and `cryptography`, nothing else of what shipworthy depends on.

    python -m shipworthy.evidence.verify PACK.zip --trust trust.json

Whom to believe comes from the verifier's own trust file, never from the pack. Every byte of the archive is covered:
the container has one spelling, the manifest names the SHA-256 of every member, the signature covers the manifest.
On top of that the content is held against itself, so that a signer's mistake shows too: each run's chain, Merkle root
and audit entry, the digests, the trace, and every criterion counted again from the records.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core import confirmation, ledger
from shipworthy.core.digests import PREFIX, MerkleTree, bytes_digest, leaf_hash, merkle_root
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.core.finished import PLANNED, count_made, finished
from shipworthy.core.freshness import Replies, of_record
from shipworthy.evidence import archive, freshness, recount, unchanged
from shipworthy.evidence.criteria import Criteria
from shipworthy.evidence.recount import PackedRun
from shipworthy.store import chain
from shipworthy.store.authority import check_signers
from shipworthy.store.dsse import verify as verify_envelope
from shipworthy.store.shards import MOST_SHARDS, log_name, log_origin
from shipworthy.store.trust import PublicKey, Trust, load_trust, read_time

MANIFEST = "manifest.json"
ATTESTATION = "attestations/decision.dsse.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PACK_VERSION = 5
SCHEMA = 2
"""Of the run logs in a pack. `core.records` says it, too, and is not imported here: it needs more than Python."""

PREDICATE_TYPE = "https://shipworthy.example/attestation/release-decision/v1"


class Check(NamedTuple):
    """One thing that was checked: what, whether it holds, and what was found.

    `compared` is False for what was not checked at all: `ok` then only says that nothing was found against it.
    """

    what: str
    ok: bool
    detail: str
    compared: bool = True


class Verification(NamedTuple):
    """What a verifier found. `ok` only if every check holds and none was left out.

    Attributes:
        manifests: of the runs, by id; `audit` the lines of the audit log.
    """

    checks: tuple[Check, ...]
    decision: Mapping[str, Any]
    signers: tuple[PublicKey, ...]
    manifests: Mapping[str, Mapping[str, Any]] = {}
    audit: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the pack can be believed."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong; empty if nothing is."""
        return tuple(f"{check.what}: {check.detail}" for check in self.checks if not check.ok)


def verify_pack(path: Path, trust: Trust) -> Verification:
    """Check a pack against a verifier's trust file.

    Args:
        path: the pack.
        trust: whom the verifier believes.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        too_large = path.stat().st_size > archive.MAX_BYTES + (1 << 24)
        data = b"" if too_large else path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the pack {path}: {error.strerror}") from error
    return verify_bytes(data, trust)


def verify_bytes(data: bytes, trust: Trust, *, again: bool = True) -> Verification:
    """Check a pack in memory; see `verify_pack`.

    Args:
        again: whether to read the safety files and render the report inside again, where all of shipworthy is there.
    """
    verifier = _Verifier(trust)
    try:
        verifier.run(data)
        if again:
            verifier.checks.extend(verifier.again())
    except IntegrityError as error:
        verifier.fail(str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        # Members that are signed but not shaped as a pack's members are: not a pack that can be believed.
        verifier.fail(f"not shaped as in an evidence pack ({type(error).__name__}: {error})")
    manifests = {name: run.manifest for name, run in verifier.runs.items()}
    audit = verifier.members.get("audit-log.jsonl", b"")
    return Verification(tuple(verifier.checks), verifier.decision, verifier.signers, manifests, audit)


class _Verifier:
    """Runs the checks in order. The first that fails ends it: what follows would rest on it."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.checks: list[Check] = []
        self.current = "archive"
        self.members: dict[str, bytes] = {}
        self.decision: Mapping[str, Any] = {}
        self.signers: tuple[PublicKey, ...] = ()
        self.runs: dict[str, PackedRun] = {}
        self.entries: list[Mapping[str, Any]] = []

    def fail(self, why: str) -> None:
        self.checks.append(Check(self.current, False, why))

    def run(self, data: bytes) -> None:
        steps: Sequence[tuple[str, Callable[[], str]]] = (
            ("archive", lambda: self.archive(data)),
            ("members", self.manifest),
            ("signature", self.signature),
            ("decision", self.decide),
            ("run logs", self.logs),
            ("audit log", self.audit),
            ("digests", self.digests),
            ("ledger", self.ledger),
            ("criteria", self.criteria),
            ("trace", self.trace),
            ("unchanged", self.unchanged),
        )
        for self.current, step in steps:
            self.checks.append(Check(self.current, True, step()))

    def member(self, name: str) -> bytes:
        if name not in self.members:
            raise IntegrityError(f"{name}: missing")
        return self.members[name]

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.member(name))
        except ValueError as error:
            raise IntegrityError(f"{name}: not JSON: {error}") from None

    # ---- the container and its signature

    def archive(self, data: bytes) -> str:
        if not data:
            raise IntegrityError("the file is empty, or too large for a pack")
        self.members = archive.read(data)
        return f"{len(self.members)} members, every byte accounted for"

    def manifest(self) -> str:
        manifest = self.json(MANIFEST)
        if (version := manifest.get("version")) != PACK_VERSION:
            made = "by shipworthy <= 0.1" if version == 1 else "by another version of shipworthy"
            raise IntegrityError(
                f"{MANIFEST}: the pack was made {made} (pack version {version}; this verifier reads {PACK_VERSION}): "
                "verify it with the version that made it"
            )
        listed = manifest["files"]
        covered = set(self.members) - {MANIFEST, ATTESTATION}
        for name in sorted(set(listed) | covered):
            if name not in self.members:
                raise IntegrityError(f"{name}: missing (the manifest lists it)")
            if name not in listed:
                raise IntegrityError(f"{name}: added (the manifest does not list it)")
            if bytes_digest(self.members[name]) != listed[name]:
                raise IntegrityError(f"{name}: its content was changed")
        return f"SHA-256 of {len(listed)} members as in {MANIFEST}"

    def signature(self) -> str:
        try:
            payload, self.signers = verify_envelope(self.member(ATTESTATION), self.trust)
        except IntegrityError as error:
            raise IntegrityError(f"{ATTESTATION}: {error}") from None
        statement = json.loads(payload)
        if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
            raise IntegrityError(f"{ATTESTATION}: not a statement about a release decision")
        digest = bytes_digest(self.members[MANIFEST]).removeprefix(PREFIX)
        if statement["subject"] != [{"name": MANIFEST, "digest": {"sha256": digest}}]:
            raise IntegrityError(f"{MANIFEST}: not the one that was signed")
        self.predicate = statement["predicate"]
        try:
            signed = read_time(self.predicate["created"], "created")
        except UsageError as error:
            raise IntegrityError(f"{ATTESTATION}: {error}") from None
        check_signers(self.trust, self.signers, signed)
        return "signed by " + ", ".join(f"{key.owner} ({key.keyid[:12]})" for key in self.signers)

    # ---- the content, held against itself

    def decide(self) -> str:
        decision = self.json("decision.json")
        signed = {"decision_digest": bytes_digest(self.members["decision.json"])}
        signed |= {name: decision[name] for name in ("id", "system", "gate", "verdict", "created", "subject_digest")}
        for name, value in signed.items():
            if self.predicate[name] != value:
                raise IntegrityError(f"decision.json: {name} is not what was signed")
        verdicts = [result["verdict"] for result in decision["criteria"]]
        forced = "no-ship" if decision.get("s1_hits") or "no-ship" in verdicts else None
        if (forced and decision["verdict"] != forced) or (
            decision["verdict"] == "ship" and (not verdicts or set(verdicts) != {"ship"})
        ):
            raise IntegrityError(f"decision.json: the verdict {decision['verdict']} does not follow from its criteria")
        self.decision = decision
        return f"{decision['id']}: {decision['verdict']}, {len(verdicts)} criteria"

    def logs(self) -> str:
        for name in (*self.decision["runs"], *self.decision.get("baseline_runs", ())):
            self.runs[name] = self.log(f"runs/{name}")
            if self.runs[name].manifest["id"] != name:
                raise IntegrityError(f"runs/{name}/manifest.json: of another run")
        if not self.decision["runs"]:
            raise IntegrityError("decision.json: rests on no run")
        records = sum(len(run.records) for run in self.runs.values())
        kept = freshness.check(self.decision, self.predicate, self.runs, self.gates())
        return f"{len(self.runs)} run{'s' * (len(self.runs) != 1)}, {records:,} records, chains intact; {kept}"

    def log(self, folder: str) -> PackedRun:
        """Read a run's records once: each shard's chain, no attempt twice, and what is counted of each."""
        seal, manifest = self.json(f"{folder}/seal.json"), self.json(f"{folder}/manifest.json")
        logs = self.shards(folder, manifest)
        records: list[Mapping[str, Any]] = []
        heads: list[bytes] = []
        leaves: dict[str, bytes] = {}
        hashes: dict[str, str] = {}
        failed: set[str] = set()
        given = Replies()
        for shard, name in enumerate(logs):
            head = log_origin(self.member(f"{folder}/manifest.json"), shard)
            for number, hash, body in _chained(name, self.member(name), head, b""):
                head = hash
                timing, _, record = body.partition(b',"attempt":')
                record = record[:-1]
                attempt = json.loads(record)
                own = of_record(attempt.get("events", ()), json.loads(timing.removeprefix(b'"timing":')))
                given = given.and_(own)
                id, planned = str(attempt["id"]), str(attempt["id"])[:PLANNED]
                if id in leaves:
                    raise IntegrityError(f"{name}:{number}: an attempt that is there twice")
                if planned != id and planned not in failed:
                    raise IntegrityError(f"{name}:{number}: tries an attempt again that had not failed")
                (failed.discard if attempt["outcome"] == "scored" else failed.add)(planned)
                leaves[id], hashes[id] = leaf_hash(record), bytes_digest(record)
                records.append({key: attempt[key] for key in recount.COUNTED if key in attempt})
            heads.append(head)
        self.sealed(folder, logs, heads, seal["pack"])
        if len(records) != seal["records"]:
            raise IntegrityError(f"{folder}/seal.json: not all the records that were sealed")
        tree = MerkleTree()
        for id in sorted(leaves):
            tree.add(leaves[id])
        if tree.root != seal["pack"]["merkle"]:
            raise IntegrityError(f"{folder}/seal.json: the Merkle root of the records is another one")
        return PackedRun(manifest, seal, records, hashes, replies=given)

    def shards(self, folder: str, manifest: Mapping[str, Any]) -> list[str]:
        """Return the names of a run's logs, one a shard."""
        where, schema = f"{folder}/manifest.json", manifest.get("schema", 1)
        if schema != SCHEMA:
            made = "by shipworthy <= 0.1" if schema == 1 else "by another version of shipworthy"
            raise IntegrityError(
                f"{where}: {manifest['id']} was made {made} (run log schema {schema}; this verifier reads {SCHEMA}): "
                "verify the pack with the version that made it"
            )
        shards = manifest.get("shards", 1)
        if type(shards) is not int or not 1 <= shards <= MOST_SHARDS:
            raise IntegrityError(f"{where}: a run has 1 to {MOST_SHARDS:,} shards, not {shards}")
        logs = [f"{folder}/{log_name(shard)}" for shard in range(shards)]
        if odd := sorted({name for name in self.members if name.startswith(f"{folder}/attempts")} - set(logs)):
            raise IntegrityError(f"{odd[0]}: the log of no shard of the run")
        return logs

    def sealed(self, folder: str, logs: Sequence[str], heads: Sequence[bytes], sealed: Mapping[str, Any]) -> None:
        """Hold the heads of a run's chains against those that were sealed."""
        if len(sealed["heads"]) != len(heads):
            raise IntegrityError(f"{folder}/seal.json: seals another number of shards")
        for name, head, said in zip(logs, heads, sealed["heads"], strict=True):
            if chain.head_text(head) != said:
                raise IntegrityError(f"{name}: not all the records that were sealed")
        if merkle_root(heads) != sealed["head"]:
            raise IntegrityError(f"{folder}/seal.json: the run's head is not the Merkle root of its shards' heads")

    def audit(self) -> str:
        name, first, entries = "audit-log.jsonl", chain.origin(b"audit"), []
        head = first
        for number, hash, body in _chained(name, self.member(name), first, b'"entry":'):
            head = hash
            entries.append(json.loads(body))
            if entries[-1]["number"] != number:
                raise IntegrityError(f"{name}:{number}: out of order")
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
            state = finished("fixed", run.manifest["planned"], count_made(run.hashes))
            if (known[-1]["kind"] == "run.finished") is not state.yes:
                raise IntegrityError(f"{name}: records the run {id} as {known[-1]['kind']}, but {state.why}")
            if made[0]["heads"].get(id) != sealed["head"]:
                raise IntegrityError(f"{name}: the decision was made on another state of the run {id}")
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
        decided = [self.runs[name].manifest for name in self.decision["runs"]]
        if not decided or {manifest["plan"] for manifest in decided} != set(specs):
            raise IntegrityError("specs: not the plans of the decision's runs")
        for manifest in decided:
            if manifest["spec_digest"] != specs[manifest["plan"]]:
                raise IntegrityError(f"decision.json: the run {manifest['id']} was made under another specification")
            if manifest["subject_digest"] != self.decision["subject_digest"]:
                raise IntegrityError(f"decision.json: the run {manifest['id']} measured another subject")
        self.subjects()
        whole = 0
        for id, run in self.runs.items():
            subject = bytes_digest(self.member(f"runs/{id}/subject.json"))
            if run.seal["subject"] == "whole":
                whole += 1
                if subject != run.manifest["subject_digest"]:
                    raise IntegrityError(f"runs/{id}/subject.json: not what its subject_digest names")
        redacted = len(self.runs) - whole
        return "specification and subjects as named" + (
            f" ({redacted} subjects redacted: not checked)" if redacted else ""
        )

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

        def lines(last: int) -> list[ledger.Line]:
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
        if said.get("tries") != {**often._asdict(), "sentence": ledger.tried(often)}:
            raise IntegrityError("decision.json: how often this was tried is not what the audit log says")
        gone = {line["run"] for name in ("earlier", "later") for line in said[name] if line["gone"]}
        if (said["number"], said["sentence"]) != (found.number, ledger.sentence(found, gone)):
            raise IntegrityError("decision.json: its ledger is told in other words than its lines")
        return f"{ledger.sentence(found, gone)}; {ledger.tried(often)}"

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
        asked = {
            gate.get("baseline", {}).get("decision")
            for plan in self.plans
            for gate in self.json(f"specs/{plan}.json")["entities"].get("gate", {}).values()
        }
        how, named = baseline.get("how", "named"), baseline.get("decision", "")
        if (
            how not in ("named", "pinned", "gate")
            or (how == "gate") is not bool(named)
            or asked - {None} != {named} - {""}
        ):
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
                }
            )
        if any(one != found[0] for one in found):
            raise IntegrityError(f"decision.json: the runs of its {what} measured different subjects")
        if said is None or (said["digest"], said.get("declared", ""), said.get("guards", "")) != tuple(
            found[0].values()
        ):
            raise IntegrityError(f"decision.json: its {what} is not what the runs measured")
        return found[0]

    @property
    def plans(self) -> list[str]:
        """The plans whose specification the pack holds: what each of them reaches in the safety files."""
        names = sorted(name for name in self.members if name.startswith("specs/"))
        return [name.removeprefix("specs/").removesuffix(".json") for name in names]

    def criteria(self) -> str:
        reached = [self.json(f"specs/{plan}.json")["entities"] for plan in self.plans]
        asked = {
            c["id"]: c for some in reached for r in some.get("requirement", {}).values() for c in r.get("criteria", ())
        }
        written: Mapping[str, Any] = next((g for some in reached for g in some.get("gate", {}).values()), {})
        gate = written.get("criteria", "all")
        stated = {entry["id"]: entry for entry in self.json("criteria.json")["criteria"]}
        results = self.decision["criteria"]
        if list(stated) != [result["id"] for result in results]:
            raise IntegrityError("criteria.json: other criteria than the decision's")
        # The spec holds what the run's plan reaches. With the gate `all`, a criterion on another suite is part of the
        # decision and not of the spec; it may only be undecided.
        odd = set(asked) - set(stated) if gate == "all" else set(gate) ^ set(stated)
        if odd:
            raise IntegrityError(f"decision.json: its criteria are not those of the gate: {', '.join(sorted(odd))}")
        counted, held = 0, Criteria(self.decision, self.runs, self.entries)
        for result in results:
            id, criterion = result["id"], asked.get(result["id"])
            if any(stated[id].get(key) != value for key, value in result.items()):
                raise IntegrityError(f"criteria.json: {id} differs from the decision")
            if criterion is None:
                held.unreached(result)
                continue
            held.specified(result, criterion, written.get("bound", "gaffke"), self.suite_metric(result))
            held.audited(result, criterion)
            counted += held.recount(result, criterion.get("attack"), stated[id])
            if result["verdict"] == "ship":
                held.fit(result, criterion)
        if self.decision["verdict"] == "ship":
            held.errors(float(written.get("max_error_rate", 0.05)))
        decided = [self.runs[name] for name in self.decision["runs"]]
        hits = self.s1_hits(decided)
        if hits != sorted(self.decision.get("s1_hits", ())):
            raise IntegrityError("decision.json: the hits on S1 samples are not those in the records")
        lacking = {id for run in decided for id in recount.s1_unscored(run.counted, run.manifest)} - set(hits)
        if sorted(lacking) != sorted(self.decision.get("s1_unscored", ())):
            raise IntegrityError("decision.json: the S1 samples without a score are not those in the records")
        if self.decision["verdict"] == "ship" and (hits or lacking):
            raise IntegrityError("decision.json: it ships with hits, or attempts without a score, on S1 samples")
        return f"{counted} of {len(results)} counted again from the records, with the same result; {len(hits)} S1 hits"

    def s1_hits(self, decided: Sequence[PackedRun]) -> list[str]:
        """Return the hits on S1 samples, less those that the audit log confirms as none; hold what was said to it."""
        id, found = (
            self.decision["id"],
            {run.manifest["id"]: recount.s1_hits(run.records, run.manifest) for run in decided},
        )
        made = next(e["number"] for e in self.entries if e["kind"] == "decision.made" and e["body"]["decision"] == id)

        def standing(last: int) -> list[confirmation.Word]:
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

    def suite_metric(self, result: Mapping[str, Any]) -> str:
        """Return a suite's main metric; what the result says where the pack does not hold the suite."""
        name = f"suites/{result['suite']}/suite.json"
        return str(self.json(name)["metric"] if name in self.members else result["metric"])

    def trace(self) -> str:
        trace = self.json("trace.json")
        if trace["decision"] != self.decision["id"]:
            raise IntegrityError("trace.json: of another decision")
        linked = 0
        for id, suites in trace["records"].items():
            for listed in suites.values():
                for attempt, digest in listed.items():
                    linked += 1
                    if self.runs[id].hashes.get(attempt) != digest:
                        raise IntegrityError(f"trace.json: the record {attempt} of {id} is not the one in the pack")
        if linked != sum(len(run.records) for run in self.runs.values()):
            raise IntegrityError("trace.json: does not lead to every record")
        return f"leads from {len(trace['risks'])} risks to {linked:,} records"

    def unchanged(self) -> str:
        return unchanged.check(self.members, self.predicate, self.decision, self.runs, self.entries)

    def again(self) -> Iterator[Check]:
        """Read the safety files and render the report again, where that can be done: this file needs only Python."""
        try:
            from shipworthy.evidence.rendered import check_report
            from shipworthy.evidence.written import check_written
        except ImportError as error:
            why = f"not compared with the records: rendering it takes all of shipworthy ({error})"
            yield Check("report", True, why, compared=False)
            return
        yield (files := check_written(self.members))
        if files.ok:
            yield check_report(self.members)


def _scope(manifest: Mapping[str, Any]) -> ledger.Scope:
    suites = frozenset(use["id"] for use in manifest["suites"])
    return ledger.Scope(manifest["system"], manifest["spec_digest"], tuple(manifest.get("draws", ())), suites)


def _chained(name: str, data: bytes, head: bytes, prefix: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, hash and body of each line of a chained file, checking frame and hash."""
    if data and not data.endswith(b"\n"):
        raise IntegrityError(f"{name}: its last line is cut off")
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        body = line[75:]
        head = chain.link(head, body.removeprefix(prefix)[:-1] if prefix else body)
        if line[:75] != b'{"hash":"' + head.hex().encode() + b'",' or not body.startswith(prefix) or body[-1:] != b"}":
            raise IntegrityError(f"{name}:{number}: this line, or the order of lines, is not what was written")
        yield number, head, body.removeprefix(prefix)[:-1] if prefix else body


def report(found: Verification) -> str:
    """Return what was checked, as text."""
    mark = {True: "ok ", False: "BAD"}
    lines = [
        f"{mark[check.ok] if check.compared else '-- '}  {check.what:10}  {check.detail}" for check in found.checks
    ]
    if found.ok:
        verdict = f"{found.decision['verdict']} ({found.decision['id']})"
        lines.append(f"The pack is what its signers made. Its verdict: {verdict}. {found.decision['reason']}")
    else:
        lines.append("The pack cannot be believed.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a pack from the command line; the exit codes are those of `evidence.require`."""
    import argparse

    from shipworthy.evidence import require

    parser = argparse.ArgumentParser(
        prog="python -m shipworthy.evidence.verify",
        description="Verify a pack, offline, and that it says what is required.",
        epilog=require.EXIT_HELP,
        allow_abbrev=False,
    )
    parser.add_argument("pack", type=Path)
    parser.add_argument("--trust", type=Path, required=True, help="the verifier's own trust file")
    require.add_options(parser)
    chosen = parser.parse_args(arguments)
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
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write("\n".join((report(found), *given.lines)) + "\n")
    return given.code


if __name__ == "__main__":
    sys.exit(main())
