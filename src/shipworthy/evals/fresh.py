"""Fresh draws: other samples of the same bank. What was mended is not tested again on what it was mended for."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from shipworthy.core.ledger import DECLARED
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace

SEEDS = 1 << 48


def fresh_draws(
    workspace: Workspace, plan: str, *, suites: Sequence[str] | None = None, seed: int | None = None
) -> tuple[int, ...]:
    """Return the draws of a run on fresh samples: those that the ledger has used, and a new one.

    Runs on the same draw are runs on the same samples, and the ledger counts them as such.

    Args:
        plan: its id; its samples and all earlier draws of it count as used.
        suites: only these of its suites.
        seed: of the new draw, in [0, 2**48); one that was used before gives its samples again, such as for the
            baseline; a new random one if left out.

    Raises:
        UsageError: an unknown plan.
        StoreError: the audit log cannot be read.
    """
    layout, spec = Layout(workspace.root), workspace.spec_digest(plan)
    wanted = set(suites or (entry.suite for entry in workspace.plan(plan).suites))
    with AuditLog(layout.control_url) as audit:
        bodies = [entry.body for entry in audit.of_kinds(DECLARED)]
    drawn = [
        tuple(body["draws"])
        for body in bodies
        if (body["system"], body["spec_digest"]) == (workspace.system.id, spec) and wanted.intersection(body["suites"])
    ]
    used = tuple(dict.fromkeys(one for draws in drawn for one in draws))
    if seed is None:
        seed = secrets.randbelow(SEEDS)
        while seed in used:
            seed = secrets.randbelow(SEEDS)
    return next((draws for draws in drawn if draws and draws[-1] == seed), (*used, seed))
