"""The spec digest: what a run means, as one hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipworthy.core.digests import digest
from shipworthy.workspace.kinds.plan import FULL, part_meaning, split_part

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
    return part_meaning(None if plan == FULL else workspace.graph.node("plan", plan).meaning, suite)
