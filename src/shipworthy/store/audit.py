"""The audit log: one chained row for each thing that must not be forgotten, in SQLite or PostgreSQL.

A finished run's head is one entry, a decision another. Rows are only ever added. An entry's hash covers the entry
before it, its number, its time, its kind and its body in canonical JSON, so `verify` names the row that was edited.
A chain cannot show that its newest rows were cut off: for that, compare with a head kept elsewhere; every signed
decision carries one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sql
from msgspec import Struct

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.store import chain
from shipworthy.store.files import make_directory

ORIGIN = chain.origin(b"audit")

_tables = sql.MetaData()
_audit = sql.Table(
    "audit",
    _tables,
    sql.Column("number", sql.BigInteger().with_variant(sql.Integer(), "sqlite"), primary_key=True, autoincrement=False),
    sql.Column("at", sql.String(40), nullable=False),
    sql.Column("kind", sql.String(80), nullable=False),
    sql.Column("body", sql.Text, nullable=False),
    sql.Column("hash", sql.String(64), nullable=False),
)


class Entry(Struct, frozen=True):
    """One row.

    Attributes:
        number: from 1, without gaps.
        at: when it was appended, ISO 8601, UTC.
        kind: what happened, such as ``run.finished`` or ``decision.made``.
        body: JSON object.
        hash: 64 hex digits.
    """

    number: int
    at: str
    kind: str
    body: dict[str, Any]
    hash: str


class Verified(Struct, frozen=True):
    """What a verified chain holds: how many entries, and its head ``sha256:<64 hex>``."""

    entries: int
    head: str


def entry_hash(previous: bytes, number: int, at: str, kind: str, body: dict[str, Any]) -> bytes:
    """Return the 32-byte hash of an entry that follows `previous`."""
    return chain.link(previous, canonical({"number": number, "at": at, "kind": kind, "body": body}))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class AuditLog:
    """The audit chain at a SQLAlchemy address. Any number of processes may append at the same time.

    Args:
        url: such as ``sqlite:////path/control.sqlite`` (made when first appended to) or ``postgresql+psycopg://…``.
        clock: gives the time of an entry.
    """

    def __init__(self, url: str, *, clock: Callable[[], str] = _now) -> None:
        self._clock = clock
        try:
            self._url = sql.make_url(url)
            self._engine = sql.create_engine(self._url)
        except (sql.exc.ArgumentError, sql.exc.NoSuchModuleError) as error:
            raise UsageError(f"not a database address: {str(error).splitlines()[0]}") from error
        except ModuleNotFoundError as error:
            raise UsageError(f'{error.name} is not installed: pip install "shipworthy[postgres]"') from error
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._ready = False
        if self._sqlite:
            sql.event.listen(self._engine, "connect", _sqlite_connect)

    def append(self, kind: str, body: dict[str, Any]) -> Entry:
        """Append one entry; durable when this returns.

        Args:
            body: a JSON object without evaluation text, credentials or personal data: it can never be deleted.

        Raises:
            ValueError: the body has no canonical JSON form.
            StoreError: the database cannot be written.
        """
        return self._append(kind, body)

    def append_once(self, kind: str, key: str, body: dict[str, Any]) -> Entry:
        """Append an entry unless one of this kind has the same ``body[key]``; return the one that is there.

        Raises:
            IntegrityError: one is there, and says something else.
            StoreError: the database cannot be written.
        """
        return self._append(kind, body, key)

    def entries(self) -> Iterator[Entry]:
        """Yield every entry in order, as stored and unverified."""
        with self._reading() as connection:
            if connection is not None:
                for row in connection.execute(sql.select(_audit).order_by(_audit.c.number)):
                    yield _entry(row)

    def verify(self, head: str = "") -> Verified:
        """Check every entry's hash and number.

        Args:
            head: a head that was kept elsewhere; the chain must have had it at some entry.

        Raises:
            IntegrityError: names the first entry that was edited, or is missing.
        """
        previous, number, seen = ORIGIN, 0, not head or head == chain.head_text(ORIGIN)
        for number, entry in enumerate(self.entries(), 1):
            if entry.number != number:
                raise IntegrityError(f"audit log: entry {number} is missing (entry {entry.number} follows)")
            try:
                expected = entry_hash(previous, entry.number, entry.at, entry.kind, entry.body)
            except ValueError:
                expected = b""
            if expected.hex() != entry.hash:
                raise IntegrityError(f"audit log: entry {number} ({entry.kind}) is not what was written")
            previous = expected
            seen = seen or chain.head_text(previous) == head
        if not seen:
            raise IntegrityError(f"audit log: no entry has the hash {head}; entries were cut off or rewritten")
        return Verified(number, chain.head_text(previous))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, kind: str, body: dict[str, Any], key: str = "") -> Entry:
        text = canonical(body).decode()
        body = json.loads(text)
        try:
            self._prepare()
            with self._engine.begin() as connection:
                # One appender at a time: each needs the hash of the one before. Readers are not held up.
                if self._sqlite:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                else:
                    connection.execute(sql.text("LOCK TABLE audit IN EXCLUSIVE MODE"))
                if key:
                    for row in connection.execute(sql.select(_audit).where(_audit.c.kind == kind)):
                        there = _entry(row)
                        if there.body.get(key) == body[key]:
                            if there.body != body:
                                raise IntegrityError(
                                    f"audit log: entry {there.number} recorded {key} {body[key]} with other content "
                                    "than it has now"
                                )
                            return there
                last = connection.execute(sql.select(_audit).order_by(_audit.c.number.desc()).limit(1)).first()
                number = last.number + 1 if last else 1
                at = self._clock()
                hash = entry_hash(bytes.fromhex(last.hash) if last else ORIGIN, number, at, kind, body).hex()
                connection.execute(_audit.insert().values(number=number, at=at, kind=kind, body=text, hash=hash))
        except sql.exc.SQLAlchemyError as error:
            raise StoreError(f"the audit log cannot be written: {_reason(error)}") from error
        except OSError as error:
            raise StoreError(f"the audit log cannot be written: {error.strerror or error}") from error
        return Entry(number, at, kind, body, hash)

    def _prepare(self) -> None:
        if self._ready:
            return
        if self._sqlite and self._url.database not in (None, "", ":memory:"):
            make_directory(Path(str(self._url.database)).parent)
        create = sql.schema.CreateTable(_audit, if_not_exists=True)
        with self._engine.begin() as connection:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                # CREATE TABLE IF NOT EXISTS is not safe against itself in PostgreSQL.
                connection.execute(sql.text("SELECT pg_advisory_xact_lock(hashtext('shipworthy.audit'))"))
            connection.execute(create)
        self._ready = True

    @contextmanager
    def _reading(self) -> Iterator[sql.Connection | None]:
        """Give a connection, or None where nothing was ever appended. Creates nothing."""
        database = self._url.database
        if self._sqlite and database not in (None, "", ":memory:") and not Path(str(database)).exists():
            yield None
            return
        try:
            with self._engine.connect() as connection:
                yield connection if sql.inspect(connection).has_table("audit") else None
        except sql.exc.SQLAlchemyError as error:
            raise StoreError(f"the audit log cannot be read: {_reason(error)}") from error


def _entry(row: Any) -> Entry:
    try:
        body = json.loads(row.body)
    except ValueError:
        body = None
    # A body that was edited into something that is no canonical object must not verify.
    if not isinstance(body, dict) or _canonical_or_none(body) != row.body:
        body = {"unreadable": float("nan")}
    return Entry(row.number, row.at, row.kind, body, row.hash)


def _canonical_or_none(body: dict[str, Any]) -> str | None:
    try:
        return canonical(body).decode()
    except ValueError:
        return None


def _reason(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _sqlite_connect(connection: Any, _: Any) -> None:
    # The driver must not begin transactions by itself: appends begin theirs with IMMEDIATE, or two writers that both
    # read first would deadlock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
