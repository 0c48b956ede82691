"""Whether the times in a pack can have been: a run before its attempts, they before the decision, all before now.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.shape import seconds

APART = 300.0
"""Seconds by which the clocks of two machines that work on one run may differ, or one be put back."""
FIRST = 1_735_689_600.0
"""The beginning of 2025: nothing that this verifier reads was made before it was written."""
AHEAD = 86_400.0
"""Seconds by which a signer's clock may be ahead of the verifier's."""


def check(
    decision: Mapping[str, Any], runs: Mapping[str, PackedRun], entries: Sequence[Mapping[str, Any]], now: float
) -> None:
    """Hold the times of runs, decision and audit log against each other.

    Args:
        entries: of the audit log; the last is that of the decision, after which it was signed.
        now: the verifier's, Unix time.

    Raises:
        IntegrityError: one is before what it follows, or in the future.
    """
    at = [seconds(entry["at"], f"audit-log.jsonl:{entry['number']}: its time") for entry in entries]
    latest = 0.0
    for entry, time in zip(entries, at, strict=True):
        if time < FIRST:
            raise IntegrityError(f"audit-log.jsonl:{entry['number']}: entered before there was an audit log")
        if time < latest - APART:
            raise IntegrityError(f"audit-log.jsonl:{entry['number']}: entered before the entry that it follows")
        latest = max(latest, time)
    decided = seconds(decision["created"], "decision.json: created")
    if decided > at[-1] + APART:
        raise IntegrityError("decision.json: made after it was entered in the audit log")
    for name, run in runs.items():
        where = f"runs/{name}/manifest.json"
        created = seconds(run.manifest["created"], f"{where}: created")
        entered = [
            time for entry, time in zip(entries, at, strict=True)
            if entry["kind"] in ("run.finished", "run.seen") and entry["body"].get("run") == name
        ]  # fmt: skip
        if run.began and run.began < created - APART:
            raise IntegrityError(f"{where}: the run has attempts from before it was begun")
        if run.ended > min([*entered[-1:], decided]) + APART:
            raise IntegrityError(f"{where}: the run has attempts from after it was entered, or decided on")
        if created < FIRST:
            raise IntegrityError(f"{where}: the run was begun before there were runs")
        if created > decided + APART:
            raise IntegrityError(f"{where}: the run was begun after the decision on it")
    if max(latest, decided) > now + AHEAD:
        raise IntegrityError("decision.json: it lies in the future, as do the clock's other readings")
