"""What a decision says of its subjects, held against the manifests of its runs. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import words
from shipworthy.evidence.packed import member, read_member
from shipworthy.evidence.recount import PackedRun


def check(
    members: Mapping[str, bytes],
    decision: Mapping[str, Any],
    runs: Mapping[str, PackedRun],
    entries: Sequence[Mapping[str, Any]],
    baseline_named: str,
) -> str:
    """Hold what a decision says of its subjects against the manifests: what was compared, and with what.

    Args:
        decision: ``decision.json``.
        runs: those of the pack, by id.
        entries: the audit log's, checked.
        baseline_named: the decision that the gate names as its baseline, or the empty string.

    Returns:
        What was found, in words.

    Raises:
        IntegrityError: the decision says something else.
    """
    mine = _subject(runs, decision["runs"], decision.get("subject"), "subject")
    baseline, old = decision.get("baseline"), decision.get("baseline_runs", ())
    if not old:
        if baseline is not None:
            raise IntegrityError("decision.json: says what it compares with, and has no baseline run")
        return _redacted(members, runs)
    if baseline is None:
        raise IntegrityError("decision.json: does not say what its baseline runs measured")
    theirs = _subject(runs, old, baseline["subject"], "baseline")
    if theirs["subject"] == mine["subject"]:
        raise IntegrityError("decision.json: compares a subject with itself")
    same = bool(mine["declared"]) and mine["declared"] == theirs["declared"]
    if baseline.get("same_target", False) is not same:
        raise IntegrityError("decision.json: whether the baseline is of the same target is not what the runs say")
    how, named = baseline.get("how", "named"), baseline.get("decision", "")
    if how not in words.HOW or (how == "gate") is not bool(named) or baseline_named != named:
        raise IntegrityError("decision.json: its baseline is not the one that the gate names")
    if how == "pinned":
        system = decision["system"]
        pins = [e for e in entries if e["kind"] == "baseline.set" and e["body"]["system"] == system]
        if not pins or [pins[-1]["body"]["run"]] != list(old):
            raise IntegrityError("decision.json: its baseline is not the one that the audit log has as pinned")
    return _redacted(members, runs)


def _subject(
    packed: Mapping[str, PackedRun], runs: Sequence[str], said: Mapping[str, Any] | None, what: str
) -> Mapping[str, str]:
    """Return what the manifests of runs say of their one subject, held against what the decision says."""
    found = []
    for id in runs:
        manifest = packed[id].manifest
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
    told = None if said is None else (said["digest"], *(said.get(k, "") for k in ("declared", "guards", "reasoning")))
    if told != tuple(found[0].values()):
        raise IntegrityError(f"decision.json: its {what} is not what the runs measured")
    return found[0]


def _redacted(members: Mapping[str, bytes], runs: Mapping[str, PackedRun]) -> str:
    """Hold each subject to its digest; return what was found, and how many are redacted."""
    whole = 0
    for id, run in runs.items():
        subject = bytes_digest(member(members, f"runs/{id}/subject.json"))
        if read_member(members, f"runs/{id}/subject.json") != run.manifest["subject"]:
            raise IntegrityError(f"runs/{id}/subject.json: not the one in the run's manifest")
        if run.seal["subject"] == "whole":
            whole += 1
            if subject != run.manifest["subject_digest"]:
                raise IntegrityError(f"runs/{id}/subject.json: not what its subject_digest names")
    redacted = len(runs) - whole
    return "specification and subjects as named" + (f" ({redacted} subjects redacted: not checked)" if redacted else "")
