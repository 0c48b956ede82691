"""What happened after launch: signals, findings and what follows them, one table for all kinds."""

import sqlalchemy as sql
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # After a downgrade the table is still there, with its rows.
    if sql.inspect(op.get_bind()).has_table("happened"):
        return
    number = sql.BigInteger().with_variant(sql.Integer(), "sqlite")
    op.create_table(
        "happened",
        sql.Column("entry", number, sql.ForeignKey("audit.number"), primary_key=True, autoincrement=False),
        sql.Column("row", sql.Text, nullable=False),
    )


def downgrade() -> None:
    """Leave the table: an older version does not look at it, and what was recorded is never dropped."""
