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
from typing import Any, Literal, NamedTuple

from shipworthy.core import condition, confirmation, ledger
from shipworthy.core.digests import PREFIX, MerkleTree, bytes_digest, leaf_hash, merkle_root
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.core.finished import PLANNED, count_made, finished
from shipworthy.evidence import archive, audited, bounds, recount
from shipworthy.evidence.recount import Counts, Measure
from shipworthy.store import chain
from shipworthy.store.dsse import verify as verify_envelope
from shipworthy.store.shards import MOST_SHARDS, log_name, log_origin
from shipworthy.store.trust import PublicKey, Trust, load_trust

MANIFEST = "manifest.json"
ATTESTATION = "attestations/decision.dsse.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PACK_VERSION = 4
SCHEMA = 2
"""Of the run logs in a pack. `core.records` says it, too, and is not imported here: it needs more than Python."""

PREDICATE_TYPE = "https://shipworthy.example/attestation/release-decision/v1"


class Check(NamedTuple):
    """One thing that was checked: what, whether it holds, and what was found."""

    what: str
    ok: bool
    detail: str


class Verification(NamedTuple):
    """What a verifier found. `ok` only if every check holds and none was left out."""

    checks: tuple[Check, ...]
    decision: Mapping[str, Any]
    signers: tuple[PublicKey, ...]

    @property
    def ok(self) -> bool:
        """Whether the pack can be believed."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong; empty if nothing is."""
        return tuple(f"{check.what}: {check.detail}" for check in self.checks if not check.ok)


class _Run(NamedTuple):
    """A run in a pack, read: its manifest, its records, and what a record's hash is."""

    manifest: Mapping[str, Any]
    seal: Mapping[str, Any]
    records: list[Mapping[str, Any]]
    hashes: Mapping[str, str]

    @property
    def counted(self) -> list[Mapping[str, Any]]:
        return recount.last_tries(self.records)


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


