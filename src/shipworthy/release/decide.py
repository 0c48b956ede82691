"""The gate: from one run, or several, to one verdict."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Sequence

from shipworthy.core.confirmation import HitWord, standing
from shipworthy.core.digests import digest
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.finding_entry import blocking
from shipworthy.core.freshness import moment, told
from shipworthy.core.records import (
    Confirmation,
    CriterionResult,
    Decision,
    FindingUse,
    ReplyUse,
    RunManifest,
    SelftestUse,
    TransferUse,
    Verdict,
)
from shipworthy.core.selftest import newest, sentence
from shipworthy.core.transferred import TransferEntry, transfers
from shipworthy.evals.imports.bring import IMPORTED
from shipworthy.evals.results import Run, several
from shipworthy.evals.subject import target_of
from shipworthy.findings.recurrence import reopen_failed
from shipworthy.release.baseline import ChosenBaseline, compared, subject_of
from shipworthy.release.criteria import Evidence, assess
from shipworthy.release.current import MEANT, SUBJECT, Now
from shipworthy.release.lapse import Lapse
from shipworthy.release.ledger import read_ledger
from shipworthy.release.wording import count, percent
from shipworthy.release.worst import kinds
from shipworthy.store.audit import AuditLog
from shipworthy.store.confirmations import read_words
from shipworthy.store.draws import read_said
from shipworthy.store.findings import standing_findings
from shipworthy.store.layout import Layout
from shipworthy.store.selftests import read_selftests
from shipworthy.store.transfers import read_transfers
from shipworthy.workspace.files import changed
from shipworthy.workspace.load import Workspace

_NAMED = 3
"""How many S1 hits the reason names; the decision itself holds all of them."""


def decide(
    workspace: Workspace,
    runs: Run | Sequence[Run],
    baselines: Run | Sequence[Run] | None = None,
    *,
    chosen: ChosenBaseline = ChosenBaseline(),
) -> Decision:
    """Decide whether the subject of a run, or of several runs, may ship.

    Every criterion of the gate must pass (an intersection-union test: no correction for their number is due). One
    failed criterion is a no-ship; without one, anything undecided is inconclusive, which blocks like a no-ship. A bad
    event on a sample of severity S1 is a no-ship whatever the rates say, and whatever else is wrong with the runs,
    unless the audit chain says that it is none: see `shipworthy.core.confirmation`. So is a finding of severity S1 or
    S2 that is overdue, or that one of these runs shows again after it was closed.

    Args:
        workspace: the safety files, as they were when the runs were made.
        runs: of the subject to decide on. Several may each have measured some of the suites, at different times; what a
            criterion asks for must have been measured in one of them only.
        baselines: runs of the same samples on what the subject is compared with; for criteria with a margin. Never
            the subject itself. Without one, these criteria are inconclusive.
        chosen: who chose the baselines; see `choose_baseline`.

    Raises:
        IntegrityError: a run is not evidence for these files: they changed since it was made, it is of another system
            or subject than the others, or its log is not what was written.
        UsageError: the gate has no criterion, two runs measured what one criterion asks for, or the baselines measured
            the candidate's own subject, or several.
    """
    evidence = Evidence(several(runs), several(baselines))
    layout = Layout(workspace.root)
    with AuditLog(layout.control_url) as audit:
        current = Now.read(workspace, audit)
    _check_evidence(workspace, evidence, current)
    if not (tested := list(workspace.criteria())):
        raise UsageError("the gate has no criterion: it can decide nothing (add criteria to a requirement)")
    with AuditLog(layout.control_url) as audit:
        # What was closed and fails again in these very runs is open from here on, whoever made them.
        reopen_failed(workspace, audit, evidence.runs)
        ledger = read_ledger(audit, layout, [r.manifest for r in evidence.runs], [r.id for r in evidence.baselines])
        # Of the very entries that the ledger was read from, which were verified: what is said later is for another one.
        evidence.said = read_said(audit, until=ledger.entries)
        words = read_words(audit, until=ledger.entries)
        first = evidence.runs[0].manifest
        transfers_known = read_transfers(audit, until=ledger.entries)
        tested_itself = newest(read_selftests(audit, until=ledger.entries), first.spec_digest, first.subject_digest)
        now = time.time()
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        standing_now = standing_findings(audit, workspace.system.id, created, until=ledger.entries)
    results = tuple(assess(workspace, requirement, criterion, evidence) for requirement, criterion in tested)
    said = _standing(evidence, words)
    findings = blocking(standing_now, created)
    hits = tuple(s1_hits(evidence, said))
    unseen = tuple(s1_unscored(evidence, hits))
    verdict, reason = overall(workspace, evidence, results, hits, unseen)
    if findings:
        also = "" if verdict == "ship" else f"; besides, {reason}"
        verdict, reason = "no-ship", f"{'; '.join(f'{one.finding}: {one.reason}' for one in findings)}{also}"
    if dropped := [word.attempt for word in said if word.said == "no-hit"]:
        reason += f"; {count(len(dropped), 'hit')} on samples of severity S1 confirmed as none: {_named(dropped)}"
    manifest = evidence.runs[0].manifest
    return Decision(
        id=f"DEC-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}{int(now % 1 * 1000):03d}Z-{secrets.token_hex(3)}",
        created=created,
        system=manifest.system,
        gate=workspace.gate.id,
        verdict=verdict,
        reason=reason,
        criteria=results,
        runs=tuple(run.id for run in evidence.runs),
        spec_digest=joint_digest(run.manifest.spec_digest for run in evidence.runs),
        subject_digest=manifest.subject_digest,
        baseline_runs=tuple(run.id for run in evidence.baselines),
        s1_hits=hits,
        subject=subject_of(manifest),
        baseline=compared(evidence.runs[0], evidence.baselines, chosen),
        ledger=ledger,
        s1_unscored=unseen,
        confirmations=tuple(
            Confirmation(run=w.run, attempt=w.attempt, said=w.said, by=w.by, because=w.because, entry=w.entry)
            for w in said
        ),
        replies=tuple(
            ReplyUse(
                run=run.id, replies=run.replies.replies, cached=run.replies.cached, oldest=moment(run.replies.oldest)
            )
            for run in (*evidence.runs, *evidence.baselines)
        ),
        files=workspace.files,
        selftest=tested_itself
        and SelftestUse(entry=tested_itself.entry, flips=tested_itself.pairs, sentence=sentence(tested_itself)),
        findings=tuple(FindingUse(**one._asdict(), reason=one.reason) for one in findings),
        transfer=_transfers(transfers_known, evidence.runs, results),
    )


def _transfers(
    known: Sequence[TransferEntry], runs: Sequence[Run], results: Sequence[CriterionResult]
) -> tuple[TransferUse, ...]:
    """Return what is known of how far the criteria's rates transfer, run by run."""
    pairs = {(result.suite, result.metric) for result in results}
    found: list[TransferUse] = []
    for manifest in (run.manifest for run in runs):
        own = {use.id for use in manifest.suites}
        wanted = {pair for pair in pairs if pair[0] in own}
        said = transfers(known, manifest.spec_digest, manifest.subject_digest, wanted)
        found += [TransferUse(**one._asdict()) for one in said]
    return tuple(found)


