"""Occurrences: what somebody or a pipeline said that happened, as entries of the audit chain."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.occurrence import NAMES, OCCURRED, WORDS, Occurrence, checked, occurrence_of
from shipworthy.detect.redact import redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.store.said import append_said

_PLAIN = re.compile(
    r"(?:[a-z0-9]{2,10}:)?(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})|v?[0-9]{1,4}(?:\.[0-9]{1,4}){1,3}"
    r"|[A-Z]{2,4}-[0-9]{8}T[0-9]{6,9}Z-[0-9a-f]{4,16}"
)
"""A digest, a version, an id of ours: redaction could take them for a key, an address, a number."""


def add_occurrences(audit: AuditLog, said: Iterable[Occurrence]) -> list[Occurrence]:
    """Append occurrences to the audit chain, all or none; those that are there already are left out.

    Fields that hold words of people (`WORDS`) are redacted first: an entry stays for ever. What it is about, its ids
    and its source are kept as they are, so one that looks like an address or a secret is refused.

    Returns:
        What is new, with its entries.

    Raises:
        UsageError: one of them is none; it says which.
        StoreError: the database cannot be written.
    """
    wanted: dict[tuple[str, ...], Occurrence] = {}
    for number, one in enumerate(said, 1):
        try:
            good = checked(_without_people(one))
        except ValueError as error:
            raise UsageError(f"occurrence {number}: {error}") from None
        if wanted.setdefault(good.identity, good) is not good and good.kind == "survey.answered" and not _who(good):
            raise UsageError(
                f"occurrence {number}: another answer to {good.about} with this score and time has no 'who' either, so "
                "they would count as one; give each a code"
            )
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


def _who(one: Occurrence) -> str:
    return one.fields.get("who", "")


def _without_people(said: Occurrence) -> Occurrence:
    """Return it with its words redacted.

    Raises:
        ValueError: what is kept as it is looks like an address or a secret.
    """
    for name, value in (("about", said.about), ("source", said.source), *said.fields.items()):
        if name in ("about", "source", *NAMES) and not _PLAIN.fullmatch(value) and redact_text(value) != value:
            raise ValueError(f"{name} looks like an address, a number or a secret, and is kept as it is: give a code")
    return said._replace(fields={k: redact_text(v) if k in WORDS else v for k, v in said.fields.items()})


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
