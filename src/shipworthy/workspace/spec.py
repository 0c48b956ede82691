"""The spec digest: what a run means, as one hash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy.core import strict_json
from shipworthy.core.digests import canonical, digest
from shipworthy.core.errors import StoreError
from shipworthy.store.files import write_atomic
from shipworthy.workspace.kinds.plan import FULL, part_meaning, split_part

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace

SCHEMA = 2
"""Raised when the same YAML starts to mean something else. Adding a key with a default does not raise it."""


KEPT = "spec.json"
"""In a run's folder: the specification that its manifest names by digest."""


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


def keep_spec(directory: Path, value: dict[str, Any]) -> None:
    """Keep what a run meant beside its manifest: what changed since can then be told entity by entity.

    Raises:
        StoreError: it cannot be written.
    """
    path = directory / KEPT
    try:
        write_atomic(path, canonical(value))
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def kept_spec(directory: Path, named: str) -> dict[str, Any] | None:
    """Return what a run kept; None where it kept none, or another one than its manifest names.

    Args:
        named: the digest in its manifest.
    """
    try:
        value = strict_json.loads((directory / KEPT).read_bytes())
        return value if isinstance(value, dict) and digest(value) == named else None
    except (OSError, ValueError, RecursionError):
        return None
