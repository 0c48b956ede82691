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
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from shipworthy.core.digests import PREFIX, bytes_digest
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.core.terminal import visible
from shipworthy.evidence import (
    again,
    archive,
    certified,
    customer,
    ledgered,
    signed_off,
    subjects,
    traced,
    unchanged,
    verdict,
    words,
)
from shipworthy.evidence.dossier_shape import FOLDER as DOSSIER
from shipworthy.evidence.dossier_shape import KNOWN as DOSSIER_FILES
from shipworthy.evidence.dossier_shape import check_source
from shipworthy.evidence.logged import read_log
from shipworthy.evidence.named import gates_of, read_specs
from shipworthy.evidence.packed import member, read_json, read_run
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.shape import anything, mapped
from shipworthy.evidence.specified import Specified
from shipworthy.evidence.stamp import GivenStamp, check_stamp, given_stamp
from shipworthy.evidence.verdict import blank_runs
from shipworthy.evidence.verification import Check, Verification, report
from shipworthy.store.authority import check_signers
from shipworthy.store.dsse import verify as verify_envelope
from shipworthy.store.trust import PublicKey, Trust, load_trust, read_time

_KNOWN = re.compile(
    r"VERIFY\.md|verify\.py|report\.html|(?:decision|criteria|findings|trace)\.json|audit-log\.jsonl|specs/[^/]+\.json"
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

SKEW = timedelta(minutes=5)
"""How far a signer's clock may be ahead of a verifier's, or of a time stamp's."""

PREDICATE_TYPE = "https://shipworthy.example/attestation/release-decision/v1"


def verify_pack(path: Path, trust: Trust, stamp: GivenStamp | None = None) -> Verification:
    """Check a pack against a verifier's trust file.

    Args:
        path: the pack.
        trust: whom the verifier believes.
        stamp: a time stamp that must be of this pack; None where none is asked for.

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
                    held = verifier.go(verifier.inside(data)) and verifier.go(verifier.beside())
                    if held and verifier.go(verifier.stamped(data, stamp)):
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
        self.entries: Sequence[Mapping[str, Any]] = ()
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

    def stamped(self, data: bytes, stamp: GivenStamp | None) -> Sequence[Step]:
        """What is checked of a time stamp, where the verifier was given one."""
        return () if stamp is None else (("time stamp", lambda: self.stamp(data, stamp)),)

    def stamp(self, data: bytes, stamp: GivenStamp) -> str:
        found, who = check_stamp(stamp.data, data, stamp.authorities)
        signed = read_time(self.predicate["created"], "created")
        if signed > found.at + timedelta(seconds=found.seconds) + SKEW:
            raise IntegrityError(
                f"the pack was stamped at {found.at:%Y-%m-%d %H:%M:%S} UTC, and says that it was signed later, at "
                f"{signed:%Y-%m-%d %H:%M:%S}"
            )
        near = f" (to {found.seconds:g} s)" if found.seconds else ""
        return f"it was there, signed, at {found.at:%Y-%m-%d %H:%M:%S} UTC{near}, says {who}"

    def told(self) -> str:
        self.decision, self.manifests = customer.check(self.members, self.predicate)
        return (
            f"{self.decision['id']}: {self.decision['verdict']}, {len(self.decision['criteria'])} criteria, as signed"
        )

    def sign_off(self) -> str:
        decided = [self.runs[name] for name in self.decision["runs"]]
        fresh = any(gate.get("fresh", False) for gate in gates_of(self.members))
        limit = self.specified.max_error_rate
        spoilt = [("unscored", run.manifest["id"]) for run in decided if blank_runs([run], limit)]
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
        self.entries, self.head = read_log(self.members, self.decision, self.predicate, self.runs)
        return f"{len(self.entries)} entries, chain intact; it records the decision and its runs"

    def digests(self) -> str:
        self.specified = read_specs(self.members, self.decision, self.runs)
        return subjects.check(self.members, self.decision, self.runs, self.entries, self.specified.baseline)

    def ledger(self) -> str:
        return ledgered.check(self.decision, self.predicate, self.runs, self.entries, gates_of(self.members))

    def criteria(self) -> str:
        return verdict.check(self.members, self.decision, self.runs, self.entries, self.specified)

    def trace(self) -> str:
        return traced.check(self.members, self.decision, self.runs)

    def unchanged(self) -> str:
        return unchanged.check(self.members, self.predicate, self.decision, self.runs, self.entries)

    def again(self) -> None:
        """Read the safety files and render the report again, where all of shipworthy is there."""
        self.checks += again.checks(self.members, for_customers=self.for_customers, signed_off=bool(self.signed_off))


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
        found = verify_pack(chosen.pack, trust, given_stamp(chosen.stamp, chosen.stamp_trust))
        given = require.answer(found, asked, trust)
    except ShipworthyError as error:
        sys.stderr.write(f"error: {visible(str(error))}\n")
        return error.exit_code
    sys.stdout.write("\n".join((report(found), *given.lines)) + "\n")
    return given.code


if __name__ == "__main__":
    sys.exit(main())
