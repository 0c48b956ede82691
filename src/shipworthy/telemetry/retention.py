"""How long what is kept: content by class, facts in all; by the age of the segment that holds it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from shipworthy.store.files import sync_directory
from shipworthy.telemetry import blocks
from shipworthy.telemetry.segment import CONTENT, FACTS, PARQUET, began, segments

INCIDENT, ORDINARY = "incident", "ordinary"
"""Classes of content: of spans with severity S1 or S2, and of all others."""
_DAY_S = 86_400.0


class Retention(Struct, frozen=True):
    """Days that things are kept, counted from when their segment was begun.

    Attributes:
        ordinary, incident: content of these classes.
        facts: facts.
    """

    ordinary: float = 30.0
    incident: float = 365.0
    facts: float = 730.0


class Swept(NamedTuple):
    """Files that a sweep deleted."""

    content: int
    facts: int


def sweep(directory: Path, retention: Retention, now: float | None = None) -> Swept:
    """Delete what is older than it may be. A class of content that is not known is kept as long as the shortest.

    Raises:
        OSError: something cannot be deleted.
    """
    at = time.time() if now is None else now
    days = {ORDINARY: retention.ordinary, INCIDENT: retention.incident}
    content = facts = 0
    for path in list((directory / CONTENT).glob(f"*{blocks.SUFFIX}")):
        name, _, kept = path.name.removesuffix(blocks.SUFFIX).partition(".")
        if at - began(name) > days.get(kept, min(days.values())) * _DAY_S:
            path.unlink()
            content += 1
    for name in segments(directory):
        if at - began(name) > retention.facts * _DAY_S:
            (directory / FACTS / (name + PARQUET)).unlink()
            facts += 1
    for folder in (CONTENT, FACTS):
        sync_directory(directory / folder)
    return Swept(content, facts)
