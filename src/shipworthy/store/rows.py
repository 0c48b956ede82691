"""Rows beside the audit chain that people write: each is recorded by an entry, in the same transaction.

The entry holds the facts that must not be forgotten and the digest of the whole row. Free text stays in the row alone,
because an entry can never be deleted. A row that was edited or removed no longer fits its entry, and reading says so.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sql

from shipworthy.core.digests import digest
from shipworthy.core.errors import IntegrityError
from shipworthy.store import tables
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry

R = TypeVar("R", bound=msgspec.Struct)


def add(
    audit: AuditLog, table: sql.Table, kind: str, row: msgspec.Struct, *, key: str, facts: tuple[str, ...]
) -> Entry:
    """Append a row and the entry that records it.

    Args:
        kind: of the entry.
        row: has a field for every column of `table` but ``entry``.
        key: the field by which `read` finds the row.
        facts: the fields that the entry repeats; `key` must be among them.

    Raises:
        ValueError: a value has no canonical JSON form, such as NaN.
        StoreError: the database cannot be written.
    """
    values = msgspec.to_builtins(row)
    body = {name: values[name] for name in facts} | {"row": digest(values)}
    with audit.appending() as appender:
        entry = appender.append(kind, body, key=key)
        appender.execute(table.insert(), {"entry": entry.number, **values})
    return entry


def read(audit: AuditLog, table: sql.Table, kind: str, cls: type[R], about: str) -> list[R]:
    """Return the rows whose key has this value, oldest first, each held against the entry that recorded it.

    Raises:
        IntegrityError: a row is gone, or is not what was recorded.
        StoreError: the database cannot be read.
    """
    chain = tables.audit
    wanted = (
        sql.select(chain.c.number, chain.c.body, table)
        .join_from(chain, table, table.c.entry == chain.c.number, isouter=True)
        .where(chain.c.key == about, chain.c.kind == kind)
        .order_by(chain.c.number)
    )
    with audit.database.reading() as connection:
        found = [] if connection is None else connection.execute(wanted).all()
    return [_checked(row._mapping, table, cls) for row in found]


def _checked(found: Any, table: sql.Table, cls: type[R]) -> R:
    number = found[tables.audit.c.number]
    if found[table.c.entry] is None:
        raise IntegrityError(f"audit log: entry {number} recorded a row of `{table.name}` that is gone")
    values = {column.name: found[column] for column in table.columns if column.name != "entry"}
    try:
        same = digest(values) == json.loads(found[tables.audit.c.body])["row"]
    except (KeyError, TypeError, ValueError):
        same = False
    if not same:
        raise IntegrityError(f"`{table.name}`: the row of entry {number} is not what the audit log recorded")
    return cls(**values)
