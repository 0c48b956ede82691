"""Which run a gate decides on where none is named: the one that waits for a decision, never the better of two."""

from __future__ import annotations

from collections.abc import Collection

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import RunManifest
from shipworthy.evals.imports.bring import IMPORTED
from shipworthy.store.declare import read_manifest
from shipworthy.store.history import decided_runs
from shipworthy.store.layout import Layout


def choose_run(layout: Layout, baselines: Collection[str] = ()) -> str:
    """Return the id of the newest run that is no baseline.

    It is refused where another run of the same plan, files and subject waits for a decision: whoever measured twice
    says which of the two counts, and the ledger keeps the other one.

    Args:
        baselines: runs that candidates are compared with.

    Raises:
        UsageError: there is no run; or several of one kind wait.
        IntegrityError: the newest run's manifest is damaged.
    """
    ids = [name for name in layout.run_ids() if name not in baselines and not _imported(layout, name)]
    if not ids:
        return layout.run_directory("latest").name
    newest = ids.pop()
    manifest, decided = read_manifest(layout.runs / newest), decided_runs(layout)
    if manifest.id != newest:
        return newest  # A copy, or renamed: whoever reads it says so.
    waiting = [name for name in ids if name not in decided and _alike(layout, name, manifest)]
    if waiting:
        named = ", ".join((*waiting[-3:], newest))
        raise UsageError(
            f"{len(waiting) + 1:,} runs of the plan {manifest.plan!r} measured this subject, and not all were decided "
            f"on: {named}\nName the one to decide on: `shipworthy gate RUN` (the others stand in the decision's ledger)"
        )
    return newest


def _imported(layout: Layout, name: str) -> bool:
    """Say whether another tool made a run: no decision rests on it, so it never is the newest candidate."""
    try:
        return read_manifest(layout.runs / name).plan.startswith(IMPORTED)
    except (IntegrityError, UsageError):
        return False


def _alike(layout: Layout, name: str, other: RunManifest) -> bool:
    try:
        one = read_manifest(layout.runs / name)
    except (IntegrityError, UsageError):
        return False  # A damaged run is reported when it is named.
    return (one.plan_digest, one.spec_digest, one.subject_digest) == (
        other.plan_digest,
        other.spec_digest,
        other.subject_digest,
    )
