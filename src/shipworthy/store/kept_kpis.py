"""Numbers as they were on a day: entries of the audit chain."""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.core.errors import IntegrityError
from shipworthy.core.kept_kpi import KPI_KEPT, KeptKpi, kept_kpi_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.said import append_said


def keep_kpis(audit: AuditLog, numbers: Iterable[KeptKpi]) -> list[KeptKpi]:
    """Append numbers to the audit chain, all or none, and return them with their entries.

    Raises:
        UsageError: a value has no canonical form.
        StoreError: the database cannot be written.
    """
    kept = []
    with audit.appending() as appender:
        for one in numbers:
            entry = append_said(appender, KPI_KEPT, one, key="system", without=("entry", "at"))
            kept.append(one._replace(entry=entry.number, at=entry.at))
    return kept


def read_kpis(audit: AuditLog, system: str) -> list[KeptKpi]:
    """Return the numbers of a system that were kept, oldest first. The chain is not verified here.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    try:
        return [
            kept_kpi_of(entry.number, entry.at, entry.body)
            for entry in audit.of_kinds(KPI_KEPT)
            if entry.body.get("system") == system
        ]
    except ValueError as error:
        raise IntegrityError(f"audit log: {error}") from None
