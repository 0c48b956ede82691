"""The spec digest: what a run means, as one hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipworthy.core.digests import digest
from shipworthy.core.errors import MissingExtra
from shipworthy.workspace.parameters import build
from shipworthy.workspace.plan import FULL
from shipworthy.workspace.use import Use

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.suite import Suite

SCHEMA = 1
"""Raised when the same YAML starts to mean something else. Adding a key with a default does not raise it."""


def spec_digest(workspace: Workspace, plan: str) -> str:
    """Return the digest of a plan: see `Workspace.spec_digest`."""
    return digest(spec(workspace, plan))


def spec(workspace: Workspace, plan: str) -> dict[str, Any]:
    """Return the JSON that is hashed: for `shipworthy evidence`, which stores it beside its digest."""
    wanted = workspace.plan(plan)
    written = next((p for p in workspace.resolved.get("plans", ()) if p.get("id") == plan), {"id": FULL})
    return {
        "schema": SCHEMA,
        "plan": written,
        "suites": {entry.suite: _suite(workspace.suites[entry.suite]) for entry in wanted.suites},
        "requirements": sorted(workspace.resolved.get("requirements", ()), key=lambda r: str(r.get("id"))),
        "gate": workspace.resolved.get("gate", {}),
        "code": dict(workspace.code),
    }


def _suite(suite: Suite) -> dict[str, Any]:
    return {"digest": suite.digest, "scorers": [_described(use) for use in suite.scorers]}


def _described(use: Use) -> Any:
    """Return a scorer's own description, which names its version and the digest of its weights."""
    try:
        return dict(build("scorer", use).describe())
    except MissingExtra:
        return {"scorer": use.name}  # what it needs is not installed: it cannot have scored anything here
