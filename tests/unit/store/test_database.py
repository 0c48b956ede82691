"""One way to a database: addresses, passwords, turns of writers."""

from __future__ import annotations

import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sql
from hypothesis import example, given
from hypothesis import strategies as st

from shipworthy.core.errors import MissingExtra, StoreError, UsageError
from shipworthy.store import database as module
from shipworthy.store.audit import AuditLog
from shipworthy.store.database import Database

PASSWORD = "hunter2-ünsafe"


def test_reading_makes_nothing(tmp_path: Path, emptied: str) -> None:
    file = tmp_path / "folder" / "control.sqlite"
    with Database(f"sqlite:///{file}") as database, database.reading() as connection:
        assert connection is None
    assert list(tmp_path.iterdir()) == []
    with Database(emptied) as database:
        with database.reading() as connection:
            assert connection is None
        with database._engine.connect() as connection:
            assert sql.inspect(connection).get_table_names() == []


@pytest.mark.parametrize(
    "address",
    [
        "not an address",
        "nosuchdb://x",
        "mysql://u:hunter2@h/d",
        "postgresql+asyncpg://u:hunter2@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "postgresql://u:hunt@er2@h/d",
        "postgresql://u:hunt@er2:5@h/d",
        "",
    ],
)
def test_an_address_that_cannot_be_used_is_a_usage_error_and_is_not_repeated(address: str) -> None:
    with pytest.raises(UsageError, match="database address") as caught:
        Database(address)
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunt" not in str(caught.value)
    assert "er2" not in str(caught.value)
    assert "hunter2" not in shown.replace(repr(address), "").replace(f'"{address}"', "")


@given(st.text())
@example("postgresql://[::1")
@example("postgresql://h:99999999/d")
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        Database(text).close()
    except UsageError as error:
        assert len(text) < 8 or text not in str(error)


@pytest.mark.parametrize("shape", ["postgresql://u:{}@127.0.0.1:1/d", "postgres://u@127.0.0.1:1/d?password={}"])
def test_a_password_is_in_no_error_about_a_server_that_does_not_answer(shape: str) -> None:
    from urllib.parse import quote

    with Database(shape.format(quote(PASSWORD))) as database:
        assert database.place == "postgresql://127.0.0.1:1/d"
        with pytest.raises(StoreError, match="cannot be written") as caught, database.writing():
            pass
        with pytest.raises(StoreError, match="cannot be read"), database.reading():
            pass
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown
    assert quote(PASSWORD) not in shown
    assert database._reason(RuntimeError(f"no entry for {PASSWORD}")) == "no entry for ***"


def test_what_a_server_refuses_is_said_without_the_password(emptied: str) -> None:
    engine = sql.create_engine(emptied)
    with engine.begin() as connection:
        connection.execute(sql.text("DROP ROLE IF EXISTS stranger"))
        connection.execute(sql.text("CREATE ROLE stranger LOGIN PASSWORD 'right'"))
    engine.dispose()
    # The server of the tests trusts whoever comes; what it refuses a stranger is to make tables.
    wrong = sql.make_url(emptied).set(username="stranger", password="hunter2")
    with Database(wrong.render_as_string(hide_password=False)) as database:
        with pytest.raises(StoreError, match="permission denied") as caught, database.writing():
            pass
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_place_that_cannot_be_written_is_a_store_error() -> None:
    with AuditLog("sqlite:////dev/null/control.sqlite") as log, pytest.raises(StoreError, match="cannot be written"):
        log.append("x", {})


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    file = tmp_path / "control.sqlite"
    file.write_text("These are notes, not a database. " * 100)
    with AuditLog(f"sqlite:///{file}") as log:
        with pytest.raises(StoreError, match="not a database"):
            log.append("x", {})
        with pytest.raises(StoreError, match="not a database"):
            log.verify()
    assert file.read_text().startswith("These are notes")


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / "why? 100%25 #1 é" / "control.sqlite"
    with AuditLog(f"sqlite:///{file}") as log:
        log.append("x", {})
    assert file.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["why? 100%25 #1 é"]


def test_a_driver_that_is_missing_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'psycopg\[binary\]"):
        Database("postgresql://h/d")


def test_a_connection_that_broke_is_replaced(emptied: str) -> None:
    with AuditLog(emptied) as log:
        log.append("x", {"n": 1})
        engine = sql.create_engine(emptied)
        with engine.begin() as connection:
            connection.execute(
                sql.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            )
        engine.dispose()
        log.append("x", {"n": 2})
        assert log.verify().entries == 2


