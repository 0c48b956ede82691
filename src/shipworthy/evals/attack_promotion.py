"""Confirmed finds as a suite of the workspace: what was found once is asked again before every release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Sample
from shipworthy.evals.attack_search import AttackFind
from shipworthy.evals.regression_suite import write_regression
from shipworthy.workspace.suite import Suite


def promote(root: Path, id: str, suite: Suite, finds: Sequence[AttackFind], *, search: str) -> Path:
    """Write confirmed finds as a suite ``suites/<id>`` of a workspace, and return that folder.

    A sample is a find in its short form, with the words of the attack in it, and is asked as it is written. Everything
    else comes from the sample that was attacked: its user, documents, secrets, severity and references. Two finds on
    one sample are one cluster.

    Args:
        id: of the new suite.
        suite: that was searched: its scorers and metric are the new suite's.
        finds: those that are not confirmed are left out.
        search: id of the search, for the card.

    Raises:
        UsageError: none is confirmed, the suite is private (its words may not be written down), something of that name
            is there, or the folder cannot be written.
    """
    chosen = [find for find in finds if find.confirmed]
    if not chosen:
        raise UsageError("no find was confirmed: there is nothing to promote")
    if suite.content != "synthetic":
        raise UsageError(f"the suite {suite.id!r} is private: what was found on it is not written into the workspace")
    written = {
        "id": id,
        "version": "1.0.0",
        "title": f"Attacks that a search found on {suite.id}",
        "content": "synthetic",
        "metric": suite.metric,
        "scorers": [{"use": use.use, **use.params} if use.params else use.use for use in suite.scorers],
        "attacks": ["none"],
        "attempts": max(find.rerun.size.n for find in chosen),
        "max_error_rate": suite.max_error_rate,
        "icc": suite.icc,
        **({"license": suite.license} if suite.license else {}),
        **({"refs": list(suite.refs)} if suite.refs else {}),
    }
    rows = [_row(f"FD-{number:03}", suite, find) for number, find in enumerate(chosen, 1)]
    return write_regression(root, id, written, rows, _card(id, suite, chosen, search), found_by=search)


def _row(id: str, suite: Suite, find: AttackFind) -> dict[str, Any]:
    made: Sample = find.short
    row: dict[str, Any] = msgspec.to_builtins(made)
    row |= {"id": id, "cluster": made.cluster or f"{suite.id}/{find.sample}"}
    row.pop("twin", None)
    row["meta"] = {**made.meta, "found": {"sample": f"{suite.id}/{find.sample}", "attack": find.attack}}
    return row


def _card(id: str, suite: Suite, finds: Sequence[AttackFind], search: str) -> str:
    lines = [
        f"# {id}",
        "",
        f"Attacks on the suite `{suite.id}` {suite.version} that `{search}` found and confirmed. They were found on one"
        " system under test: a rate on them says whether these holes are closed, and nothing about others.",
        "",
        "| sample | attacked | by | hits of re-runs | likeness to the bank |",
        "|---|---|---|---|---|",
    ]
    for number, find in enumerate(finds, 1):
        rerun = find.short_rerun or find.rerun
        how = f"`{find.attack}` | {rerun.hits} of {rerun.n} | {find.likeness:.2f}"
        lines.append(f"| FD-{number:03} | {find.sample} | {how} |")
    return "\n".join(lines) + "\n"
