"""The audit chain.

Before there were migrations the program made this very table by itself: such a database is taken over as it is.
"""

import sqlalchemy as sql
from alembic import op

from shipworthy.core.errors import UsageError

revision = "0001"
down_revision = None

COLUMNS = {"number", "at", "kind", "body", "hash"}


def upgrade() -> None:
    inspector = sql.inspect(op.get_bind())
    if inspector.has_table("audit"):
        found = {column["name"] for column in inspector.get_columns("audit")}
        if found != COLUMNS:
            raise UsageError(
                "the database holds a table `audit` that is not shipworthy's (its columns are "
                f"{', '.join(sorted(found))}): give shipworthy a database, or a PostgreSQL schema, of its own"
            )
        return
    op.create_table(
        "audit",
        sql.Column(
            "number",
            sql.BigInteger().with_variant(sql.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sql.Column("at", sql.String(40), nullable=False),
        sql.Column("kind", sql.String(80), nullable=False),
        sql.Column("body", sql.Text, nullable=False),
        sql.Column("hash", sql.String(64), nullable=False),
    )


def downgrade() -> None:
    """Leave the table: it is what the program without migrations works with, and the chain is never dropped."""