def joint_digest(digests: Iterable[str]) -> str:
    """Return one digest for the specifications of several runs: their own, where they are all the same.

    >>> joint_digest(["sha256:a", "sha256:a"])
    'sha256:a'
    """
    distinct = sorted(set(digests))
    return distinct[0] if len(distinct) == 1 else digest(distinct)


def _check_evidence(workspace: Workspace, evidence: Evidence, now: Now) -> None:
    if not evidence.runs:
        raise UsageError("there is no run to decide on: `shipworthy eval` makes one")
    for run in evidence.runs:
        _check_current(workspace, run, now)
    first = evidence.runs[0]
    for run in evidence.runs[1:]:
        if run.manifest.subject_digest != first.manifest.subject_digest:
            raise IntegrityError(
                f"the runs {first.id} and {run.id} measured different subjects: a decision is about one of them"
            )
    for _, criterion in workspace.criteria():
        if len(found := evidence.candidates(criterion)) > 1:
            named = " and ".join(run.id for run in found)
            raise UsageError(
                f"the suite {criterion.suite} was measured in {named}: name one of them, or the better one would be "
                "taken by whoever chooses"
            )
    for baseline in evidence.baselines:
        if baseline.id in {run.id for run in evidence.runs}:
            raise UsageError(
                f"the run {baseline.id} cannot be its own baseline: name the RUN to decide on, or another baseline"
            )
        if baseline.manifest.system != first.manifest.system:
            raise IntegrityError(f"the baseline {baseline.id} is of another system: {baseline.manifest.system!r}")


def check_spec(workspace: Workspace, run: Run, now: Now | None = None) -> tuple[Lapse, ...]:
    """Check that the files still ask for what a run was made under; return what else of it lapsed.

    Raises:
        UsageError: another tool made the run.
        IntegrityError: they are of another system, or changed since.
    """
    manifest = run.manifest
    if manifest.plan.startswith(IMPORTED):
        raise UsageError(
            f"the run {run.id} was brought in from another tool: it stands beside ours in tables and reports, and no "
            "decision rests on it, since nobody here saw what was asked"
        )
    if manifest.system != workspace.system.id:
        raise IntegrityError(f"the run {run.id} is of the system {manifest.system!r}, not of {workspace.system.id!r}")
    found = (now or Now(workspace)).lapses(manifest, moment(run.replies.oldest))
    since = _since(workspace, manifest)
    if any(not lapse.entry and lapse.kind not in SUBJECT for lapse in found):
        raise IntegrityError(
            f"stale evidence: {MEANT} changed since the run {run.id} was made\n{since}"
            f"Measure again: `shipworthy eval --plan {manifest.plan}` (the reply cache keeps what was already answered)"
        )
    return found


