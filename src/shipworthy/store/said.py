"""How what was said enters the audit chain: a named tuple, field by field, without its place in the chain."""

from __future__ import annotations

from typing import Any, Protocol

from shipworthy.core.errors import UsageError
from shipworthy.store.audit import Appender, AuditLog
from shipworthy.store.entry import Entry


class NamedFields(Protocol):
    """A named tuple."""

    def _asdict(self) -> dict[str, Any]: ...


def append_said(
    audit: AuditLog | Appender, kind: str, said: NamedFields, *, key: str, without: tuple[str, ...] = ("entry",)
) -> Entry:
    """Append what was said to the audit chain; durable when this returns.

    Args:
        audit: the log; or a transaction in it, with which it becomes durable.
        key: the field by which the entry is found again.
        without: fields that the entry has of its own, such as its number; where it has the time, too, ``at``.

    Raises:
        UsageError: a value has no canonical form.
        StoreError: the database cannot be written.
    """
    body = {name: value for name, value in said._asdict().items() if name not in without}
    try:
        return audit.append(kind, body, key=key)
    except ValueError as error:
        raise UsageError(f"the {type(said).__name__.lower()} cannot be kept: {error}") from error
