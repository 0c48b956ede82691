"""What a pack says of kept replies, held to its records. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shipworthy.core import freshness
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.recount import PackedRun


def check(
    decision: Mapping[str, Any],
    predicate: Mapping[str, Any],
    runs: Mapping[str, PackedRun],
    gates: Iterable[Mapping[str, Any]],
) -> str:
    """Hold the numbers of replies that the cache gave to the records, and a gate that wants none to its word.

    Args:
        decision: ``decision.json``; `predicate` what was signed beside it.
        runs: those of the pack, by id.
        gates: the gate, as each specification has it.

    Returns:
        What was found, in words.

    Raises:
        IntegrityError: it names what does not fit.
    """
    names = (*decision["runs"], *decision.get("baseline_runs", ()))
    counted = [
        {
            "run": name,
            "replies": runs[name].replies.replies,
            "cached": runs[name].replies.cached,
            "oldest": freshness.moment(runs[name].replies.oldest),
        }
        for name in names
    ]
    if decision.get("replies") != counted or predicate.get("replies") != counted:
        raise IntegrityError("decision.json: how many replies the cache gave is not what the records say")
    kept = [name for name in names if runs[name].replies.cached]
    if kept and decision["verdict"] == "ship" and any(gate.get("fresh", False) for gate in gates):
        raise IntegrityError(
            f"decision.json: it ships, the gate asks for fresh replies, and some of {kept[0]} were kept ones"
        )
    mine = [one for one in counted if one["run"] in decision["runs"]]
    oldest = min((str(one["oldest"]) for one in mine if one["oldest"]), default="")
    replies, cached = sum(int(one["replies"]) for one in mine), sum(int(one["cached"]) for one in mine)
    return freshness.told(replies, cached, oldest, str(decision["created"]))
