"""Which claims of which decisions still hold, and the fewest runs that decide the others again.

A claim is what a decision says of one criterion: that it passed, failed or is open, for a requirement, against risks,
on what was measured then. It lapses when something that it rests on is another thing now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shipworthy.core import signoff
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import CriterionResult, Decision, RunManifest
from shipworthy.release.current import Now
from shipworthy.release.lapse import FileChange, Lapse
from shipworthy.release.proposal import ReleaseCandidate, candidates, check_recorded
from shipworthy.release.signing import check_clock, decided_candidates, rules_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import read_manifest
from shipworthy.store.heads import RUN_KINDS
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE
from shipworthy.workspace.files import changed
from shipworthy.workspace.load import Workspace

_PLACE = ("market", "language", "jurisdiction")


class Claim(NamedTuple):
    """What a decision says of one criterion, and why it no longer holds; it holds where there is no reason.

    Attributes:
        risks: ids, through the requirement.
        run: that it was tested on.
        verdict: that it was given.
    """

    criterion: str
    requirement: str
    risks: tuple[str, ...]
    suite: str
    run: str
    verdict: str
    lapses: tuple[Lapse, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing that it rests on changed."""
        return not self.lapses


class SignedWord(NamedTuple):
    """What people said of a candidate: ``open`` where they have yet to."""

    candidate: ReleaseCandidate
    verdict: str
    by: str
    expires: str


class DecisionImpact(NamedTuple):
    """What became of a decision.

    Attributes:
        signed: what people decided on it, oldest first.
        superseded: by which later decision, if it is; its claims then bind nobody.
        files: safety files that are not what they were, whether or not a claim hangs on them: the next release needs
            the gate's word on them.
        manifests: of its runs that are here.
    """

    decision: Decision
    signed: tuple[SignedWord, ...]
    superseded: str
    claims: tuple[Claim, ...]
    files: tuple[FileChange, ...]
    manifests: Mapping[str, RunManifest]

    @property
    def lapsed(self) -> tuple[Claim, ...]:
        """The claims that no longer hold; none of a decision that is superseded."""
        return () if self.superseded else tuple(claim for claim in self.claims if not claim.holds)


def impacts(
    workspace: Workspace, layout: Layout, audit: AuditLog, decisions: Sequence[Decision], *, now: datetime
) -> list[DecisionImpact]:
    """Return what became of some decisions, each held against the workspace as it is now.

    The audit log is verified first, whole, and every decision must be the one that it holds.

    Raises:
        IntegrityError: the log is not what was written, or a decision is not the one that was entered.
        UsageError: the clock was set back.
    """
    audit.verify()
    check_clock(audit, now)
    current = Now.read(workspace, audit, today=now.date())
    words = list(_words(audit))
    later = _replaced(audit, words)
    look = _Look(workspace, layout, audit, current, now)
    found = []
    for decision in decisions:
        check_recorded(audit, decision)
        if decision.system != workspace.system.id:
            raise UsageError(f"{decision.id} is about the system {decision.system}, and not {workspace.system.id}")
        found.append(look.at(decision, words, later.get(decision.id, "")))
    return found


def in_force(layout: Layout, audit: AuditLog, system: str) -> list[Decision]:
    """Return the decisions on a system that bind somebody, oldest first: the gate's newest, and each that a GO for some
    place stands on.

    Raises:
        IntegrityError: one of them is not here any more, or is none.
    """
    later = _replaced(audit, list(_words(audit)))
    made = [entry.body for entry in audit.of_kinds(DECISION_MADE)]
    entered = [str(body["decision"]) for body in made if body.get("system", system) == system]
    known = set(layout.decision_ids())
    wanted = [id for id in dict.fromkeys(entered) if id not in later]
    if gone := [id for id in wanted if id not in known]:
        raise IntegrityError(
            f"the audit log holds the decision {gone[0]}, and its file is not here: the workspace was put back to an "
            "earlier copy, or it was deleted. Get it back; without it nobody can say what it rested on"
        )
    return [layout.load_decision(id) for id in wanted]


def _words(audit: AuditLog) -> Iterator[SignedWord]:
    decided = decided_candidates(audit)
    for candidate in candidates(audit):
        said = decided.get(candidate.id)
        verdict, by, expires = (said["verdict"], said["by"], said["expires"]) if said else ("open", "", "")
        yield SignedWord(candidate, verdict, by, expires)


def _replaced(audit: AuditLog, words: Sequence[SignedWord]) -> dict[str, str]:
    """Return decision -> the later one that took its place.

    A decision on the same subject replaces an earlier one. Otherwise one that a GO stands on is replaced by a later GO
    for the same place, and one that nobody signed by any later one on the system.
    """
    made = [entry.body for entry in audit.of_kinds(DECISION_MADE)]
    go = {signoff.GO, signoff.ACCEPTING}
    standing: dict[tuple[str, ...], str] = {}
    for word in words:
        if word.verdict in go:
            standing[word.candidate.said["system"], *(word.candidate.said[n] for n in _PLACE)] = str(
                word.candidate.said["decision"]
            )
    bound = set(standing.values())
    found: dict[str, str] = {}
    for place, body in enumerate(made):
        after = [one for one in made[place + 1 :] if one.get("system") == body.get("system")]
        same = [one for one in after if one.get("subject_digest") == body.get("subject_digest")]
        id = str(body["decision"])
        if id in bound:
            continue  # people let it go, and have said nothing else for that place since
        if same:
            found[id] = str(same[-1]["decision"])
        elif after:
            found[id] = str(after[-1]["decision"])
    return found


