"""What criteria with a margin compare with: a baseline that somebody named or pinned, never one that was found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import BaselineUse, RunManifest, SubjectUse
from shipworthy.detect.redact import redact_text
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.baselines import Baseline, read_baselines, set_baseline
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE, decision_digest, register_run
from shipworthy.workspace.load import Workspace

How = Literal["named", "pinned", "gate"]


class ChosenBaseline(NamedTuple):
    """The baseline of a decision: ids of its runs, who chose it, and the decision that gate.yaml names."""

    runs: tuple[str, ...] = ()
    how: How = "named"
    decision: str = ""


def choose_baseline(workspace: Workspace, layout: Layout, named: Sequence[str] = ()) -> ChosenBaseline:
    """Return the baseline of a workspace's next decision.

    That is what gate.yaml names; else what is named here; else what was pinned. gate.yaml cannot be overruled, since
    it was reviewed before the candidate was measured. A gate without margins takes one only where it is named here.

    Args:
        named: ids of runs, their beginnings, or ``latest``.

    Raises:
        UsageError: there is none, and a criterion has a margin: the message holds the commands that help; a run or
            decision is not here; or what is named is not what gate.yaml says.
        IntegrityError: the decision that gate.yaml names, or the pinned run, is not what the audit log recorded.
    """
    runs = tuple(dict.fromkeys(layout.run_directory(name).name for name in named))
    if workspace.gate.baseline is not None:
        chosen = _of_decision(layout, workspace.gate.baseline.decision)
        if runs and set(runs) != set(chosen.runs):
            raise UsageError(
                f"gate.yaml names the baseline {chosen.decision} ({', '.join(chosen.runs)}): leave --baseline out, "
                "or change gate.yaml, and measure again under the new gate"
            )
        return chosen
    if runs:
        return ChosenBaseline(runs)
    margins = [c for _, c in workspace.criteria() if c.parsed.test == "noninferiority"]
    if not margins:
        return ChosenBaseline()
    pinned = pinned_baseline(layout, workspace.system.id)
    if pinned is None:
        raise UsageError(
            f"{margins[0].id} ({margins[0].must}) compares with a baseline, and none is named or pinned\n"
            "Pin one for every decision from now on:  `shipworthy baseline set RUN`\n"
            "Or name one for this decision alone:     `shipworthy gate --baseline RUN`\n"
            "`shipworthy runs list` lists what is there; `shipworthy eval --no-guards` measures the system without its "
            "guards"
        )
    return ChosenBaseline((pinned.run,), "pinned")


def pinned_baseline(layout: Layout, system: str) -> Baseline | None:
    """Return the baseline that was set last for a system, held against its run; None where none ever was.

    Raises:
        UsageError: its run is no longer here.
        IntegrityError: its run measured something else than what was pinned, or the row is not what was recorded.
    """
    with AuditLog(layout.control_url) as audit:
        found = read_baselines(audit, system)
    if not found:
        return None
    pinned = found[-1]
    if not (layout.runs / pinned.run / "manifest.json").exists():
        raise UsageError(
            f"the pinned baseline {pinned.run} is not in {layout.runs}: put it back, or pin another one with "
            "`shipworthy baseline set RUN`"
        )
    manifest = read_manifest(layout.runs / pinned.run)
    if (manifest.subject_digest, manifest.plan_digest) != (pinned.subject, pinned.plan):
        raise IntegrityError(
            f"the run {pinned.run} is not the one that was pinned as the baseline: its manifest changed"
        )
    return pinned


def _of_decision(layout: Layout, name: str) -> ChosenBaseline:
    try:
        decision = layout.load_decision(name)
    except UsageError as error:
        raise UsageError(f"gate.yaml: baseline: {error}") from None
    if decision.id != name:  # Of several that begin alike, or `latest`, a later one could be meant tomorrow.
        raise UsageError(f"gate.yaml: baseline: write the decision's whole id, {decision.id}, not {name!r}")
    with AuditLog(layout.control_url) as audit:
        recorded = [e.body["digest"] for e in audit.about(decision.id) if e.kind == DECISION_MADE]
    if recorded != [decision_digest(decision)]:
        raise IntegrityError(
            f"the decision {decision.id}, which gate.yaml names as the baseline, is not what the audit log recorded"
        )
    return ChosenBaseline(decision.runs, "gate", decision.id)


def subject_of(manifest: RunManifest) -> SubjectUse:
    """Return what a run's manifest says of its subject."""
    target, declared = manifest.subject.get("target"), manifest.subject.get("declared")
    described = target.get("target") if isinstance(target, dict) else None
    written = declared.get("target") if isinstance(declared, dict) else None
    return SubjectUse(
        digest=manifest.subject_digest,
        target=redact_text(described) if isinstance(described, str) else "",
        declared=written if isinstance(written, str) else "",
        guards=manifest.guards,
        reasoning=reasoning if (reasoning := manifest.subject.get("reasoning")) in ("shown", "hidden") else "",
    )