def verify_bytes(data: bytes, trust: Trust) -> Verification:
    """Check a pack in memory; see `verify_pack`."""
    verifier = _Verifier(trust)
    try:
        verifier.run(data)
    except IntegrityError as error:
        verifier.fail(str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        # Members that are signed but not shaped as a pack's members are: not a pack that can be believed.
        verifier.fail(f"not shaped as in an evidence pack ({type(error).__name__}: {error})")
    return Verification(tuple(verifier.checks), verifier.decision, verifier.signers)


class _Verifier:
    """Runs the checks in order. The first that fails ends it: what follows would rest on it."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.checks: list[Check] = []
        self.current = "archive"
        self.members: dict[str, bytes] = {}
        self.decision: Mapping[str, Any] = {}
        self.signers: tuple[PublicKey, ...] = ()
        self.runs: dict[str, _Run] = {}
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
        return f"{len(self.runs)} run{'s' * (len(self.runs) != 1)}, {records:,} records, chains intact"

    def log(self, folder: str) -> _Run:
        """Read a run's records once: each shard's chain, no attempt twice, and what is counted of each."""
        seal, manifest = self.json(f"{folder}/seal.json"), self.json(f"{folder}/manifest.json")
        logs = self.shards(folder, manifest)
        records: list[Mapping[str, Any]] = []
        heads: list[bytes] = []
        leaves: dict[str, bytes] = {}
        hashes: dict[str, str] = {}
        failed: set[str] = set()
        for shard, name in enumerate(logs):
            head = log_origin(self.member(f"{folder}/manifest.json"), shard)
            for number, hash, body in _chained(name, self.member(name), head, b""):
                head = hash
                record = body.partition(b',"attempt":')[2][:-1]
                attempt = json.loads(record)
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
        return _Run(manifest, seal, records, hashes)

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
        gone = {line["run"] for name in ("earlier", "later") for line in said[name] if line["gone"]}
        if (said["number"], said["sentence"]) != (found.number, ledger.sentence(found, gone)):
            raise IntegrityError("decision.json: its ledger is told in other words than its lines")
        return ledger.sentence(found, gone)

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
        counted = 0
        for result in results:
            id, criterion = result["id"], asked.get(result["id"])
            if any(stated[id].get(key) != value for key, value in result.items()):
                raise IntegrityError(f"criteria.json: {id} differs from the decision")
            if criterion is None:
                self.unreached(result)
                continue
            self.specified(result, criterion, written.get("bound", "gaffke"))
            self.audited(result, criterion)
            counted += self.recount(result, criterion.get("attack"), stated[id])
            if result["verdict"] == "ship":
                self.fit(result, criterion)
        if self.decision["verdict"] == "ship":
            self.errors(float(written.get("max_error_rate", 0.05)))
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

    def s1_hits(self, decided: Sequence[_Run]) -> list[str]:
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

    def unreached(self, result: Mapping[str, Any]) -> None:
        """Check that a criterion which the specification does not hold decided nothing."""
        if result["verdict"] != "inconclusive" or result.get("rate") is not None:
            raise IntegrityError(f"decision.json: the criterion {result['id']} was decided and not specified")

    def specified(self, result: Mapping[str, Any], criterion: Mapping[str, Any], method: str) -> None:
        """Hold a result against the criterion that was specified, and against the runs of the decision."""
        id, must = result["id"], condition.parse(result["must"])
        metric = criterion.get("metric") or self.suite_metric(result)
        same = (
            " ".join(str(criterion["must"]).split()) == result["must"]
            and (criterion["suite"], metric) == (result["suite"], result["metric"])
            and must.test == result["test"]
            and abs(must.limit - result["limit"]) < 1e-9
            and abs(must.confidence - result.get("confidence", 0.95)) < 1e-9
            and result.get("method", "gaffke") == method
        )
        if not same:
            raise IntegrityError(f"decision.json: the criterion {id} is not the one that was specified")
        if result.get("run") not in self.decision["runs"] or (
            result.get("baseline_run") and result["baseline_run"] not in self.decision.get("baseline_runs", ())
        ):
            raise IntegrityError(
                f"decision.json: the criterion {id} was tested on a run that the decision is not about"
            )

    def audited(self, result: Mapping[str, Any], criterion: Mapping[str, Any]) -> None:
        """Hold an audit by labels against the specification, the records, and what the decision read of the log."""
        id, asked, said = result["id"], criterion.get("audited_by") == "labels", result.get("audit")
        if said is None and (not asked or result.get("rate") is None):
            return
        if said is None or not asked:
            raise IntegrityError(f"decision.json: {id} is {'not ' if asked else ''}audited by labels, unlike specified")
        # `ledger` checked that what was read is a part of the log, and ends before the decision.
        entries = self.entries[: self.decision["ledger"]["entries"]]
        audited.check(result, criterion.get("attack"), self.runs[result["run"]].counted, entries)

    def suite_metric(self, result: Mapping[str, Any]) -> str:
        """Return a suite's main metric; what the result says where the pack does not hold the suite."""
        name = f"suites/{result['suite']}/suite.json"
        return str(self.json(name)["metric"] if name in self.members else result["metric"])

    def fit(self, result: Mapping[str, Any], criterion: Mapping[str, Any]) -> None:
        """Check that a criterion which passed was allowed to decide: whole runs, few errors, enough samples."""
        id, suite = result["id"], result["suite"]
        for name in filter(None, (result["run"], result.get("baseline_run"))):
            use = next((u for u in self.runs[name].manifest["suites"] if u["id"] == suite), None)
            made = sum(record["suite"] == suite for record in self.runs[name].counted)
            if use is None or made < use["attempts"]:
                raise IntegrityError(f"decision.json: {id} passed on the run {name}, which lacks attempts of {suite}")
        use = next(u for u in self.runs[result["run"]].manifest["suites"] if u["id"] == suite)
        if sum(result.get("unscored", {}).values()) > use["max_error_rate"] * result.get("planned", 0):
            raise IntegrityError(f"decision.json: {id} passed with more unscored attempts than {suite} allows")
        clusters = [result.get("clusters", 0)]
        if condition.parse(result["must"]).each:
            clusters += [row["clusters"] for row in result.get("attacks", ())]
        if min(clusters) < criterion.get("min_clusters", 1):
            raise IntegrityError(f"decision.json: {id} passed on fewer samples than it asks for")

    def errors(self, limit: float) -> None:
        """Check the gate's own limit on attempts without a score."""
        for name in self.decision["runs"]:
            run = self.runs[name]
            if recount.unscored(run.counted, run.manifest) > limit * run.manifest["planned"]:
                raise IntegrityError(
                    f"decision.json: it ships with more attempts without a score in {name} than the gate allows"
                )

    def recount(self, result: Mapping[str, Any], attack: str | None, stated: Mapping[str, Any]) -> int:
        """Count one criterion again; returns 1, or 0 where it counted nothing (and so may not pass)."""
        id, verdict = result["id"], result["verdict"]
        if result.get("rate") is None:
            if verdict == "ship":
                raise IntegrityError(f"decision.json: {id} passed without a rate")
            if result.get("attacks"):
                self.attacks(result, attack, stated)
            return 0
        new, old = self.runs[result["run"]], None
        measure = self.measure(result)
        what = result["suite"], measure, attack
        must = condition.parse(result["must"])
        bad: Literal["high", "low"] = "high" if must.side == "upper" else "low"
        if result["test"] == "threshold":
            counts = recount.count(new.counted, *what)
            worst = recount.count(new.counted, *what, fill=bad)
        else:
            old = self.runs[result["baseline_run"]]
            same_seed = new.manifest["seed"] == old.manifest["seed"]
            counts = recount.count_paired(new.counted, old.counted, *what, same_seed=same_seed)
            worst = recount.count_paired(new.counted, old.counted, *what, same_seed=same_seed, fill=bad)
        each = self.attacks(result, attack, stated)
        labels = result.get("audit", {})
        rows = audited.rows(counts.clusters, worst.clusters) if labels else ()
        shown, highest = counts, audited.estimate(rows, labels, float(bad == "high")) if labels else worst.rate
        if must.each:
            shown = max(
                (pair for pair in each if pair[0].trials),
                key=lambda pair: (pair[1].rate, pair[0].rate, -len(pair[0].clusters)),
            )[0]
            highest = max(filled.rate for _, filled in each)
        found = shown.hits, shown.trials, len(shown.clusters), counts.errors
        said = tuple(result.get(name, 0) for name in ("hits", "trials", "clusters", "errors"))
        tables = ((counts, stated["counts"]), (worst, stated["worst"]))
        if found != said or any({k: list(v) for k, v in c.clusters.items()} != t for c, t in tables):
            raise IntegrityError(
                f"decision.json: {id} says {said} hits, trials, clusters and errors; the records hold {found}"
            )
        if counts.unscored != result.get("unscored", {}):
            raise IntegrityError(f"decision.json: {id} lists other attempts without a score than the records hold")
        near = 1e-9 * max(1.0, abs(measure.low), abs(measure.high))
        stated_worst = result.get("worst_rate")
        if (stated_worst is None) is bool(counts.unscored) or (
            stated_worst is not None and abs(highest - stated_worst) > near
        ):
            raise IntegrityError(f"decision.json: the worst case of {id} is not that of its unscored attempts")
        rate = audited.estimate(rows, labels) if labels else shown.rate
        if abs(rate - result["rate"]) > near or not result["low"] - near <= result["rate"] <= result["high"] + near:
            raise IntegrityError(f"decision.json: the estimate or interval of {id} does not fit its counts")
        threshold = must.test == "threshold"
        met = result["bound"] >= must.limit if threshold and must.side == "lower" else result["bound"] <= must.limit
        if verdict == "ship" and not met:
            raise IntegrityError(f"decision.json: {id} passed though its bound does not meet its limit")
        judged = [filled for _, filled in each] if must.each else [worst]
        level = must._replace(confidence=must.level(len(judged)))
        if (
            audited.too_good(rows, labels, result["bound"], must)
            if labels
            else any(self.too_good(result, filled, measure, level) for filled in judged)
        ):
            raise IntegrityError(f"decision.json: the bound of {id} is better than its counts can give")
        self.spans(result, counts, measure, must)
        return 1

    def spans(self, result: Mapping[str, Any], counts: Counts, measure: Measure, must: condition.Condition) -> None:
        """Check that a rate's two-sided interval is as wide as what was scored asks for.

        Of a condition on each attack it is the interval of the attack that decides, whose row was held to its counts.
        The intervals of a change, of a mean and of an audited rate are made in other ways, and are not checked here.
        """
        if must.test != "threshold" or measure.value or result.get("audit"):
            return
        ends = result["low"], result["high"]
        rows = [(row["low"], row["high"]) for row in result.get("attacks", ()) if row["rate"] == result["rate"]]
        if must.each and rows:
            wide = ends in rows
        else:
            two_sided = must._replace(confidence=1 - (1 - must.confidence) / 2)
            sides: tuple[tuple[Literal["lower", "upper"], float], ...] = (("lower", ends[0]), ("upper", ends[1]))
            ends_too_good = (
                self.too_good({**result, "bound": end}, counts, measure, two_sided._replace(side=side))
                for side, end in sides
            )
            wide = not any(ends_too_good)
        if not wide:
            raise IntegrityError(f"decision.json: the interval of {result['id']} is narrower than its counts can give")

    def attacks(
        self, result: Mapping[str, Any], attack: str | None, stated: Mapping[str, Any]
    ) -> list[tuple[Counts, Counts]]:
        """Count each attack of a rate again and hold its row to it.

        Returns:
            Of each attack, its counts, and those with every attempt without a score a hit; none of what has no rows.
        """
        id, measure, must = result["id"], self.measure(result), condition.parse(result["must"])
        rows = {row["attack"]: row for row in result.get("attacks", ())}
        if must.test != "threshold" or measure.value:
            if rows:
                raise IntegrityError(f"decision.json: {id} has rows of attacks, and is on no rate")
            return []
        run = self.runs[result["run"]]
        bad: Literal["high", "low"] = "high" if must.side == "upper" else "low"
        names = recount.attacks(run.manifest, result["suite"], attack)
        if list(rows) != (names if len(names) > 1 else []) or len(rows) != len(result.get("attacks", ())):
            raise IntegrityError(f"decision.json: the attacks of {id} are not those that its run used")
        if sorted(rows) != sorted(stated["by_attack"]):
            raise IntegrityError(f"criteria.json: {id} has the counts of other attacks than the decision")
        found = []
        for name in names:
            what = recount.of_attack(run.counted, name), result["suite"], measure, None
            counts, worst = recount.count(*what), recount.count(*what, fill=bad)
            found.append((counts, worst))
            if row := rows.get(name):
                tables = ((counts, "counts"), (worst, "worst"))
                said = stated["by_attack"][name]
                if any({k: list(v) for k, v in c.clusters.items()} != said[key] for c, key in tables):
                    raise IntegrityError(f"criteria.json: the counts of {name} in {id} are not those in the records")
                self.attack_row(result, row, counts, measure, must)
        return found

    def attack_row(
        self,
        result: Mapping[str, Any],
        row: Mapping[str, Any],
        counts: Counts,
        measure: Measure,
        must: condition.Condition,
    ) -> None:
        """Hold one attack's row to what was counted: numbers, rate, and an interval no narrower than they allow."""
        wrong = IntegrityError(f"decision.json: what {result['id']} says of the attack {row['attack']} is not so")
        numbers = counts.hits, counts.trials, len(counts.clusters), sum(counts.unscored.values())
        if tuple(row[key] for key in ("hits", "trials", "clusters", "unscored")) != numbers:
            raise wrong
        rate, low, high = (row[key] for key in ("rate", "low", "high"))
        if not counts.trials:
            if (rate, low, high) != (None, None, None):
                raise wrong
            return
        if None in (rate, low, high) or abs(rate - counts.rate) > 1e-9 or not low - 1e-9 <= rate <= high + 1e-9:
            raise wrong
        two_sided = must._replace(confidence=1 - (1 - must.confidence) / 2)
        for side, end in (("upper", high), ("lower", low)):
            one = two_sided._replace(side=side)  # type: ignore[arg-type]
            if self.too_good({**result, "bound": end}, counts, measure, one):
                raise wrong

    def measure(self, result: Mapping[str, Any]) -> Measure:
        """Return a result's metric as the manifests of its runs declare it, and hold result and condition to it."""
        id, suite, metric = result["id"], result["suite"], result["metric"]
        declared = [
            recount.measures(self.runs[name].manifest, suite).get(metric)
            for name in filter(None, (result["run"], result.get("baseline_run")))
        ]
        if declared[0] is None or declared[-1] != declared[0]:
            raise IntegrityError(f"decision.json: {id} is about a metric that its runs do not declare, or not alike")
        uses = self.runs[result["run"]].manifest["suites"]
        written = next(m for use in uses if use["id"] == suite for m in use["metrics"] if m["name"] == metric)
        if result.get("measure") != written:
            raise IntegrityError(f"decision.json: {id} describes the metric {metric} in another way than its run")
        if not declared[0].takes(condition.parse(result["must"])):
            raise IntegrityError(f"decision.json: {id} asks {result['must']!r}, which {metric} does not take")
        return declared[0]

    @staticmethod
    def too_good(
        result: Mapping[str, Any],
        counts: Counts,
        measure: Measure,
        must: condition.Condition,
    ) -> bool:
        """Say whether a bound is better than what was counted can give."""
        bound, threshold = result["bound"], must.test == "threshold"
        if measure.value or result.get("method") == "proved":
            # Of a change the decision keeps the amount of worsening: a loss lies on the negative side.
            width = measure.high - measure.low
            low, high = (measure.low, measure.high) if threshold else (-width, width)
            signed = -bound if must.side == "lower" and not threshold else bound
            return recount.mean_too_good(counts.means, signed, must, low, high)
        return bounds.too_good(counts.means, bound, must)

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
    lines = [f"{'ok ' if check.ok else 'BAD'}  {check.what:10}  {check.detail}" for check in found.checks]
    if found.ok:
        verdict = f"{found.decision['verdict']} ({found.decision['id']})"
        lines.append(f"The pack is what its signers made. Its verdict: {verdict}. {found.decision['reason']}")
    else:
        lines.append("The pack cannot be believed.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a pack from the command line: 0 it holds, 2 wrong usage, 4 it does not."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m shipworthy.evidence.verify", description="Verify a pack, offline.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--trust", type=Path, required=True, help="the verifier's own trust file")
    chosen = parser.parse_args(arguments)
    try:
        trust = load_trust(chosen.trust)
        found = verify_pack(chosen.pack, trust)
    except ShipworthyError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(report(found) + "\n")
    return 0 if found.ok else 4


if __name__ == "__main__":
    sys.exit(main())
