"""A key to find entries by, and the rows beside the chain: runs, decisions, labels, approvals."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"

KEYS = {"run.finished": "run", "decision.made": "decision"}
"""Kinds of entries there were before this revision, and the field of their body that names what they are about."""
BATCH = 1000

number = sql.BigInteger().with_variant(sql.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("audit", sql.Column("key", sql.Text))
    op.create_index("ix_audit_key", "audit", ["key"])
    _fill_keys(op.get_bind())
    # After a downgrade the tables are still there, with their rows.
    if not sql.inspect(op.get_bind()).has_table("runs"):
        _create()


def downgrade() -> None:
    """Take the key away, which can be filled again. Rows stay: what was recorded is never dropped."""
    op.drop_index("ix_audit_key", "audit")
    op.drop_column("audit", "key")


def _fill_keys(connection: sql.Connection) -> None:
    audit = sql.table("audit", *(sql.column(name) for name in ("number", "kind", "body", "key")))
    update = audit.update().where(audit.c.number == sql.bindparam("n")).values(key=sql.bindparam("k"))
    for batch in _batches(connection, audit):
        keys = []
        for row in batch:
            key = _key(row.kind, row.body)
            if key is not None:
                keys.append({"n": row.number, "k": key})
        if keys:
            connection.execute(update, keys)


def _batches(connection: sql.Connection, audit: sql.TableClause) -> Iterator[list[sql.Row[Any]]]:
    """Yield the entries in pieces, each read whole before it is written to."""
    last = -1
    while True:
        wanted = sql.select(audit).where(audit.c.number > last).order_by(audit.c.number).limit(BATCH)
        batch = list(connection.execute(wanted))
        if not batch:
            return
        yield batch
        last = batch[-1].number


def _key(kind: str, text: str) -> str | None:
    """Return what an entry is about; None for one that was edited into something else, which `verify` will name."""
    try:
        body = json.loads(text)
        field = KEYS.get(kind) or {"run.seen": "run", "label.given": "run", "approval.given": "what"}[kind]
        key = body[field]
    except (ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) else None


def _create() -> None:
    digest, time = sql.String(80), sql.String(40)

    def entry() -> sql.Column[int]:
        return sql.Column("entry", number, sql.ForeignKey("audit.number"), primary_key=True, autoincrement=False)

    op.create_table(
        "runs",
        entry(),
        sql.Column("id", sql.Text, nullable=False, index=True),
        sql.Column("system", sql.Text, nullable=False, index=True),
        sql.Column("plan", sql.Text, nullable=False),
        sql.Column("guards", sql.Text, nullable=False),
        sql.Column("created", time, nullable=False),
        sql.Column("planned", sql.BigInteger, nullable=False),
        sql.Column("made", sql.BigInteger, nullable=False),
        sql.Column("records", sql.BigInteger, nullable=False),
        sql.Column("errors", sql.BigInteger, nullable=False),
        sql.Column("finished", sql.Boolean, nullable=False),
        sql.Column("head", digest, nullable=False),
        sql.Column("merkle", digest, nullable=False),
        sql.Column("spec_digest", digest, nullable=False),
        sql.Column("subject_digest", digest, nullable=False),
        sql.Column("log_bytes", sql.BigInteger, nullable=False),
    )
    op.create_table(
        "decisions",
        entry(),
        sql.Column("id", sql.Text, nullable=False, unique=True),
        sql.Column("system", sql.Text, nullable=False, index=True),
        sql.Column("gate", sql.Text, nullable=False),
        sql.Column("verdict", sql.String(40), nullable=False),
        sql.Column("digest", digest, nullable=False),
        sql.Column("created", time, nullable=False),
        sql.Column("spec_digest", digest, nullable=False),
        sql.Column("subject_digest", digest, nullable=False),
    )
    op.create_table(
        "labels",
        entry(),
        sql.Column("system", sql.Text, nullable=False),
        sql.Column("run", sql.Text, nullable=False, index=True),
        sql.Column("attempt", sql.Text, nullable=False),
        sql.Column("metric", sql.Text, nullable=False),
        sql.Column("hit", sql.Boolean),
        sql.Column("value", sql.Double),
        sql.Column("rubric", sql.Text, nullable=False),
        sql.Column("by", sql.Text, nullable=False),
        sql.Column("at", time, nullable=False),
        sql.Column("comment", sql.Text, nullable=False),
    )
    op.create_table(
        "approvals",
        entry(),
        sql.Column("system", sql.Text, nullable=False),
        sql.Column("what", sql.Text, nullable=False, index=True),
        sql.Column("digest", digest, nullable=False),
        sql.Column("verdict", sql.String(40), nullable=False),
        sql.Column("by", sql.Text, nullable=False),
        sql.Column("role", sql.Text, nullable=False),
        sql.Column("at", time, nullable=False),
        sql.Column("comment", sql.Text, nullable=False),
    )
