"""Entries of one kind in the audit chain, as what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from shipworthy.core.errors import IntegrityError
from shipworthy.store.audit import AuditLog

Held = TypeVar("Held")


def read_entries(
    audit: AuditLog, kind: str, read: Callable[[int, Mapping[str, Any]], Held], *, until: int
) -> list[Held]:
    """Return what the entries of a kind hold, oldest first. The chain is not verified here.

    Args:
        read: makes of an entry's number and body what it holds; it raises ValueError, TypeError or KeyError of another.
        until: number of the last entry that is read.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    found = []
    for entry in audit.of_kinds(kind):
        if entry.number > until:
            break
        try:
            found.append(read(entry.number, entry.body))
        except (KeyError, TypeError, ValueError):
            raise IntegrityError(f"audit log: entry {entry.number} ({kind}) is not what was written") from None
    return found
