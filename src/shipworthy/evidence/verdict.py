"""The verdict of a decision, made again from the criteria, the S1 samples and the errors. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shipworthy.core import confirmation
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import finding_steps, recount, words
from shipworthy.evidence.criteria import Criteria
from shipworthy.evidence.packed import read_member
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.specified import Specified


def check(
    members: Mapping[str, bytes],
    decision: Mapping[str, Any],
    runs: Mapping[str, PackedRun],
    entries: Sequence[Mapping[str, Any]],
    specified: Specified,
) -> str:
    """Count every criterion again from the records, and make the verdict of them.

    Args:
        decision: ``decision.json``.
        runs: those of the pack, by id.
        entries: the audit log's, checked.
        specified: what was asked for.

    Returns:
        What was found, in words.

    Raises:
        IntegrityError: the decision says something else.
    """
    if decision["gate"] != specified.gate:
        raise IntegrityError(f"decision.json: the gate {decision['gate']} is not the one that was specified")
    listed = read_member(members, "criteria.json")
    words.criteria(listed, "criteria.json")
    stated = {entry["id"]: entry for entry in listed["criteria"]}
    results = decision["criteria"]
    ids = [result["id"] for result in results]
    if [entry["id"] for entry in listed["criteria"]] != ids or len(set(ids)) != len(ids):
        raise IntegrityError("criteria.json: other criteria than the decision's, or one of them twice")
    # The spec holds what the run's plan reaches. With the gate `all`, a criterion on another suite is part of the
    # decision and not of the spec; it may only be undecided.
    wanted = specified.selected
    odd = set(specified.criteria) - set(ids) if wanted is None else set(wanted) ^ set(ids)
    if odd:
        raise IntegrityError(f"decision.json: its criteria are not those of the gate: {', '.join(sorted(odd))}")
    held = Criteria(decision, runs, entries, specified)
    counted = sum([held.check(result, stated[result["id"]]) for result in results])
    decided = [runs[name] for name in decision["runs"]]
    hits = s1_hits(decision, decided, entries)
    if hits != sorted(decision.get("s1_hits", ())):
        raise IntegrityError("decision.json: the hits on S1 samples are not those in the records")
    lacking = {id for run in decided for id in recount.s1_unscored(run.counted, run.manifest)} - set(hits)
    if sorted(lacking) != sorted(decision.get("s1_unscored", ())):
        raise IntegrityError("decision.json: the S1 samples without a score are not those in the records")
    read = decision["ledger"]["entries"]
    finding_steps.check(decision, entries[:read])
    rows = finding_steps.check_rows(members, entries, read)
    verdict = overall(
        [result["verdict"] for result in results], hits, lacking, blank_runs(decided, specified.max_error_rate)
    )
    if decision.get("findings"):
        verdict = "no-ship"
    if decision["verdict"] != verdict:
        raise IntegrityError(
            f"decision.json: it says {decision['verdict']}; by its criteria, its S1 samples, its findings and its "
            f"errors it is {verdict}"
        )
    told = f"{counted} of {len(results)} counted again from the records, with the same result; {len(hits)} S1 hits"
    return f"{told}; {rows}" if rows else told


def blank_runs(decided: Sequence[PackedRun], limit: float) -> bool:
    """Say whether a run lacks more scores than the gate allows.

    Args:
        limit: the share of attempts that may lack one.
    """

    def possible(run: PackedRun) -> int:
        made = Counter(record["suite"] for record in run.counted)
        asked = sum(
            next((look for look in use.get("looks", ()) if look >= made[use["id"]]), use["attempts"])
            for use in run.manifest["suites"]
        )
        return int(asked) - sum(recount.inapplicable(run.counted).values())

    return any(recount.unscored(run.counted, run.manifest) > limit * possible(run) for run in decided)


def s1_hits(
    decision: Mapping[str, Any], decided: Sequence[PackedRun], entries: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return the hits on S1 samples, less those that the audit log confirms as none; hold what was said to it."""
    id, found = (
        decision["id"],
        {run.manifest["id"]: recount.s1_hits(run.records, run.manifest) for run in decided},
    )
    made = next(e["number"] for e in entries if e["kind"] == "decision.made" and e["body"]["decision"] == id)

    def standing(last: int) -> list[confirmation.HitWord]:
        # `ledger` checked that what was read is a part of the log, and ends before the decision.
        words = [
            confirmation.word(e["number"], e["body"]) for e in entries[:last] if e["kind"] == confirmation.CONFIRMED
        ]
        return [word for run, hits in found.items() for word in confirmation.standing(words, run, hits).values()]

    read = standing(decision["ledger"]["entries"])
    names = ("run", "attempt", "said", "by", "because", "entry")
    if [{name: getattr(word, name) for name in names} for word in read] != list(decision.get("confirmations", ())):
        raise IntegrityError("decision.json: what it says was said of S1 hits is not what the audit log holds")
    out = {(word.run, word.attempt) for word in read if word.said == "no-hit"}
    if back := out - {(word.run, word.attempt) for word in standing(made - 1) if word.said == "no-hit"}:
        raise IntegrityError(
            f"decision.json: rests on a word on {min(back)[1]} that was taken back before the decision was entered"
        )
    return sorted({hit for run, hits in found.items() for hit in hits if (run, hit) not in out})


def overall(verdicts: Sequence[str], hits: Collection[str], lacking: Collection[str], blank: bool) -> str:
    """Return the verdict that follows, by the rules of the gate.

    Args:
        verdicts: of the criteria; at least one.
        hits, lacking: attempts on S1 samples that are hits, or have no score.
        blank: whether a run lacks more scores than the gate allows.
    """
    if hits or "no-ship" in verdicts:
        return "no-ship"
    return "inconclusive" if blank or lacking or set(verdicts) != {"ship"} else "ship"
