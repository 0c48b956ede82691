"""Transfers that were measured: entries of the audit chain, as a decision reads them."""

from __future__ import annotations

from shipworthy.core.transferred import TRANSFERRED, TransferEntry, transfer_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.read_entries import read_entries


def add_transfer(audit: AuditLog, found: TransferEntry) -> TransferEntry:
    """Append a transfer to the audit chain, and return it with the number of its entry.

    Raises:
        StoreError: the database cannot be written.
    """
    body = {name: value for name, value in found._asdict().items() if name != "entry"}
    body["rows"] = [dict(row) for row in found.rows]
    with audit.appending() as appender:
        return found._replace(entry=appender.append(TRANSFERRED, body, key="run").number)


def read_transfers(audit: AuditLog, *, until: int) -> list[TransferEntry]:
    """Return the transfers among the first entries of the audit chain, oldest first. The chain is not verified here.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    return read_entries(audit, TRANSFERRED, transfer_of, until=until)
