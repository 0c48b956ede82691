"""The spec digest: what a run means, as one hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipworthy.core.digests import digest
from shipworthy.workspace.kinds.plan import FULL

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
    # The plan `full` is written nowhere: it is all the suites.
    start = [suites[entry.suite] for entry in wanted.suites] if plan == FULL else [graph.node("plan", plan)]
    entities: dict[str, dict[str, Any]] = {}
    for node in graph.reached(start):
        entities.setdefault(node.key.kind, {})[node.id] = node.meaning
    return {"schema": SCHEMA, "plan": plan, "entities": entities, "code": dict(workspace.code)}
