"""The spec digest: what a run means, as one hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipworthy.core.digests import digest
from shipworthy.workspace.kinds.plan import FULL, split_part

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace

SCHEMA = 2
"""Raised when the same YAML starts to mean something else. Adding a key with a default does not raise it."""


def spec_digest(workspace: Workspace, plan: str) -> str:
    """Return the digest of a plan: see `Workspace.spec_digest`."""
    return digest(spec(workspace, plan))


def spec(workspace: Workspace, plan: str) -> dict[str, Any]:
    """Return the JSON that is hashed: for `shipworthy evidence`, which stores it beside its digest."""
    wanted, graph = workspace.plan(plan), workspace.graph
    suites = graph.of_kind("suite")
    whole, part = split_part(plan)
    # The plan `full` is written nowhere: it is all the suites. Nor is a part of a plan, which is one of its suites.
    start = [suites[entry.suite] for entry in wanted.suites] if part or plan == FULL else [graph.node("plan", plan)]
    entities: dict[str, dict[str, Any]] = {"plan": {plan: _part(workspace, whole, part)}} if part else {}
    for node in graph.reached(start):
        entities.setdefault(node.key.kind, {})[node.id] = node.meaning
    return {"schema": SCHEMA, "plan": plan, "entities": entities, "code": dict(workspace.code)}


def _part(workspace: Workspace, plan: str, suite: str) -> dict[str, Any]:
    """Return the meaning of one suite of a plan, as a plan that holds nothing else would be written."""
    if plan == FULL:
        return {"suites": [suite]}
    written: dict[str, Any] = workspace.graph.node("plan", plan).meaning
    kept = [one for one in written["suites"] if (one if isinstance(one, str) else one["suite"]) == suite]
    return {**{key: value for key, value in written.items() if key != "id"}, "suites": kept}
