"""The ledger of a decision, read again from the audit log. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core import ledger
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import freshness, selftested, transferred
from shipworthy.evidence.recount import PackedRun


def check(
    decision: Mapping[str, Any],
    predicate: Mapping[str, Any],
    runs: Mapping[str, PackedRun],
    entries: Sequence[Mapping[str, Any]],
    gates: Sequence[Mapping[str, Any]],
) -> str:
    """Read the ledger again from the audit log: no run on the same samples may be left out of the decision.

    Args:
        decision: ``decision.json``; `predicate` what was signed beside it.
        runs: those of the pack, by id.
        entries: the audit log's, checked.
        gates: the gate, as each specification has it.

    Returns:
        What was found, in words.

    Raises:
        IntegrityError: the decision says something else.
    """
    said = decision.get("ledger")
    if said is None:
        raise IntegrityError("decision.json: does not say which of the runs on these samples it is about")
    scopes = [_scope(runs[name].manifest) for name in decision["runs"]]
    decided, baselines = decision["runs"], decision.get("baseline_runs", ())
    id = decision["id"]
    until = next(e["number"] for e in entries if e["kind"] == "decision.made" and e["body"]["decision"] == id)
    read = said["entries"]
    if type(read) is not int or not 0 <= read < until:
        raise IntegrityError("decision.json: its ledger was not read from the audit log as it was before")

    def lines(last: int) -> list[ledger.RunLine]:
        some = ((e["kind"], e["body"]) for e in entries[:last])
        return ledger.lines(some, scopes, baselines)

    found = ledger.place(lines(read), decided)
    written = {name: [(line["run"], line["state"], line["subject_digest"]) for line in said[name]] for name in ("earlier", "later")}  # fmt: skip  # noqa: E501
    if written != {"earlier": [*map(tuple, found.earlier)], "later": [*map(tuple, found.later)]}:
        raise IntegrityError("decision.json: its ledger is not that of the audit log")
    known = {line.run for line in (*found.earlier, *found.later)} | set(decided)
    # A baseline that was never entered before is entered with the decision.
    if missed := [line.run for line in lines(until - 1) if line.run not in known | set(baselines)]:
        raise IntegrityError(f"decision.json: its ledger lacks {missed[0]}, which was begun before the decision")
    told = ((e["kind"], e["body"]) for e in entries[:read])
    often = ledger.tries(told, scopes, decision["subject_digest"], decided)
    # An earlier version did not count what was tried elsewhere: its packs hold where there was none.
    if {"elsewhere": 0, **(said.get("tries") or {})} != {**often._asdict(), "sentence": ledger.tried(often)}:
        raise IntegrityError("decision.json: how often this was tried is not what the audit log says")
    gone = {line["run"] for name in ("earlier", "later") for line in said[name] if line["gone"]}
    if (said["number"], said["sentence"]) != (found.number, ledger.sentence(found, gone)):
        raise IntegrityError("decision.json: its ledger is told in other words than its lines")
    kept = freshness.check(decision, predicate, runs, gates)
    manifests = [runs[run].manifest for run in decision["runs"]]
    selftested.check(decision, manifests[0], entries[: said["entries"]])
    transferred.check(decision, manifests, entries[: said["entries"]])
    return f"{ledger.sentence(found, gone)}; {ledger.tried(often)}; {kept}"


def _scope(manifest: Mapping[str, Any]) -> ledger.Scope:
    suites = frozenset(use["id"] for use in manifest["suites"])
    return ledger.Scope(manifest["system"], manifest["spec_digest"], tuple(manifest.get("draws", ())), suites)