class _Look(NamedTuple):
    """What decisions are held against, and when."""

    workspace: Workspace
    layout: Layout
    audit: AuditLog
    current: Now
    now: datetime

    def at(self, decision: Decision, words: Sequence[SignedWord], superseded: str) -> DecisionImpact:
        workspace = self.workspace
        signed = tuple(word for word in words if word.candidate.said["decision"] == decision.id)
        oldest = {use.run: use.oldest for use in decision.replies}
        manifests: dict[str, RunManifest] = {}
        lapses: dict[str, list[Lapse]] = {}
        for run in (*decision.runs, *decision.baseline_runs):
            try:
                manifest = manifests[run] = _manifest(self.layout, self.audit, run)
            except (IntegrityError, UsageError) as error:
                lapses[run] = [Lapse("run", f"the run {run} is no evidence here: {error}")]
                continue
            if run in decision.runs:
                lapses[run] = list(self.current.lapses(manifest, oldest.get(run, "")))
        for run, lapse in _aged(workspace, decision, signed, manifests, self.now):
            lapses.setdefault(run, []).append(lapse)
        over = list(_over(signed, self.now.date().isoformat()))
        claims = tuple(_claim(result, lapses, over) for result in decision.criteria)
        recorded = {file.path: file.sha256 for file in decision.files}
        there = {file.path: file.sha256 for file in workspace.files}
        names = [line.partition(":")[0] for line in changed(decision.files, workspace.files)]
        files = tuple(FileChange(name, recorded.get(name, ""), there.get(name, "")) for name in names)
        return DecisionImpact(decision, signed, superseded, claims, files, manifests)


def _manifest(layout: Layout, audit: AuditLog, run: str) -> RunManifest:
    """Return a run's manifest, which must say what the audit log recorded of it."""
    directory = layout.runs / run
    if not directory.is_dir():
        raise UsageError("it is not here any more")
    manifest = read_manifest(directory)
    recorded = [entry.body for entry in audit.about(run) if entry.kind in RUN_KINDS]
    told = ("system", "plan", "planned", "spec_digest", "subject_digest")
    if not recorded or any(recorded[-1].get(name) != getattr(manifest, name) for name in told):
        raise IntegrityError("its manifest is not what the audit log recorded")
    return manifest


def _claim(result: CriterionResult, lapses: Mapping[str, Sequence[Lapse]], over: Sequence[Lapse]) -> Claim:
    found = [one for one in (*lapses.get(result.run, ()), *over) if one.reaches(result.id)]
    # What it is compared with is of another subject by design, and need only be here.
    found += [one for one in lapses.get(result.baseline_run, ()) if result.baseline_run and one.kind == "run"]
    return Claim(
        result.id, result.requirement, tuple(result.risks), result.suite, result.run, result.verdict,
        tuple(dict.fromkeys(found)),
    )  # fmt: skip


def _aged(
    workspace: Workspace,
    decision: Decision,
    signed: Sequence[SignedWord],
    manifests: Mapping[str, RunManifest],
    now: datetime,
) -> Iterator[tuple[str, Lapse]]:
    """Yield the runs that are older than the tier allows: as it is now, or as it was when it was proposed."""
    made = [(run, manifests[run].created[:10]) for run in decision.runs if run in manifests]
    seen: set[str] = set()
    for rules in (rules_of(workspace), *(word.candidate.rules for word in signed)):
        for block in signoff.age_block(rules, made, now.date().isoformat()):
            if block.about not in seen:
                seen.add(block.about)
                yield block.about, Lapse("age", f"the run {block.about} is too old: {block.reason}", fresh=True)


def _over(signed: Sequence[SignedWord], today: str) -> Iterator[Lapse]:
    """Yield what people let pass for a time that is over."""
    go = [word for word in signed if word.verdict in (signoff.GO, signoff.ACCEPTING)]
    if not go or any(not word.expires or word.expires >= today for word in go):
        return
    last = max(word.expires for word in go)
    what = f"the GO, and what was accepted with it, ran out on {last}"
    yield Lapse("acceptance", what, None, remade=False)


def told(found: DecisionImpact) -> dict[str, Any]:
    """Return it as JSON."""
    decision = found.decision
    return {
        "decision": decision.id,
        "verdict": decision.verdict,
        "created": decision.created,
        "superseded_by": found.superseded,
        "signed": [
            {
                "candidate": word.candidate.id,
                **{name: word.candidate.said[name] for name in _PLACE},
                "verdict": word.verdict,
                "by": word.by,
                "expires": word.expires,
            }
            for word in found.signed
        ],
        "claims": [
            {
                **{n: getattr(claim, n) for n in ("criterion", "requirement", "suite", "run", "verdict")},
                "risks": list(claim.risks),
                "state": "holds" if claim.holds else "lapsed",
                "because": [_because(lapse) for lapse in claim.lapses],
            }
            for claim in found.claims
        ],
        "files": [change._asdict() for change in found.files],
    }


def _because(lapse: Lapse) -> dict[str, Any]:
    return {
        "kind": lapse.kind,
        "what": lapse.told,
        "was": lapse.was,
        "now": lapse.now,
        "files": [change._asdict() for change in lapse.files],
        "entry": lapse.entry,
        "decided_by": "run" if lapse.remade else "people",
    }
