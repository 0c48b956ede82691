"""An address of a control state of its own, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'control.sqlite'}"
    return str(request.getfixturevalue("emptied"))
