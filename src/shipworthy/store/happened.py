"""Rows of what happened after launch: any struct, as canonical JSON, each recorded by an entry of the audit chain.

As in `store.rows` the entry holds the facts that must not be forgotten and the digest of the whole row, and free text
stands in the row alone. Here one table holds the rows of all kinds, so that a new kind needs no migration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sql

from shipworthy.core.digests import canonical, digest
from shipworthy.core.errors import IntegrityError
from shipworthy.store import tables
from shipworthy.store.audit import Appender, AuditLog
from shipworthy.store.entry import Entry

R = TypeVar("R", bound=msgspec.Struct)


class Happened(NamedTuple):
    """A row, and the number, time and kind of the entry that recorded it."""

    entry: int
    at: str
    kind: str
    row: Any


def enter(appender: Appender, kind: str, row: msgspec.Struct, *, key: str, facts: tuple[str, ...]) -> Entry:
    """Append a row and the entry that records it, within a transaction.

    Args:
        kind: of the entry; it says which struct the row is.
        row: its text is redacted by the caller.
        key: the field by which the entry is found again; must be among `facts`.
        facts: the fields that the entry repeats, which stay for ever: no words of people.

    Raises:
        ValueError: a value has no canonical JSON form, such as NaN.
    """
    values = msgspec.to_builtins(row)
    body = {name: values[name] for name in facts} | {"row": digest(values)}
    entry = appender.append(kind, body, key=key)
    appender.execute(tables.happened.insert(), {"entry": entry.number, "row": canonical(values).decode()})
    return entry


def entered(
    audit: AuditLog | Appender, kinds: Mapping[str, type[R]], *, about: str = "", until: int | None = None
) -> list[Happened]:
    """Return the rows of some kinds, oldest first, each held against the entry that recorded it.

    The chain is not verified here.

    Args:
        audit: the log, or a transaction in it.
        kinds: kind of entry -> the struct of its row.
        about: only rows whose key has this value. Keys are for finding: the hash of an entry covers the body that a
            key repeats, so a key that was edited shows in `AuditLog.verify`.
        until: number of the last entry that is read; all of them if left out.

    Raises:
        IntegrityError: a row is gone, or is not what was recorded.
        StoreError: the database cannot be read.
    """
    chain, table = tables.audit, tables.happened
    wanted = (
        sql.select(chain.c.number, chain.c.at, chain.c.kind, chain.c.body, table.c.row)
        .join_from(chain, table, table.c.entry == chain.c.number, isouter=True)
        .where(chain.c.kind.in_(list(kinds)))
        .order_by(chain.c.number)
    )
    if about:
        wanted = wanted.where(chain.c.key == about)
    if until is not None:
        wanted = wanted.where(chain.c.number <= until)
    found: Sequence[Any] = ()
    if isinstance(audit, Appender):
        found = audit.execute(wanted).all()
    else:
        with audit.database.reading() as connection:
            if connection is not None:
                found = connection.execute(wanted).all()
    return [Happened(one.number, one.at, one.kind, _checked(one, kinds[one.kind])) for one in found]


def _checked(found: Any, kind: type[R]) -> R:
    if found.row is None:
        raise IntegrityError(f"audit log: entry {found.number} ({found.kind}) recorded a row that is gone")
    try:
        values, body = json.loads(found.row), json.loads(found.body)
        told = {name: value for name, value in body.items() if name != "row"}
        # The facts of the entry, from which others work out what follows, are those of the row.
        if digest(values) == body["row"] and told == {name: values[name] for name in told}:
            return msgspec.json.decode(found.row, type=kind)
    except (KeyError, TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        pass
    raise IntegrityError(f"the row of entry {found.number} ({found.kind}) is not what the audit log recorded")
