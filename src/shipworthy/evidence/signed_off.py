"""The sign-off in a pack: who approved, accepted, overrode and decided, and whether the decision follows. Standard
library and `cryptography` only.

The audit log in a pack ends with the gate's decision; what people signed afterwards is the same chain, continued in a
member of its own. Whom to believe, until when and in which role, comes from the verifier's trust file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from shipworthy.core import signoff
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError
from shipworthy.core.preregistration import Registered, registration
from shipworthy.core.signoff import Acceptance, ReleaseBlock
from shipworthy.evidence import signed_words
from shipworthy.evidence.packed import chained, member, read_json
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.words import entry as entry_words
from shipworthy.store.signed import SignedEntry, read_signed
from shipworthy.store.trust import Trust, owners, signs_off

Json = Mapping[str, Any]

LOG = "signoff/audit-log.jsonl"
FOLDER = "attestations/release-"
"""A decision of people, as a DSSE envelope, for readers that know in-toto and not this pack."""


class PackedEvidence(NamedTuple):
    """What the sign-off is held against; all of it was checked before.

    Attributes:
        entries: of the audit log up to the gate's decision, and its `head`, 32 bytes.
        spoilt: see `core.signoff.gate_blocks`.
        risks: id -> severity, by the trace.
    """

    decision: Json
    decision_digest: str
    runs: Mapping[str, PackedRun]
    entries: Sequence[Json]
    head: bytes
    spoilt: Sequence[tuple[str, str]]
    risks: Mapping[str, str]


def member_name(number: int) -> str:
    """Return the name of the member that holds the number-th decision of people, from 1."""
    return f"{FOLDER}{number:02}.dsse.json"


def decided_on(body: Json, decision: str) -> bool:
    """Say whether an entry's body is a decision of people on a gate's decision; it may be anything."""
    try:
        return bool(read_json(LOG, str(body["payload"]).encode())["predicate"]["decision"] == decision)
    except (KeyError, TypeError, IntegrityError):
        return False


def wanted(members: Mapping[str, bytes], trust: Trust) -> bool:
    """Say whether a pack has a sign-off, or the trust file asks for one."""
    return any(n == LOG or n.startswith(FOLDER) for n in members) or any(map(signs_off, trust.roles))


def check(members: Mapping[str, bytes], trust: Trust, held: PackedEvidence) -> list[Json]:
    """Check the sign-off of a pack; return what was decided, one predicate a candidate.

    Raises:
        IntegrityError: names the entry, and says what does not hold.
    """
    if LOG not in members:
        if odd := sorted(name for name in members if name.startswith(FOLDER)):
            raise IntegrityError(f"{odd[0]}: a decision that no audit log in the pack holds")
        if asked := sorted(role for role in trust.roles if signs_off(role)):
            raise IntegrityError(f"nobody signed the release off, and the trust file asks for {', '.join(asked)}")
        return []
    tail = _tail(members, held)
    entries = [*held.entries, *tail]
    decided = [one for one in tail if one["kind"] == signoff.DECIDED and decided_on(one["body"], held.decision["id"])]
    if not decided or decided[-1] is not tail[-1]:
        raise IntegrityError(f"{LOG}: does not end with a decision on {held.decision['id']}")
    seen: set[str] = set()
    found = []
    for number, one in enumerate(decided, 1):
        signed = _read(one, trust)
        if signed.said["candidate"] in seen:
            raise IntegrityError(f"{LOG}: {signed.said['candidate']} was decided twice; the second word does not count")
        seen.add(signed.said["candidate"])
        name = member_name(number)
        if member(members, name) != signed.envelope:
            raise IntegrityError(f"{name}: not what entry {one['number']} of the audit log holds")
        _Held(held, [e for e in entries if e["number"] < one["number"]], trust, signed).check(one["body"])
        found.append(signed.said)
    names = {name for name in members if name.startswith(FOLDER)}
    if odd := sorted(names - {member_name(n) for n in range(1, len(decided) + 1)}):
        raise IntegrityError(f"{odd[0]}: a decision that the audit log does not hold")
    return found


def _tail(members: Mapping[str, bytes], held: PackedEvidence) -> list[Json]:
    found: list[Json] = []
    latest = held.entries[-1]["at"]
    for line, _, body in chained(LOG, member(members, LOG), held.head, b'"entry":'):
        one, where = read_json(f"{LOG}:{line}", body), f"{LOG}:{line}"
        entry_words(one, where)
        if one["number"] != held.entries[-1]["number"] + line:
            raise IntegrityError(f"{where}: out of order")
        if signoff.set_back(latest, one["at"]):
            raise IntegrityError(f"{where}: entered before the entry that it follows: a clock was set back")
        latest = max(latest, one["at"])
        found.append(one)
    return found


def _read(entry: Json, trust: Trust) -> SignedEntry:
    signed = read_signed(entry["number"], entry["at"], entry["kind"], entry["body"], trust)
    signed_words.said(entry["kind"], signed.said, f"entry {entry['number']}")
    return signed


class _Held:
    """One decision, held against the entries before it."""

    def __init__(self, held: PackedEvidence, before: Sequence[Json], trust: Trust, signed: SignedEntry) -> None:
        self.held, self.before, self.trust, self.said = held, before, trust, signed.said
        self.where = f"audit log: entry {signed.entry} ({signed.said['verdict']})"
        self.signed = signed

    def wrong(self, why: str) -> IntegrityError:
        return IntegrityError(f"{self.where}: {why}")

    def check(self, body: Json) -> None:
        said, decision = self.said, self.held.decision
        candidate, number = self.candidate(body["candidate"])
        rules = candidate["rules"]
        mine = {
            "system": decision["system"], "decision": decision["id"], "decision_digest": self.held.decision_digest,
            "gate_verdict": decision["verdict"], "subject_digest": decision["subject_digest"],
        }  # fmt: skip
        for name, value in mine.items():
            if candidate[name] != value or said[name] != value:
                raise self.wrong(f"its {name} is not that of this pack: it was decided on something else")
        if any(said[name] != candidate[name] for name in ("market", "language", "jurisdiction")):
            raise self.wrong("it is for another market, language or jurisdiction than was proposed")
        if dict(self.signed.subject) != {decision["system"]: decision["subject_digest"]}:
            raise self.wrong("its subject is not that of this pack")
        if {one["id"]: one["severity"] for one in rules["risks"]} != self.held.risks:
            raise self.wrong("its candidate has other risks than the trace")
        if late := [e for e in self.before if e["number"] > said["seen"] and e["kind"] in signoff.WATCHED]:
            raise self.wrong(f"made without a look at entry {late[0]['number']}, which came before it")
        results = [{name: one.get(name) for name in signoff.TOLD} for one in decision["criteria"]]
        if said["criteria"] != results:
            raise self.wrong("what it says of the criteria is not what the decision says")
        votes = self.votes(rules, number)
        registered = self.registered()
        if said["registered"] != registered:
            raise self.wrong("what it says was registered beforehand is not what the audit log says")
        if said["verdict"] == signoff.NO_GO:
            self.may(rules, said["by"], said["role"], "approve", signoff.worst_risk(rules))
            if said["expires"] or said["overridden"]:
                raise self.wrong("a NO-GO neither expires nor overrides anything")
            return
        self.follows(rules, votes, registered)

    def candidate(self, id: str) -> tuple[Json, int]:
        for one in self.before:
            if one["kind"] == signoff.PROPOSED and one["body"]["candidate"] == id:
                data = str(one["body"]["payload"]).encode()
                said = read_json(f"entry {one['number']}", data)
                signed_words.candidate(said, f"entry {one['number']}")
                if (bytes_digest(data), said["id"], id) != (self.said["candidate_digest"], id, self.said["candidate"]):
                    break
                return said, one["number"]
        raise self.wrong("it is on a candidate that was not proposed as it says")

    def may(self, rules: Json, by: str, role: str, right: str, severity: str) -> None:
        if why := signoff.refusal(rules, by, role, right, severity):
            raise self.wrong(why)

    def votes(self, rules: Json, proposed: int) -> list[Json]:
        worst, tier = signoff.worst_risk(rules), rules["tier"]
        found: dict[str, SignedEntry] = {}
        for one in self.before:
            if one["kind"] == signoff.APPROVED and one["body"]["candidate"] == self.said["candidate"]:
                vote = _read(one, self.trust)
                if vote.said["candidate_digest"] != self.said["candidate_digest"] or one["number"] < proposed:
                    raise self.wrong(f"entry {one['number']} approves something else than this candidate")
                self.may(rules, vote.said["by"], vote.said["role"], "approve", worst)
                if tier is None or vote.said["role"] not in tier["approvers"]:
                    raise self.wrong(f"entry {one['number']}: {vote.said['role']} is none of the approvers")
                found.pop(signoff.person(vote.said["by"]), None)
                found[signoff.person(vote.said["by"])] = vote
        told = [
            {"entry": v.entry, "by": v.said["by"], "role": v.said["role"], "answer": v.said["answer"]}
            for v in found.values()
        ]
        if sorted(self.said["approvals"], key=_entry) != sorted(told, key=_entry):
            raise self.wrong("the approvals that it names are not those in the audit log")
        yes = [vote for vote in found.values() if vote.said["answer"] == "approved"]
        if self.said["verdict"] != signoff.NO_GO:
            for role, needed in sorted(self.trust.roles.items()):
                have = owners(vote.key for vote in yes if vote.said["role"] == role)
                if signs_off(role) and have < needed:
                    raise self.wrong(f"{have} of {needed} needed people have approved as {role}")
        return [vote.said for vote in found.values()]

    def registered(self) -> list[dict[str, Any]]:
        known = []
        for one in self.before:
            if one["kind"] == signoff.PREREGISTERED:
                with suppress(IntegrityError):  # by a key that does not count: as if it had never been registered
                    known.append(Registered(one["number"], _read(one, self.trust).said))
        found = []
        for id in self.held.decision["runs"]:
            begun = min(e["number"] for e in self.before if e["body"].get("run") == id)
            criteria = [one for one in self.held.decision["criteria"] if one.get("run") == id]
            found.append(registration(self.held.runs[id].manifest, begun, criteria, known))
        return found

    def follows(self, rules: Json, votes: Sequence[Json], registered: Sequence[Json]) -> None:
        """Work the verdict out again from all that the pack can show."""
        said, decision, day = self.said, self.held.decision, self.said["at"][:10]
        tier = rules["tier"]
        if tier is None:
            raise self.wrong("the workspace does not say what a release of its tier takes, so nobody may say GO")
        made = [(id, self.held.runs[id].manifest["created"][:10]) for id in decision["runs"]]
        worst = signoff.worst_risk(rules)
        blocks = [
            *signoff.gate_blocks(decision, rules, self.held.spoilt),
            *signoff.finding_blocks(decision, [(e["number"], e["at"], e["kind"], e["body"]) for e in self.before],
                                    said["at"]),
            *signoff.age_block(rules, made, day),
            *signoff.vote_blocks(rules, votes),
            *(ReleaseBlock("preregistration", one["run"], worst, "") for one in registered
              if tier["preregistered"] and not one["entry"]),
            *(ReleaseBlock("tier-criterion", id, "S1", "") for id in tier["criteria"]
              if id not in {one["id"] for one in decision["criteria"]}),
            *(ReleaseBlock("stale", str(one["body"]["decision"]), "S1", "") for one in self.before if self.later(one)),
        ]  # fmt: skip
        overridden = [
            ReleaseBlock(one["kind"], one["about"], one["severity"], one["reason"]) for one in said["overridden"]
        ]
        known = {one.key for one in blocks}
        for one in overridden:
            # Whether a file was there cannot be seen in a pack; all else that was set aside must have been in the way.
            if one.kind not in signoff.OVERRIDABLE or (one.key not in known and one.kind != "artefact"):
                raise self.wrong(f"overrides {one.kind} {one.about}, which nobody may, or which was not in the way")
            self.may(rules, said["by"], said["role"], "override", one.severity)
        if not overridden:
            self.may(rules, said["by"], said["role"], "approve", worst)
        blocks += [one for one in overridden if one.key not in known]
        covered = [one for one in blocks if self.covered(one, rules, day)]
        named = {(one["kind"], one["about"], one["severity"]) for one in said["accepted"]}
        if named != {one.key for one in covered}:
            raise self.wrong("what it says was accepted is not what the acceptances cover")
        verdict = signoff.follows(blocks, covered, overridden)
        if verdict != said["verdict"]:
            taken = {one.key for one in (*covered, *overridden)}
            open_ = "; ".join(f"{b.kind} {b.about}" for b in blocks if b.key not in taken)
            raise self.wrong(f"by the evidence it is {verdict}{f': {open_}' if open_ else ''}")
        self.expiry(overridden, day)

    def later(self, entry: Json) -> bool:
        """Say whether an entry is a newer decision of the gate on the same subject."""
        body, decision = entry["body"], self.held.decision
        same = (body.get("system"), body.get("subject_digest")) == (decision["system"], decision["subject_digest"])
        return entry["kind"] == "decision.made" and same and entry["number"] > self.held.entries[-1]["number"]

    def covered(self, block: ReleaseBlock, rules: Json, day: str) -> bool:
        entries = [
            number for one in self.said["accepted"]
            if (one["kind"], one["about"]) == (block.kind, block.about) for number in one["entries"]
        ]  # fmt: skip
        good = [self.acceptance(number, rules) for number in entries]
        return bool(signoff.covering(block, self.held.decision, good, day))

    def acceptance(self, number: int, rules: Json) -> Acceptance:
        entry = next((e for e in self.before if e["number"] == number and e["kind"] == signoff.ACCEPTED), None)
        if entry is None:
            raise self.wrong(f"entry {number} is no acceptance that was made before it")
        said = _read(entry, self.trust).said
        accepts = rules["tier"]["accepts"]
        if accepts is None or said["ceiling"] < accepts:
            raise self.wrong(f"entry {number} accepts up to {said['ceiling']}, above what the tier lets anybody accept")
        self.may(rules, said["by"], said["role"], "accept", said["ceiling"])
        if (why := signoff.length_refusal(said["begins"], said["expires"])) or said["begins"] < said["at"][:10]:
            raise self.wrong(f"entry {number}: the acceptance of {said['on']} {why or 'begins before it was signed'}")
        if said["system"] != self.held.decision["system"]:
            raise self.wrong(f"entry {number} accepts a risk of another system")
        return Acceptance(
            number, said["on"], said["by"], said["role"], said["ceiling"], said["begins"], said["expires"],
            said["reason"], said["compensating"],
        )  # fmt: skip

    def expiry(self, overridden: Sequence[ReleaseBlock], day: str) -> None:
        said = self.said
        rules = self.candidate(said["candidate"])[0]["rules"]
        ends = [self.acceptance(number, rules).expires for one in said["accepted"] for number in one["entries"]]
        if (ends or overridden) and not said["expires"]:
            raise self.wrong("it rests on something that runs out, and does not say when")
        if said["expires"] and (any(said["expires"] > end for end in ends) or said["expires"] < day):
            raise self.wrong(f"it runs until {said['expires']}, longer than what was accepted, or not at all")
        if overridden and (why := signoff.length_refusal(day, said["expires"])):
            raise self.wrong(f"the override {why}")


def _entry(one: Json) -> int:
    return int(one["entry"])
