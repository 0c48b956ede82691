"""Deleting a run: entered in the audit chain first, so that the gap it leaves has a reason."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import open_log, read_manifest
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE, register_deleted, verified_run


def delete_run(layout: Layout, directory: Path, *, why: str = "", decided: bool = False) -> tuple[str, int]:
    """Delete a run of a workspace. Returns its id and how many records it held; -1 where its logs are damaged.

    Args:
        why: for the audit log.
        decided: also if a decision rests on it.

    Raises:
        UsageError: it is being written, a decision rests on it, or it is no run.
        StoreError: the audit log cannot be written; then the run is still there. Or files cannot be deleted.
    """
    manifest = read_manifest(directory)
    with AuditLog(layout.control_url) as audit:
        rests = [e.body["decision"] for e in audit.of_kinds(DECISION_MADE) if manifest.id in e.body["heads"]]
    if rests and not decided:
        raise UsageError(
            f"the decision {rests[-1]} rests on {manifest.id}, and could not be proved without it\n"
            "Build its evidence pack first (`shipworthy evidence build`), then delete it with --decided"
        )
    with ExitStack() as held:
        for shard in range(manifest.shards):
            try:
                held.callback(os.close, open_log(directory, shard))
            except FileNotFoundError:  # It is damaged, and may be deleted all the same.
                continue
        try:
            found = verified_run(directory)
            heads, made, records = list(found.heads), found.row.made, found.row.records
        except IntegrityError:
            heads, made, records = [], 0, -1
        register_deleted(layout, manifest.id, heads=heads, made=made, planned=manifest.planned, why=why)
        try:
            shutil.rmtree(directory)
        except OSError as error:
            said = f"{directory} cannot be deleted ({error.strerror or error}), though the audit log says so already"
            raise StoreError(f"{said}: delete it again when this is mended") from error
    return manifest.id, records
