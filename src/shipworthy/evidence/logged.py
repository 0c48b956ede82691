"""What the audit log in a pack says of its decision and runs. Standard library only."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finished import Finished, at_look, count_made, finished
from shipworthy.evidence import times, words
from shipworthy.evidence.packed import chained, member, read_json
from shipworthy.evidence.recount import PackedRun
from shipworthy.store import chain


class LoggedEntries(NamedTuple):
    """The audit log of a pack, its chain followed.

    Attributes:
        entries: in order.
        head: the hash of the last one, 32 bytes.
    """

    entries: Sequence[Mapping[str, Any]]
    head: bytes


def read_log(
    members: Mapping[str, bytes],
    decision: Mapping[str, Any],
    predicate: Mapping[str, Any],
    runs: Mapping[str, PackedRun],
) -> LoggedEntries:
    """Follow the chain of a pack's audit log, and hold what it records to the decision and the runs.

    Args:
        decision: ``decision.json``; `predicate` what was signed beside it.
        runs: those of the pack, by id.

    Raises:
        IntegrityError: an entry is not what was written, or the log records something else.
    """
    name, entries = "audit-log.jsonl", list[Mapping[str, Any]]()
    head = chain.origin(b"audit")
    for number, hash, body in chained(name, member(members, name), head, b'"entry":'):
        head = hash
        entries.append(read_json(f"{name}:{number}", body))
        words.entry(entries[-1], f"{name}:{number}")
        if entries[-1]["number"] != number:
            raise IntegrityError(f"{name}:{number}: out of order")
    if chain.head_text(head) != predicate["audit_head"]:
        raise IntegrityError(f"{name}: its head is not the one that was signed")
    digest = bytes_digest(members["decision.json"])
    made = [e["body"] for e in entries if e["kind"] == "decision.made" and e["body"]["decision"] == decision["id"]]
    if [body["digest"] for body in made] != [digest]:
        raise IntegrityError(f"{name}: does not record this decision")
    for id, run in runs.items():
        known = [e for e in entries if e["kind"] in ("run.finished", "run.seen") and e["body"]["run"] == id]
        sealed = run.seal["original"]
        if not known or {key: known[-1]["body"][key] for key in ("head", "heads", "merkle")} != sealed:
            raise IntegrityError(f"{name}: records the run {id} with another head than its seal, or not at all")
        state = _finished(run)
        if (known[-1]["kind"] == "run.finished") is not state.yes:
            raise IntegrityError(f"{name}: records the run {id} as {known[-1]['kind']}, but {state.why}")
        if made[0]["heads"].get(id) != sealed["head"]:
            raise IntegrityError(f"{name}: the decision was made on another state of the run {id}")
        told = {"system", "plan", "planned", "spec_digest", "subject_digest"}
        if any(known[-1]["body"].get(key) != run.manifest[key] for key in told):
            raise IntegrityError(f"{name}: describes the run {id} in another way than its manifest")
    said = {key: made[0].get(key) for key in ("system", "verdict", "gate", "runs")}
    if said != {key: decision[key] for key in said}:
        raise IntegrityError(f"{name}: records the decision with another verdict, or on other runs")
    times.check(decision, runs, entries, time.time())
    return LoggedEntries(entries, head)


def _finished(run: PackedRun) -> Finished:
    """Say whether a run is finished by its rule; a search is no evidence before its plan is made whole."""
    made = Counter(record["suite"] for record in run.counted)
    looked = all(at_look(use.get("looks", ()), use["attempts"], made[use["id"]]) for use in run.manifest["suites"])
    rule = "sequential" if run.manifest.get("stopping", {}).get("rule") == "sequential" else "fixed"
    return finished(rule, run.manifest["planned"], count_made(run.hashes), concluded=looked)
