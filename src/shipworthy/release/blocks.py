"""Where a candidate stands: everything that keeps it from a GO, each with its reason and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from shipworthy.core import signoff
from shipworthy.core.calendar import write_moment
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.finding_entry import KINDS as FINDING_KINDS
from shipworthy.core.freshness import moment as written
from shipworthy.core.records import Decision
from shipworthy.core.signoff import Acceptance, ReleaseBlock
from shipworthy.evals.results import Run
from shipworthy.release.current import Now
from shipworthy.release.preregister import registrations
from shipworthy.release.proposal import ReleaseCandidate, check_recorded
from shipworthy.release.signing import rules_of, signed_entries
from shipworthy.release.tables import answers
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE
from shipworthy.store.signed import SignedEntry, read_signed
from shipworthy.store.trust import Trust
from shipworthy.workspace.dated import live
from shipworthy.workspace.files import changed
from shipworthy.workspace.graph import Node
from shipworthy.workspace.load import Workspace

STALE_REMEDY = "decide again: `shipworthy gate`, which says where the system must be measured again"


class Taken(NamedTuple):
    """A block that acceptances cover."""

    block: ReleaseBlock
    by: tuple[Acceptance, ...]


class CandidateStatus(NamedTuple):
    """Where a candidate stands at a moment.

    Attributes:
        open: what blocks; `taken` what was accepted, which is not closed.
        votes: the standing vote of each person.
        registered: what was registered of each run, see `core.preregistration.registration`.
        decided: the entry that decided it; None while it is open.
        refused: why signed entries do not count, such as by a key that was revoked; they are left out.
        seen: number of the newest entry about sign-off that this rests on.
    """

    candidate: ReleaseCandidate
    decision: Decision
    open: tuple[ReleaseBlock, ...]
    taken: tuple[Taken, ...]
    votes: tuple[SignedEntry, ...]
    registered: tuple[dict[str, Any], ...]
    decided: SignedEntry | None
    seen: int
    refused: tuple[str, ...]
    expires: str

    @property
    def blocks(self) -> tuple[ReleaseBlock, ...]:
        """All of it, open and taken."""
        return (*self.open, *(one.block for one in self.taken))


def status(
    workspace: Workspace,
    layout: Layout,
    audit: AuditLog,
    candidate: ReleaseCandidate,
    *,
    trust: Trust,
    now: datetime,
) -> CandidateStatus:
    """Return where a candidate stands. The audit log and the logs of its runs are verified on the way.

    Raises:
        IntegrityError: a log is not what was written, or a signature in it does not count.
        UsageError: the gate's decision, or a run of it, is not here any more.
    """
    audit.verify()
    decision = layout.load_decision(str(candidate.said["decision"]))
    entry = check_recorded(audit, decision)
    seen = max((one.number for one in audit.of_kinds(*signoff.WATCHED, DECISION_MADE)), default=0)
    runs = [Run.load(layout.run_directory(run)) for run in decision.runs]
    manifests = [run.manifest for run in runs]
    day, built = now.date().isoformat(), msgspec.to_builtins(decision)
    rules = candidate.rules
    about = audit.about(candidate.id)
    void, refused = list[str](), list[str]()
    accepted, waivers = _waivers(workspace, acceptances(audit, trust, refused), now)
    votes = signed_entries((one for one in about if one.kind == signoff.APPROVED), trust, void)
    registered = registrations(audit, decision, manifests, trust, refused)
    later = [one for one in audit.of_kinds(DECISION_MADE) if one.number > entry.number]
    blocks = [
        *signoff.gate_blocks(built, rules, list(_spoilt(workspace, runs))),
        *signoff.finding_blocks(built, _told(audit), write_moment(now)),
        *_tier(workspace, candidate, decision),
        *signoff.age_block(rules, [(run.id, run.manifest.created[:10]) for run in runs], day),
        *_stale(workspace, decision, runs, Now.read(workspace, audit, today=now.date())),
        *(
            ReleaseBlock("stale", str(one.body["decision"]), "S1", f"a later decision on it is {one.body['verdict']}",
                  "propose that one; of two decisions on one subject the later counts")
            for one in later
            if (one.body.get("system"), one.body.get("subject_digest")) == (decision.system, decision.subject_digest)
        ),
        *waivers,
        *_tables(workspace, decision, now),
        *(ReleaseBlock("stale", "signature", "S1", why, "propose again: it would spoil the pack") for why in void),
        *_registered(rules, registered),
        *signoff.vote_blocks(rules, [_vote(one) for one in votes]),
    ]  # fmt: skip
    covered = [Taken(one, tuple(signoff.covering(one, built, accepted, day))) for one in blocks]
    taken = tuple(one for one in covered if one.by)
    decided = [e for e in about if e.kind == signoff.DECIDED][:1]
    return CandidateStatus(
        candidate=candidate,
        decision=decision,
        open=tuple(one.block for one in covered if not one.by),
        taken=taken,
        votes=tuple(_standing(votes)),
        registered=tuple(registered),
        decided=next((read_signed(e.number, e.at, e.kind, e.body, trust) for e in decided), None),
        seen=seen,
        refused=tuple(refused),
        expires=min((a.expires for one in taken for a in one.by), default=""),
    )


def acceptances(audit: AuditLog, trust: Trust, refused: list[str]) -> list[Acceptance]:
    """Return every acceptance that was ever signed and counts, oldest first.

    Args:
        refused: see `signed_entries`.
    """
    return [acceptance(one) for one in signed_entries(audit.of_kinds(signoff.ACCEPTED), trust, refused)]


def acceptance(entry: SignedEntry) -> Acceptance:
    """Return what a signed acceptance says.

    Raises:
        IntegrityError: it runs longer than one may.
    """
    said = entry.said
    if why := signoff.length_refusal(said["begins"], said["expires"]):
        raise IntegrityError(f"audit log: entry {entry.entry}: the acceptance of {said['on']} {why}")
    return Acceptance(
        entry.entry, said["on"], said["by"], said["role"], said["ceiling"], said["begins"], said["expires"],
        said["reason"], said["compensating"],
    )  # fmt: skip


def _told(audit: AuditLog) -> list[tuple[int, str, str, dict[str, Any]]]:
    return [(one.number, one.at, one.kind, one.body) for one in audit.of_kinds(*FINDING_KINDS)]


def _vote(entry: SignedEntry) -> dict[str, Any]:
    return {name: entry.said[name] for name in ("by", "role", "answer", "reason")}


def _standing(votes: Sequence[SignedEntry]) -> list[SignedEntry]:
    last: dict[str, SignedEntry] = {}
    for vote in votes:
        last[signoff.person(vote.said["by"])] = vote
    return list(last.values())


def _spoilt(workspace: Workspace, runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    limit = workspace.gate.max_error_rate
    for run in runs:
        if sum(run.unscored.values()) > limit * run.possible:
            yield "unscored", run.id
        if workspace.gate.fresh and run.replies.cached:
            yield "kept-replies", run.id


def _tier(workspace: Workspace, candidate: ReleaseCandidate, decision: Decision) -> Iterator[ReleaseBlock]:
    rules, now = candidate.rules, rules_of(workspace)
    if rules != now:
        what = ", ".join(name for name in now if rules.get(name) != now[name])
        yield ReleaseBlock(
            "stale", "rules", "S1", f"the {what} of the workspace changed since it was proposed", "propose again"
        )
    if rules["tier"] is None:
        name = workspace.system.tier
        yield ReleaseBlock("tier", name, "S1", f"tiers.yaml does not say what a release of the tier {name} takes",
                    f"write it: tiers: [{{id: {name}, approvals: 2, approvers: [RO-...]}}]")  # fmt: skip
        return
    results = {one.id: one for one in decision.criteria}
    for id in rules["tier"]["criteria"]:
        if id not in results:
            yield ReleaseBlock("tier-criterion", id, "S1", "the tier asks for it, and the gate left it out",
                        "add it to the criteria of gate.yaml and decide again")  # fmt: skip
    for name in rules["tier"]["artefacts"]:
        path = workspace.root / name
        inside = path.resolve().is_relative_to(workspace.root.resolve())
        if not inside or not path.is_file() or not path.stat().st_size:
            yield ReleaseBlock("artefact", name, signoff.worst_risk(rules), "the tier asks for this file",
                        f"write {name} into the workspace")  # fmt: skip


def _stale(workspace: Workspace, decision: Decision, runs: Sequence[Run], now: Now) -> Iterator[ReleaseBlock]:
    again = STALE_REMEDY
    for line in changed(decision.files, workspace.files):
        yield ReleaseBlock("stale", line.partition(":")[0], "S1", f"changed since the decision: {line}", again)
    impact = "`shipworthy release impact` says what it takes with it; measure again"
    for run in runs:
        try:
            found = now.lapses(run.manifest, written(run.replies.oldest))
        except UsageError as error:
            why = f"the subject cannot be described here ({error}), so it is not known whether it is the same"
            yield ReleaseBlock("stale", run.id, "S1", why, again)
            continue
        for one in found:
            yield ReleaseBlock("stale", run.id, "S1", f"since it was made: {one.told}", impact)


def _tables(workspace: Workspace, decision: Decision, now: datetime) -> Iterator[ReleaseBlock]:
    worst = signoff.worst_risk(rules_of(workspace))
    for one in answers(workspace, decision, now.date()):
        if one.exceeds:
            yield ReleaseBlock("decision-table", one.tool, worst, f"{one.place}: {one.words}",
                        "tighten the tool's rule in policy.yaml, or bring about what the table asks for")  # fmt: skip


def _registered(rules: Any, registered: Sequence[dict[str, Any]]) -> Iterator[ReleaseBlock]:
    if rules["tier"] is None or not rules["tier"]["preregistered"]:
        return
    for one in registered:
        if not one["entry"]:
            why = "; ".join(one["differs"]) or "nothing was registered before it"
            yield ReleaseBlock("preregistration", one["run"], signoff.worst_risk(rules), f"not as registered: {why}",
                        "`shipworthy release preregister PLAN`, then measure again")  # fmt: skip


def _waivers(
    workspace: Workspace, signed: Sequence[Acceptance], now: datetime
) -> tuple[list[Acceptance], list[ReleaseBlock]]:
    """Return the acceptances that a waiver in the files matches, and what is wrong with waivers."""
    good, blocks = list[Acceptance](), list[ReleaseBlock]()
    for node in workspace.graph.of_kind("waiver").values():
        said, where = node.entity, f"{node.file}:{node.line}"
        if now.date() > said.expires:
            blocks.append(
                ReleaseBlock("waiver", node.id, said.ceiling, f"{where}: expired on {said.expires}, so it counts again",
                      "mend it, or have it accepted anew; then take the waiver out")
            )  # fmt: skip
        elif live(node, now.date()):
            for on in (*said.requirements, *said.risks):
                found = [one for one in signed if one.on == on and not _differs(node, one)]
                if found:
                    good.append(found[-1])
                    continue
                near = [one for one in signed if one.on == on]
                why = f"the signed acceptance says another {_differs(node, near[-1])}" if near else "nobody signed it"
                blocks.append(
                    ReleaseBlock("waiver", node.id, said.ceiling, f"{where}: waives {on}, and {why}",
                          f"`shipworthy release accept {on}` by {said.by} as {said.accepted_by}")
                )  # fmt: skip
    return good, blocks


def _differs(waiver: Node, accepted: Acceptance) -> str:
    said = waiver.entity
    if not signoff.same_person(said.by, accepted.by):
        return "'by'"
    pairs = {
        "'accepted_by'": (said.accepted_by, accepted.role),
        "'ceiling'": (said.ceiling, accepted.ceiling),
        "'begins'": (said.begins.isoformat(), accepted.begins),
        "'expires'": (said.expires.isoformat(), accepted.expires),
    }
    return next((name for name, (one, other) in pairs.items() if one != other), "")
