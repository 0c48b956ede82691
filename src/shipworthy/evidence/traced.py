"""The trace of a pack, from its risks to every record. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import words
from shipworthy.evidence.packed import read_member
from shipworthy.evidence.recount import PackedRun


def check(members: Mapping[str, bytes], decision: Mapping[str, Any], runs: Mapping[str, PackedRun]) -> str:
    """Hold the trace against the decision, and see that it leads to every record.

    Args:
        decision: ``decision.json``.
        runs: those of the pack, by id.

    Returns:
        What was found, in words.

    Raises:
        IntegrityError: it says what the decision or a record does not.
    """
    told = read_member(members, "trace.json")
    words.trace(told, "trace.json")
    said = {name: decision[name] for name in ("verdict", "system", "spec_digest", "subject_digest")}
    if told["decision"] != decision["id"] or {name: told[name] for name in said} != said:
        raise IntegrityError("trace.json: of another decision")
    results = {result["id"]: result for result in decision["criteria"]}
    for criterion in (c for risk in told["risks"] for r in risk["requirements"] for c in r["criteria"]):
        result = results.get(criterion["id"], {"id": criterion["id"]})
        named = {key: result.get(key, "") for key in ("must", "verdict", "metric", "run", "baseline_run")}
        if {key: criterion[key] for key in named} != named:
            raise IntegrityError(f"trace.json: says of {result['id']} what the decision does not")
    linked = 0
    for id, suites in told["records"].items():
        for listed in suites.values():
            for attempt, digest in listed.items():
                linked += 1
                if id not in runs or runs[id].hashes.get(attempt) != digest:
                    raise IntegrityError(f"trace.json: the record {attempt} of {id} is not the one in the pack")
    if linked != sum(len(run.records) for run in runs.values()):
        raise IntegrityError("trace.json: does not lead to every record")
    return f"leads from {len(told['risks'])} risks to {linked:,} records"
