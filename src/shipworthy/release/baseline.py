"""Which run to compare with, when the user names none."""

from __future__ import annotations

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import RunManifest
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout


def find_baseline(layout: Layout, run: RunManifest) -> str | None:
    """Return the id of the newest complete-looking run without guards on the same plan, or None.

    It must have the same plan digest (the same samples, attacks, attempts and seed) and be of the same system. A run
    without guards is compared with an older one only: never with itself, and never backwards in time.
    """
    for name in reversed(layout.run_ids()):
        if name == run.id or (not run.guards and name > run.id):
            continue
        try:
            other = read_manifest(layout.run_directory(name))
        except (IntegrityError, UsageError):
            continue  # A damaged run is reported when it is named; it is no candidate.
        if not other.guards and other.system == run.system and other.plan_digest == run.plan_digest:
            return name
    return None
