"""Bringing the tables of a database to what this version of the program expects, with Alembic.

The migrations are files of this package, named by their revision: ``migrations/versions/rev_0002_rows.py``. All steps
of an upgrade happen in one transaction of the caller's, so a database is never left halfway.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sql

from shipworthy.core.errors import UsageError

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
REVISIONS = tuple(sorted(path.name.split("_")[1] for path in (FOLDER / "versions").glob("rev_*.py")))
"""The revisions this version knows, oldest first. Read off the names, since importing Alembic costs 0.2 CPU-s."""
HEAD = REVISIONS[-1]


def revision(connection: sql.Connection) -> str:
    """Return the revision that a database has, or the empty string where none was recorded.

    Raises:
        UsageError: the program does not know it: a newer version made the database, or another program.
    """
    if not sql.inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(sql.text("SELECT version_num FROM alembic_version")).scalars().all()
    for one in found:
        if one not in REVISIONS:
            raise UsageError(
                f"the database has the revision {one!r}, and this version of shipworthy knows none after {HEAD!r}: it "
                "was written by a newer version, or by another program. Install a version at least as new as the one "
                "that wrote it, or point SHIPWORTHY_CONTROL_URL to a database of shipworthy's own"
            )
    return max(found, default="")


def upgrade(connection: sql.Connection) -> None:
    """Bring a database to the newest revision. A database without a revision is new, or older than migrations are."""
    from alembic import command

    command.upgrade(_config(connection), "head")


def downgrade(connection: sql.Connection, to: str) -> None:
    """Take a database back to an earlier revision, for an older version of the program. No row is lost.

    Args:
        to: one of `REVISIONS`, or ``base``: before there were migrations.

    Raises:
        UsageError: there is no such revision.
    """
    from alembic import command

    if to not in (*REVISIONS, "base"):
        raise UsageError(f"there is no revision {to!r} of the control state: known are {', '.join(REVISIONS)}, base")
    command.downgrade(_config(connection), to)


def _config(connection: sql.Connection) -> Config:
    from alembic.config import Config

    config = Config()
    # ConfigParser would take a % in the path for the start of a reference.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
