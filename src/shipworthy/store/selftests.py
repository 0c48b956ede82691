"""Self-tests of gates: entries of the audit chain, as a decision reads them."""

from __future__ import annotations

from shipworthy.core.selftest import SELFTESTED, GateSelftest, selftest_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.read_entries import read_entries


def add_selftest(audit: AuditLog, found: GateSelftest) -> GateSelftest:
    """Append a self-test to the audit chain, and return it with the number of its entry.

    Raises:
        StoreError: the database cannot be written.
    """
    body = {name: value for name, value in found._asdict().items() if name != "entry"}
    with audit.appending() as appender:
        return found._replace(entry=appender.append(SELFTESTED, body, key="run").number)


def read_selftests(audit: AuditLog, *, until: int) -> list[GateSelftest]:
    """Return the self-tests among the first entries of the audit chain, oldest first. The chain is not verified here.

    Args:
        until: number of the last entry that is read.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    return read_entries(audit, SELFTESTED, selftest_of, until=until)
