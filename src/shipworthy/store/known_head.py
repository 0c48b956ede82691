"""A head that a log is known to have had, and what is said where it has it no more."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from shipworthy.core.errors import IntegrityError


class KnownHead(NamedTuple):
    """Who knows of a head: the number of the audit log's entry, and how many records the log had (-1: not said)."""

    entry: int
    records: int


def cut(log: str, found: int, lost: Collection[KnownHead]) -> IntegrityError:
    """Return the error about a log that lacks heads it had.

    Args:
        log: its file.
        found: how many records it has.
        lost: who knows of the heads that it lacks; at least one.
    """
    newest = max(lost)
    had = f"with {newest.records:,} records" if newest.records >= 0 else "with a head"
    return IntegrityError(
        f"{log}: entry {newest.entry} of the audit log knows this log {had} that it does not have now (it has "
        f"{found:,}): lines were cut off or replaced, so it cannot go on\n"
        "Measure again as a new run: `shipworthy eval` (shards: `shipworthy runs declare`). The ledger keeps this one"
    )
