"""Changes that somebody said, or a sentinel found: entries of the audit chain, and when runs were begun among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shipworthy.core.change import CHANGED, ChangeRecord, change_of
from shipworthy.core.errors import IntegrityError
from shipworthy.core.ledger import DECLARED
from shipworthy.store.audit import AuditLog
from shipworthy.store.heads import RUN_KINDS
from shipworthy.store.said import append_said


class RecordedChanges(NamedTuple):
    """What the audit chain holds of changes.

    Attributes:
        changes: of one system, oldest first.
        begun: run -> number of its first entry.
    """

    changes: tuple[ChangeRecord, ...] = ()
    begun: Mapping[str, int] = {}


def add_change(audit: AuditLog, change: ChangeRecord) -> ChangeRecord:
    """Append a change to the audit chain, and return it with its entry's number and time.

    Raises:
        UsageError: a value has no canonical form.
        StoreError: the database cannot be written.
    """
    entry = append_said(audit, CHANGED, change, key="system", without=("entry", "at"))
    return change._replace(entry=entry.number, at=entry.at)


def read_changes(audit: AuditLog, system: str, *, until: int | None = None) -> RecordedChanges:
    """Return the changes of a system, and when runs were begun. The chain is not verified here.

    Args:
        until: number of the last entry that is read; all of them if left out.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    changes, begun = list[ChangeRecord](), dict[str, int]()
    for entry in audit.of_kinds(CHANGED, DECLARED, *RUN_KINDS):
        if until is not None and entry.number > until:
            break
        if entry.kind != CHANGED:
            begun.setdefault(str(entry.body.get("run")), entry.number)
            continue
        try:
            change = change_of(entry.number, entry.at, entry.body)
        except ValueError as error:
            raise IntegrityError(f"audit log: {error}") from None
        if change.system == system:
            changes.append(change)
    return RecordedChanges(tuple(changes), begun)
