"""Pinned baselines."""

import sqlalchemy as sql
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # After a downgrade the table is still there, with its rows.
    if sql.inspect(op.get_bind()).has_table("baselines"):
        return
    number = sql.BigInteger().with_variant(sql.Integer(), "sqlite")
    op.create_table(
        "baselines",
        sql.Column("entry", number, sql.ForeignKey("audit.number"), primary_key=True, autoincrement=False),
        sql.Column("system", sql.Text, nullable=False, index=True),
        sql.Column("run", sql.Text, nullable=False),
        sql.Column("subject", sql.String(80), nullable=False),
        sql.Column("plan", sql.String(80), nullable=False),
        sql.Column("at", sql.String(40), nullable=False),
        sql.Column("why", sql.Text, nullable=False),
    )


def downgrade() -> None:
    """Leave the table: an older version does not look at it, and what was recorded is never dropped."""