def compared(candidate: Run, baselines: Sequence[Run], chosen: ChosenBaseline) -> BaselineUse | None:
    """Return what a decision says of its baseline; None where there is none.

    Raises:
        UsageError: the baselines measured several subjects, or the candidate's own.
    """
    if not baselines:
        return None
    mine, theirs = subject_of(candidate.manifest), subject_of(baselines[0].manifest)
    for other in baselines[1:]:
        if other.manifest.subject_digest != theirs.digest:
            raise UsageError(
                f"the baselines {baselines[0].id} and {other.id} measured different subjects: a decision compares "
                "with one"
            )
    if theirs.digest == mine.digest:
        raise UsageError(
            f"the baseline {baselines[0].id} measured the very subject to decide on ({mine.digest[:19]}): a system "
            "compared with itself shows no change\nName a run of what it is to be compared with, such as "
            "`shipworthy eval --no-guards` or the released version"
        )
    same = bool(mine.declared) and mine.declared == theirs.declared
    return BaselineUse(subject=theirs, how=chosen.how, decision=chosen.decision, same_target=same)


def pin(workspace: Workspace, layout: Layout, run: Run, *, why: str = "", secrets: Sequence[str] = ()) -> Baseline:
    """Pin a finished run as the baseline of its system; one that is pinned already stays as it is.

    Args:
        why: kept beside the audit log, redacted.
        secrets: strings that are taken out of `why`.

    Raises:
        UsageError: it is not finished, or of another system.
        IntegrityError: its log is not what was recorded before.
        StoreError: the control state cannot be written.
    """
    manifest = run.manifest
    if manifest.system != workspace.system.id:
        raise UsageError(f"the run {run.id} is of the system {manifest.system!r}, not of {workspace.system.id!r}")
    if not run.complete:
        raise UsageError(
            f"the run {run.id} is not finished ({run.finished.why}): `shipworthy eval --resume {run.id}` goes on"
        )
    register_run(layout, run.directory)
    baseline = Baseline(
        system=manifest.system,
        run=run.id,
        subject=manifest.subject_digest,
        plan=manifest.plan_digest,
        at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        why=why,
    )
    with AuditLog(layout.control_url) as audit:
        before = read_baselines(audit, manifest.system)
        if before and before[-1].run == run.id:
            return before[-1]
        set_baseline(audit, baseline, secrets=secrets)
    return baseline


def run_of(layout: Layout, name: str) -> Path:
    """Return the folder of a run that is to be pinned; its name is the run's own id.

    Raises:
        UsageError: there is no such run.
        IntegrityError: the folder holds another run.
    """
    directory = layout.run_directory(name)
    if (id := read_manifest(directory).id) != directory.name:
        raise IntegrityError(f"{directory} holds the run {id}: a copy, or renamed; pin the run itself")
    return directory
