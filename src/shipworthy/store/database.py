"""The database that holds the control state: one way to make an engine, for SQLite and PostgreSQL alike.

SQLite is the default. PostgreSQL is for several machines that share one state. Whoever writes is alone for the length
of a transaction, because the next entry of the audit chain needs the hash of the last one; readers are never held up.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Self
from urllib.parse import quote

import sqlalchemy as sql

from shipworthy.core.errors import MissingExtra, StoreError, UsageError
from shipworthy.store import migrate
from shipworthy.store.files import make_directory

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
_SHAPES = "write sqlite:////folder/control.sqlite or postgresql://user@host/database"

_WAIT = 30
"""Seconds that a writer waits for its turn."""
_CONNECT = 10
"""Seconds that a PostgreSQL server may take to answer the first time."""

# An advisory lock, not LOCK TABLE: a role that may only SELECT and INSERT can take it, and vacuum does not wait for it.
# The number is arbitrary and must never change: processes of different versions have to meet at the same lock.
# A machine that vanishes in the middle of a transaction would hold the lock until TCP gives up, so there is a limit.
_POSTGRES_TURN = sql.text(
    f"SELECT set_config('lock_timeout', '{_WAIT}s', true), "
    "set_config('idle_in_transaction_session_timeout', '60s', true), "
    "pg_advisory_xact_lock(6005893642918034273)"
)


class Database:
    """The control state at an address. Connects when first used; any number of processes may use it at once.

    Args:
        url: ``sqlite:///`` and a path (taken as it is, no percent signs decoded), or ``postgresql://…``.

    Attributes:
        place: the address without user, password and options, as messages show it.

    Raises:
        UsageError: the address cannot be used. It is never repeated, since it may hold a password.
    """

    def __init__(self, url: str) -> None:
        self._file: Path | None = None
        self._secrets: tuple[str, ...] = ()
        self._ready = False
        self._writer: sql.Connection | None = None
        self._alone = RLock()
        if url.startswith(_SQLITE):
            self._engine = self._open_sqlite(url)
        else:
            self._engine = self._open_postgres(url)
        self._driver: Any = self._engine.dialect.dbapi

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """Give a connection in a transaction that no other writer shares.

        Durable when the block ends; where the block raises, nothing is kept. Makes or upgrades the tables if needed.

        Raises:
            StoreError: the database cannot be written, or another writer held it for half a minute.
            UsageError: the database was made by a newer version, or is not shipworthy's.
        """
        try:
            self._prepare()
            with self._alone, self._turn() as connection:
                yield connection
        except (sql.exc.SQLAlchemyError, self._driver.Error) as error:
            raise StoreError(f"the control state ({self.place}) cannot be written: {self._reason(error)}") from None

    @contextmanager
    def reading(self) -> Iterator[sql.Connection | None]:
        """Give a connection to read from, or None where nothing was ever written: reading makes no database.

        Raises:
            StoreError: the database cannot be read.
            UsageError: the database was made by a newer version, or is not shipworthy's.
        """
        try:
            if not self._exists():
                yield None
                return
            self._prepare()
            with self._engine.connect() as connection:
                yield connection
        except (sql.exc.SQLAlchemyError, self._driver.Error) as error:
            raise StoreError(f"the control state ({self.place}) cannot be read: {self._reason(error)}") from None

    def downgrade(self, revision: str) -> None:
        """Take the tables back to an earlier revision, so that an older version can use them. No row is lost.

        Args:
            revision: such as ``0001``, or ``base`` for a version that knew no migrations.

        Raises:
            UsageError: there is no such revision.
            StoreError: the database cannot be written.
        """
        with self.writing() as connection:
            migrate.downgrade(connection, revision)
        self._ready = False

    def compiled(self, statement: sql.Executable) -> str:
        """Return a statement as this database's SQL, for a `cursor`, with parameters by name."""
        return str(statement.compile(dialect=self._engine.dialect))  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close the connections."""
        with self._alone:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_sqlite(self, url: str) -> sql.Engine:
        path = url.removeprefix(_SQLITE)
        if not path or path == ":memory:" or path.startswith("file:"):
            raise UsageError(
                "not a database address: SQLite needs the path of a file, such as sqlite:////folder/control.sqlite"
            )
        self._file, self.place = Path(path), path
        # The path is not parsed as part of an address: a folder may have a ? in its name.
        # Parameters by name, as psycopg has them, so that one statement text does for both.
        engine = sql.create_engine(sql.URL.create("sqlite", database=path), paramstyle="named", hide_parameters=True)
        sql.event.listen(engine, "connect", _sqlite_connect)
        return engine

    def _open_postgres(self, url: str) -> sql.Engine:
        try:
            parsed = sql.make_url(url)
        except (sql.exc.ArgumentError, ValueError):
            # "from None", here and below: the cause would show the address in a traceback.
            raise UsageError(f"not a database address (it is not shown, it may hold a password): {_SHAPES}") from None
        if parsed.drivername not in _POSTGRES:
            raise UsageError(f"not a database address that shipworthy can use: {_SHAPES}")
        if "@" in (parsed.host or ""):
            raise UsageError(
                "not a database address: a password with one of the characters @ : / ? # % must have them "
                "percent-encoded (@ is %40)"
            )
        parsed = parsed.set(drivername="postgresql+psycopg")
        options = {value for name, values in parsed.query.items() if "password" in name for value in _all(values)}
        given = {str(parsed.password or ""), *options} - {""}
        self._secrets = (*given, *(quote(secret, safe="") for secret in given))
        server = f"{parsed.host or 'local'}:{parsed.port}" if parsed.port else parsed.host or "local"
        self.place = f"postgresql://{server}/{parsed.database or ''}"
        patience = {} if "connect_timeout" in parsed.query else {"connect_timeout": _CONNECT}
        try:
            # READ COMMITTED whatever the server's default is: the newest entry must be read after the lock is taken,
            # and under REPEATABLE READ the snapshot would be older than that.
            return sql.create_engine(
                parsed,
                isolation_level="READ COMMITTED",
                pool_pre_ping=True,
                connect_args=patience,
                hide_parameters=True,
            )
        except ImportError:
            raise MissingExtra("psycopg", "postgres") from None

    def _exists(self) -> bool:
        if self._ready:
            return True
        if self._file is not None and not self._file.exists():
            return False
        with self._engine.connect() as connection:
            return bool(migrate.revision(connection)) or sql.inspect(connection).has_table("audit")

    def _prepare(self) -> None:
        """Make the tables, or bring them to this version's revision; once in the life of this object."""
        if self._ready:
            return
        if self._file is not None:
            try:
                make_directory(self._file.absolute().parent)
            except OSError as error:
                raise StoreError(
                    f"the control state ({self.place}) cannot be written: {error.strerror or error}"
                ) from error
        with self._engine.begin() as connection:
            current = migrate.revision(connection) == migrate.HEAD
            if not current:
                # Several processes may come here at once. Alembic looks again, after the lock.
                self._take_turn(connection)
                migrate.upgrade(connection)
        self._ready = True

    @contextmanager
    def _turn(self) -> Iterator[sql.Connection]:
        # The writers' connection is kept: taking one from the pool and giving it back costs a third of an append.
        # While it lay idle the server may have closed it, which shows at the first statement. Then one more is tried.
        for again in (True, False):
            connection = self._writer = self._writer or self._engine.connect()
            transaction = connection.begin()
            try:
                self._take_turn(connection)
                break
            except BaseException as error:  # Also a wait that the user interrupts.
                self._writer = None
                connection.close()
                if not (again and getattr(error, "connection_invalidated", False)):
                    raise
        with transaction:
            yield connection

    def _take_turn(self, connection: sql.Connection) -> None:
        if self._file is not None:
            cursor(connection).execute("BEGIN IMMEDIATE")
        else:
            connection.execute(_POSTGRES_TURN)

    def _reason(self, error: BaseException) -> str:
        lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        for secret in self._secrets:
            reason = reason.replace(secret, "***")
        return reason


def cursor(connection: sql.Connection) -> Any:
    """Return a cursor of the driver's own, in the connection's transaction.

    For what is executed for every event. SQLAlchemy's way to execute a statement takes several times as long as SQLite
    needs for the statement, more so on a busy machine, where its code has left the processor's cache after each sync.
    """
    return connection.connection.cursor()


def _all(values: str | tuple[str, ...]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else values


def _sqlite_connect(connection: Any, _: Any) -> None:
    # The driver must not begin transactions by itself: writers begin theirs with IMMEDIATE, or two that both read
    # first would deadlock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_WAIT * 1000}")
    _keep_wal(cursor)
    # Without FULL a commit in WAL mode survives the process, but not a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _keep_wal(cursor: Any) -> None:
    """Have a write-ahead log. Changing the kind of journal asks for the file alone and does not wait for it.

    Several processes that open a new database at one moment would fail on each other; so each tries again, as long as a
    writer waits for its turn.
    """
    until = time.monotonic() + _WAIT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
