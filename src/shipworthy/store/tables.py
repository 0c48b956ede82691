"""The tables of the control state: the audit chain, and the rows beside it.

A row beside the chain has the number of the entry that recorded it as its key: rows have the chain's order, and no row
can be there without its entry. Rows are only ever added. Where something changes (a run goes on, a label is
corrected), there is a new row, and the one with the highest `entry` counts.

A change of these tables needs a migration in `migrations/versions`; a test holds the two together.
"""

from __future__ import annotations

import sqlalchemy as sql

metadata = sql.MetaData()

# SQLite numbers rows by itself only where the type is INTEGER; we never let it, but it is also its only 64-bit key.
_Number = sql.BigInteger().with_variant(sql.Integer(), "sqlite")
_Digest = sql.String(80)
_Time = sql.String(40)


def _entry() -> sql.Column[int]:
    return sql.Column("entry", _Number, sql.ForeignKey("audit.number"), primary_key=True, autoincrement=False)


audit = sql.Table(
    "audit",
    metadata,
    sql.Column("number", _Number, primary_key=True, autoincrement=False),
    sql.Column("at", _Time, nullable=False),
    sql.Column("kind", sql.String(80), nullable=False),
    sql.Column("body", sql.Text, nullable=False),
    sql.Column("hash", sql.String(64), nullable=False),
    # What the entry is about (the id of a run, a decision, …), repeated from the body to be found without a scan.
    sql.Column("key", sql.Text),
    sql.Index("ix_audit_key", "key"),
)

runs = sql.Table(
    "runs",
    metadata,
    _entry(),
    sql.Column("id", sql.Text, nullable=False, index=True),
    sql.Column("system", sql.Text, nullable=False, index=True),
    sql.Column("plan", sql.Text, nullable=False),
    sql.Column("guards", sql.Text, nullable=False),
    sql.Column("created", _Time, nullable=False),
    sql.Column("planned", sql.BigInteger, nullable=False),
    sql.Column("made", sql.BigInteger, nullable=False),
    sql.Column("records", sql.BigInteger, nullable=False),
    sql.Column("errors", sql.BigInteger, nullable=False),
    sql.Column("finished", sql.Boolean, nullable=False),
    sql.Column("head", _Digest, nullable=False),
    sql.Column("merkle", _Digest, nullable=False),
    sql.Column("spec_digest", _Digest, nullable=False),
    sql.Column("subject_digest", _Digest, nullable=False),
    sql.Column("log_bytes", sql.BigInteger, nullable=False),
)

decisions = sql.Table(
    "decisions",
    metadata,
    _entry(),
    sql.Column("id", sql.Text, nullable=False, unique=True),
    sql.Column("system", sql.Text, nullable=False, index=True),
    sql.Column("gate", sql.Text, nullable=False),
    sql.Column("verdict", sql.String(40), nullable=False),
    sql.Column("digest", _Digest, nullable=False),
    sql.Column("created", _Time, nullable=False),
    sql.Column("spec_digest", _Digest, nullable=False),
    sql.Column("subject_digest", _Digest, nullable=False),
)

labels = sql.Table(
    "labels",
    metadata,
    _entry(),
    sql.Column("system", sql.Text, nullable=False),
    sql.Column("run", sql.Text, nullable=False, index=True),
    sql.Column("attempt", sql.Text, nullable=False),
    sql.Column("metric", sql.Text, nullable=False),
    sql.Column("hit", sql.Boolean),
    sql.Column("value", sql.Double),
    sql.Column("rubric", sql.Text, nullable=False),
    sql.Column("by", sql.Text, nullable=False),
    sql.Column("at", _Time, nullable=False),
    sql.Column("comment", sql.Text, nullable=False),
)

baselines = sql.Table(
    "baselines",
    metadata,
    _entry(),
    sql.Column("system", sql.Text, nullable=False, index=True),
    sql.Column("run", sql.Text, nullable=False),
    sql.Column("subject", _Digest, nullable=False),
    sql.Column("plan", _Digest, nullable=False),
    sql.Column("at", _Time, nullable=False),
    sql.Column("why", sql.Text, nullable=False),
)

approvals = sql.Table(
    "approvals",
    metadata,
    _entry(),
    sql.Column("system", sql.Text, nullable=False),
    sql.Column("what", sql.Text, nullable=False, index=True),
    sql.Column("digest", _Digest, nullable=False),
    sql.Column("verdict", sql.String(40), nullable=False),
    sql.Column("by", sql.Text, nullable=False),
    sql.Column("role", sql.Text, nullable=False),
    sql.Column("at", _Time, nullable=False),
    sql.Column("comment", sql.Text, nullable=False),
)

# Rows of every kind that came after launch (signals, findings, incidents, …): their shapes are structs, not columns,
# since they are read whole, and found by the kind and the key of their entries.
happened = sql.Table(
    "happened",
    metadata,
    _entry(),
    sql.Column("row", sql.Text, nullable=False),
)
