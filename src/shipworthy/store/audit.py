"""The audit chain: one entry for each thing that must not be forgotten, in SQLite or PostgreSQL.

A finished run's head is one entry, a decision another. Entries are only ever added. An entry's hash covers the entry
before it, its number, its time, its kind and its body in canonical JSON, so `verify` names the entry that was edited.
A chain cannot show that its newest entries were cut off: for that, compare with a head kept elsewhere; every signed
decision carries one.

The chain's head is its newest row, and the primary key leads to it in one step, however long the chain is. A second
copy of it would be one more thing that can be wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self

import sqlalchemy as sql
from msgspec import Struct

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError
from shipworthy.store import chain, tables
from shipworthy.store.database import Database, cursor
from shipworthy.store.entry import ORIGIN, Entry, payload

_audit = tables.audit
_entries = sql.select(_audit).order_by(_audit.c.number)
_last = sql.select(_audit.c.number, _audit.c.hash).where(
    _audit.c.number == sql.select(sql.func.max(_audit.c.number)).scalar_subquery()
)
_about = sql.select(_audit).where(_audit.c.key == sql.bindparam("about")).order_by(_audit.c.number)
_insert = _audit.insert()
_PIECE = 1000
"""Rows that are held in memory while a chain is read."""


class Verified(Struct, frozen=True):
    """What a verified chain holds: how many entries, and its head ``sha256:<64 hex>``."""

    entries: int
    head: str


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Appender:
    """Adds entries, and rows beside them, in one transaction. Made by `AuditLog.appending`, for one block."""

    def __init__(self, connection: sql.Connection, clock: Callable[[], str], last: str, insert: str) -> None:
        self._connection, self._clock, self._insert = connection, clock, insert
        self._cursor = cursor(connection)
        self._cursor.execute(last)
        # All rows, though there is but one: a half-read result would keep SQLite's snapshot after the commit.
        newest = self._cursor.fetchall()
        self._number: int = newest[0][0] if newest else 0
        try:
            self._head = bytes.fromhex(newest[0][1]) if newest else ORIGIN
        except (TypeError, ValueError):
            raise IntegrityError(f"audit log: entry {self._number} is not what was written") from None

    def now(self) -> str:
        """Return the moment, by the clock that gives entries their times."""
        return self._clock()

    def append(self, kind: str, body: dict[str, Any], *, key: str = "") -> Entry:
        """Append one entry, which counts once the block has ended.

        Args:
            kind: such as ``run.finished``.
            body: a JSON object without evaluation text, credentials or personal data that someone may want deleted:
                an entry stays for ever.
            key: name of the field of `body`, a string, by which the entry is found again; see `about`.

        Raises:
            ValueError: the body has no canonical JSON form.
        """
        text = canonical(body).decode()
        number, at = self._number + 1, self._clock()
        head = chain.link(self._head, payload(number, at, kind, text))
        entry = Entry(number, at, kind, json.loads(text), head.hex())
        about = body[key] if key else None
        row = {"number": number, "at": at, "kind": kind, "body": text, "hash": entry.hash, "key": about}
        self._cursor.execute(self._insert, row)
        self._number, self._head = number, head
        return entry

    def about(self, value: str) -> list[Entry]:
        """Return the entries that were appended with a key of this value, oldest first."""
        return _find(self._connection, value)

    def execute(self, statement: sql.Executable, values: dict[str, Any] | None = None) -> sql.Result[Any]:
        """Execute a statement about the rows beside the chain, in the same transaction."""
        return self._connection.execute(statement, values)


class AuditLog:
    """The audit chain in a database. Any number of processes may append at the same time.

    Args:
        url: address of the control state, see `Database`; made when first appended to.
        clock: gives the time of an entry.

    Attributes:
        database: where the chain is, and the rows beside it.
    """

    def __init__(self, url: str, *, clock: Callable[[], str] = _now) -> None:
        self.database = Database(url)
        self._clock = clock
        self._last, self._insert = self.database.compiled(_last), self.database.compiled(_insert)

    @contextmanager
    def appending(self) -> Iterator[Appender]:
        """Append several entries, or rows beside them, in one transaction: all are durable after the block, or none.

        No other process can append meanwhile, so the block must do nothing that takes time.

        Raises:
            StoreError: the database cannot be written.
        """
        with self.database.writing() as connection:
            yield Appender(connection, self._clock, self._last, self._insert)

    def append(self, kind: str, body: dict[str, Any], *, key: str = "") -> Entry:
        """Append one entry; durable when this returns. Arguments as for `Appender.append`.

        Raises:
            ValueError: the body has no canonical JSON form.
            StoreError: the database cannot be written.
        """
        with self.appending() as appender:
            return appender.append(kind, body, key=key)

    def append_many(self, events: Iterable[tuple[str, dict[str, Any]]]) -> list[Entry]:
        """Append entries, each a kind and a body, in one transaction. Errors as for `append`, and then none is kept."""
        events = list(events)
        with self.appending() as appender:
            return [appender.append(kind, body) for kind, body in events]

    def append_once(self, kind: str, key: str, body: dict[str, Any]) -> Entry:
        """Append an entry unless one of this kind has the same ``body[key]``; return the one that is there.

        An entry by an older version may say less than `body`. What it says must be the same.

        Raises:
            IntegrityError: one is there, and says something else.
            StoreError: the database cannot be written.
        """
        with self.appending() as appender:
            return once(appender, kind, key, body)

    def entries(self) -> Iterator[Entry]:
        """Yield every entry in order, as stored and unverified.

        Raises:
            IntegrityError: a body was edited into something that is no JSON object.
        """
        return (_entry(row) for row in self._rows())

    def about(self, value: str) -> list[Entry]:
        """Return the entries that were appended with a key of this value, oldest first, as stored and unverified.

        Raises:
            StoreError: the database cannot be read.
        """
        with self.database.reading() as connection:
            return [] if connection is None else _find(connection, value)

    def of_kinds(self, *kinds: str) -> list[Entry]:
        """Return the entries of some kinds, oldest first, as stored and unverified.

        Reads the whole table, though it parses only what it returns: about 0.1 s for 100,000 entries.

        Raises:
            StoreError: the database cannot be read.
            IntegrityError: a body was edited into something that is no JSON object.
        """
        wanted = _entries.where(_audit.c.kind.in_(kinds))
        with self.database.reading() as connection:
            return [] if connection is None else [_entry(row) for row in connection.execute(wanted)]

    def verify(self, head: str = "") -> Verified:
        """Check every entry's hash and number.

        Args:
            head: a head that was kept elsewhere; the chain must have had it at some entry.

        Raises:
            IntegrityError: names the first entry that was edited, or is missing.
        """
        previous, number, seen = ORIGIN, 0, not head or head == chain.head_text(ORIGIN)
        for number, row in enumerate(self._rows(), 1):
            if row.number != number:
                raise IntegrityError(f"audit log: entry {number} is missing (entry {row.number} follows)")
            try:
                expected = chain.link(previous, payload(number, row.at, row.kind, row.body))
            except (TypeError, ValueError):  # A value that is no text, or half a surrogate pair.
                expected = b""
            if expected.hex() != row.hash or not _key_fits(row):
                raise IntegrityError(f"audit log: entry {number} ({row.kind}) is not what was written")
            previous = expected
            seen = seen or chain.head_text(previous) == head
        if not seen:
            raise IntegrityError(f"audit log: no entry has the hash {head}; entries were cut off or rewritten")
        return Verified(number, chain.head_text(previous))

    def now(self) -> str:
        """Return the moment, by the clock that gives entries their times."""
        return self._clock()

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self) -> Iterator[sql.Row[Any]]:
        with self.database.reading() as connection:
            if connection is not None:
                yield from connection.execution_options(yield_per=_PIECE).execute(_entries)


def once(appender: Appender, kind: str, key: str, body: dict[str, Any]) -> Entry:
    """Do what `AuditLog.append_once` does, within a transaction."""
    body = json.loads(canonical(body))
    for there in appender.about(body[key]):
        if there.kind == kind:
            if any(body.get(name) != value for name, value in there.body.items()):
                raise IntegrityError(
                    f"audit log: entry {there.number} recorded {key} {body[key]} with other content than it has now"
                )
            return there
    return appender.append(kind, body, key=key)


def _find(connection: sql.Connection, value: str) -> list[Entry]:
    return [_entry(row) for row in connection.execute(_about, {"about": value})]


def _entry(row: Any) -> Entry:
    try:
        body = json.loads(row.body)
    except (TypeError, ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise IntegrityError(f"audit log: entry {row.number} ({row.kind}) is not what was written")
    return Entry(row.number, row.at, row.kind, body, row.hash)


def _key_fits(row: Any) -> bool:
    """Return whether the key repeats something that the body says. The hash does not cover it, since the body does."""
    return row.key is None or row.key in json.loads(row.body).values()
