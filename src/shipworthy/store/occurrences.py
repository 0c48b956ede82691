"""Occurrences: what somebody or a pipeline said that happened, as entries of the audit chain."""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.occurrence import OCCURRED, WORDS, Occurrence, checked, occurrence_of
from shipworthy.detect.redact import redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.store.said import append_said


def add_occurrences(audit: AuditLog, said: Iterable[Occurrence]) -> list[Occurrence]:
    """Append occurrences to the audit chain, all or none; those that are there already are left out.

    Fields that hold words of people (`WORDS`) are redacted first: an entry stays for ever.

    Returns:
        What is new, with its entries.

    Raises:
        UsageError: one of them is none; it says which.
        StoreError: the database cannot be written.
    """
    wanted: dict[tuple[str, ...], Occurrence] = {}
    for number, one in enumerate(said, 1):
        try:
            good = checked(one._replace(fields={k: redact_text(v) if k in WORDS else v for k, v in one.fields.items()}))
        except ValueError as error:
            raise UsageError(f"occurrence {number}: {error}") from None
        wanted.setdefault(good.identity, good)
    new: list[Occurrence] = []
    with audit.appending() as appender:
        for system in {one.system for one in wanted.values()}:
            for there in appender.about(system):
                if there.kind == OCCURRED:
                    wanted.pop(_read(there.number, there.at, there.body).identity, None)
        for one in wanted.values():
            entry = append_said(appender, OCCURRED, one, key="system", without=("entry", "at"))
            new.append(one._replace(entry=entry.number, at=entry.at))
    return new


def read_occurrences(audit: AuditLog, system: str) -> list[Occurrence]:
    """Return the occurrences of a system in the order in which they happened. The chain is not verified here.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    found = [_read(e.number, e.at, e.body) for e in audit.of_kinds(OCCURRED) if e.body.get("system") == system]
    return sorted(found, key=lambda one: (one.when, one.entry))


def _read(number: int, at: str, body: dict[str, object]) -> Occurrence:
    try:
        return occurrence_of(number, at, body)
    except ValueError as error:
        raise IntegrityError(f"audit log: {error}") from None