def test_a_connection_that_breaks_in_the_middle_keeps_nothing_and_is_replaced(emptied: str) -> None:
    with AuditLog(emptied) as log, AuditLog(emptied) as other:
        log.append("x", {"n": 1})
        with pytest.raises(StoreError, match="cannot be written"), log.appending() as appender:
            appender.append("x", {"n": 2})
            with other.database.reading() as connection:
                assert connection is not None
                connection.execute(
                    sql.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
                )
            appender.append("x", {"n": 3})
        assert log.append("x", {"n": 4}).number == 2
        assert other.verify().entries == 2


def test_a_stricter_default_isolation_of_the_server_forks_nothing(emptied: str) -> None:
    engine = sql.create_engine(emptied, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.execute(sql.text("SELECT current_database()")).scalar()
        connection.execute(sql.text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
        try:
            code = (
                "import sys; from shipworthy.store.audit import AuditLog\n"
                "with AuditLog(sys.argv[1]) as log:\n    [log.append('x', {'n': n}) for n in range(20)]"
            )
            writers = [subprocess.Popen([sys.executable, "-c", code, emptied]) for _ in range(3)]
            assert [writer.wait() for writer in writers] == [0, 0, 0]
        finally:
            connection.execute(sql.text(f"ALTER DATABASE {name} RESET default_transaction_isolation"))
    engine.dispose()
    with AuditLog(emptied) as log:
        assert log.verify().entries == 60


def test_a_role_that_may_only_read_and_insert_can_append(emptied: str) -> None:
    with AuditLog(emptied) as log:
        log.append("x", {"n": 1})
        with log.database.writing() as connection:
            connection.execute(sql.text("DROP ROLE IF EXISTS appender"))
            connection.execute(sql.text("CREATE ROLE appender LOGIN"))
            connection.execute(sql.text("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO appender"))
        limited = sql.make_url(emptied).set(username="appender").render_as_string(hide_password=False)
        with AuditLog(limited) as other:
            assert other.append("x", {"n": 2}).number == 2
            with pytest.raises(StoreError, match="permission denied"), other.database.writing() as connection:
                connection.execute(sql.text("DELETE FROM audit"))
        with log.database.writing() as connection:
            connection.execute(sql.text("DROP OWNED BY appender"))
            connection.execute(sql.text("DROP ROLE appender"))


def test_a_full_disk_loses_nothing_and_the_next_append_goes_on(tmp_path: Path) -> None:
    with AuditLog(f"sqlite:///{tmp_path}/control.sqlite") as log:
        log.append("x", {"n": 1})
        with log.database.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StoreError, match="full"):
            log.append("x", {"text": "x" * 100_000})
        assert log.verify().entries == 1
        with log.database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        assert log.append("x", {"text": "x" * 100_000}).number == 2
        assert log.verify().entries == 2


def test_threads_take_turns(url: str) -> None:
    with AuditLog(url) as log, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: log.append("x", {"n": n}), range(60)))
        assert sorted(entry.body["n"] for entry in log.entries()) == list(range(60))
        assert log.verify().entries == 60


def test_a_transaction_in_a_transaction_is_an_error_and_no_deadlock(url: str) -> None:
    with AuditLog(url) as log:
        with pytest.raises(StoreError, match="already"), log.appending() as appender:
            appender.append("x", {"n": 1})
            log.append("x", {"n": 2})
        assert log.append("x", {"n": 3}).number == 1


def test_a_writer_that_waits_too_long_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POSTGRES_TURN", sql.text(module._POSTGRES_TURN.text.replace("30s", "1s")))
    monkeypatch.setattr(module, "_WAIT", 1)
    with AuditLog(url) as log, AuditLog(url) as other:
        log.append("x", {})
        with log.appending() as appender:
            appender.append("x", {})
            with pytest.raises(StoreError, match=r"locked|lock timeout"):
                other.append("x", {})
            assert other.verify().entries == 1  # readers are not held up
        assert other.append("x", {}).number == 3


def test_who_opens_a_new_database_beside_others_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite does not wait there: this stands in for the moment that another process needs."""
    import sqlite3

    from shipworthy.store import database

    class Cursor:
        said: ClassVar[list[str]] = []

        def execute(self, statement: str) -> None:
            self.said.append(statement)
            if len(self.said) < 3:
                raise sqlite3.OperationalError("database is locked")

    database._keep_wal(Cursor())
    assert Cursor.said == ["PRAGMA journal_mode=WAL"] * 3
    Cursor.said.clear()
    monkeypatch.setattr(database, "_WAIT", -1)
    with pytest.raises(sqlite3.OperationalError):
        database._keep_wal(Cursor())