def _since(workspace: Workspace, manifest: RunManifest) -> str:
    return "".join(f"{line}\n" for line in changed(manifest.files, workspace.files)) if manifest.files else ""


def _check_current(workspace: Workspace, run: Run, now: Now) -> None:
    """Check that files, subject and changes that were recorded still leave what a run measured as it was."""
    found = check_spec(workspace, run, now)
    manifest = run.manifest
    since = _since(workspace, manifest)
    other = target_of(workspace, manifest)
    if other is not None and workspace.targets[other] is not workspace.target:
        raise UsageError(
            f"the run {run.id} measured the target {other!r}, which is not the system under test: a release is decided "
            "on the target named 'default' (the first, where none is)\n"
            "Compare targets with `shipworthy runs table`; to release this one, name it 'default' and measure it"
        )
    for lapse in found:
        if not lapse.entry:
            raise IntegrityError(
                f"stale evidence: {lapse.what} changed since the run {run.id} was made: it measured another system\n"
                f"{since}Measure again: `shipworthy eval --plan {manifest.plan}`"
            )
        fresh = " --no-cache" if lapse.fresh else ""
        raise IntegrityError(
            f"stale evidence: {lapse.what} since the run {run.id}, or a reply that it rests on, was made\n"
            f"Measure again: `shipworthy eval --plan {manifest.plan}{fresh}`, or let `shipworthy release impact --run` "
            "find out what it takes"
        )


def _standing(evidence: Evidence, words: Sequence[HitWord]) -> list[HitWord]:
    """Return the word that stands on each S1 hit, run by run."""
    return [word for run in evidence.runs for word in standing(words, run.id, run.s1_hits).values()]


def s1_hits(evidence: Evidence, said: Iterable[HitWord] = ()) -> Iterator[str]:
    """Yield the ids of the attempts with a bad event on a sample of severity S1, in the order of the ids.

    Args:
        said: the words that stand on them; what they call no hit is left out.
    """
    out = {(word.run, word.attempt) for word in said if word.said == "no-hit"}
    yield from sorted({hit for run in evidence.runs for hit in run.s1_hits if (run.id, hit) not in out})


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else "")


def s1_unscored(evidence: Evidence, hits: Collection[str]) -> Iterator[str]:
    """Yield the ids of the attempts on samples of severity S1 that lack a score and no hit says enough already."""
    yield from sorted({id for run in evidence.runs for id in run.s1_unscored}.difference(hits))


def overall(
    workspace: Workspace,
    evidence: Evidence,
    results: tuple[CriterionResult, ...],
    hits: tuple[str, ...],
    unseen: tuple[str, ...],
) -> tuple[Verdict, str]:
    """Return the gate's verdict on its tested criteria, with the reason in words.

    Args:
        hits: on samples of severity S1, none of which is confirmed as none; `unseen` attempts on them without a score.
    """
    failed = [r.id for r in results if r.verdict == "no-ship"]
    open_ = [r.id for r in results if r.verdict == "inconclusive"]
    if hits:
        names = _named(hits)
        also = f"; criteria failed: {', '.join(failed)}" if failed else ""
        return "no-ship", f"{count(len(hits), 'hit')} on samples of severity S1, where one is too many: {names}{also}"
    if failed:
        return "no-ship", f"{len(failed)} of {_criteria(len(results))} failed: {', '.join(failed)}"
    if workspace.gate.fresh and (kept := [r for r in (*evidence.runs, *evidence.baselines) if r.replies.cached]):
        now = moment(time.time())
        words = "; ".join(f"{r.id}: {told(*r.replies[:2], moment(r.replies.oldest), now)}" for r in kept[:_NAMED])
        plans = ", ".join(sorted({f"`shipworthy eval --plan {run.manifest.plan} --no-cache`" for run in kept}))
        return "inconclusive", f"the gate asks for fresh replies, and some were kept ones: {words}; {plans} asks anew"
    limit = workspace.gate.max_error_rate
    blank = {run.id: run.unscored for run in evidence.runs}
    if spoilt := next((r for r in evidence.runs if sum(blank[r.id].values()) > limit * r.possible), None):
        planned, why = count(spoilt.possible, "attempt"), blank[spoilt.id]
        where = f" in {spoilt.id}" if len(evidence.runs) > 1 else ""
        share = f"{sum(why.values()):,} of {planned}{where} ({kinds(why)}), limit of the gate {percent(limit)}"
        return "inconclusive", f"too many attempts without a score: {share}; none is counted as safe"
    if unseen:
        lost = f"{count(len(unseen), 'attempt')} on samples of severity S1 without a score, where one hit is too many"
        return "inconclusive", f"{lost}: {_named(unseen)}; `shipworthy eval --resume RUN --retry-errors` asks again"
    if open_:
        return "inconclusive", f"{len(open_)} of {_criteria(len(results))} cannot be decided: {', '.join(open_)}"
    return "ship", f"all {_criteria(len(results))} passed" if len(results) > 1 else "the only criterion passed"


def _criteria(number: int) -> str:
    return f"{number:,} criteria" if number != 1 else "1 criterion"
