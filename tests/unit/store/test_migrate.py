"""Upgrades and downgrades with data, on both databases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store import migrate
from shipworthy.store.approvals import Vote, add_approval, read_approvals
from shipworthy.store.audit import AuditLog
from shipworthy.store.database import Database
from shipworthy.store.entry import ORIGIN, entry_hash
from shipworthy.store.labels import Label, add_label, read_labels
from shipworthy.store.tables import metadata

RUN = {"run": "RUN-1", "head": "sha256:a", "merkle": "sha256:b", "attempts": 20, "planned": 20}
DECISION = {
    "decision": "DEC-1",
    "digest": "sha256:c",
    "verdict": "ship",
    "gate": "GT-x",
    "heads": {"RUN-1": "sha256:a"},
}
LABEL = Label(system="SYS-x", run="RUN-1", attempt="AT-1", metric="leak", hit=True, by="Ada", at="2026-11-25T10:00:00Z")
APPROVAL = Vote(system="SYS-x", what="DEC-1", digest="sha256:c", verdict="approved", by="Ada", role="lead", at=LABEL.at)


def make_old(url: str, entries: list[tuple[str, dict[str, Any]]]) -> str:
    """Make a database as the program made it before there were migrations; return the chain's head."""
    from shipworthy.core.digests import canonical

    old = sql.Table(
        "audit",
        sql.MetaData(),
        sql.Column("number", sql.Integer if "sqlite" in url else sql.BigInteger, primary_key=True, autoincrement=False),
        sql.Column("at", sql.String(40), nullable=False),
        sql.Column("kind", sql.String(80), nullable=False),
        sql.Column("body", sql.Text, nullable=False),
        sql.Column("hash", sql.String(64), nullable=False),
    )  # fmt: skip
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(exist_ok=True)
    engine, head = sql.create_engine(url), ORIGIN
    with engine.begin() as connection:
        old.create(connection)
        for number, (kind, body) in enumerate(entries, 1):
            at = "2026-11-24T10:00:00.000Z"
            head = entry_hash(head, number, at, kind, body)
            row = {"number": number, "at": at, "kind": kind, "body": canonical(body).decode(), "hash": head.hex()}
            connection.execute(old.insert(), row)
    engine.dispose()
    return "sha256:" + head.hex()


def tables(url: str) -> dict[str, list[str]]:
    engine = sql.create_engine(url)
    inspector = sql.inspect(engine)
    found = {name: [c["name"] for c in inspector.get_columns(name)] for name in inspector.get_table_names()}
    engine.dispose()
    return found


def test_a_database_without_migrations_is_taken_over(url: str) -> None:
    events = [("other", {"n": n}) for n in range(2500)] + [("run.finished", RUN), ("decision.made", DECISION)]
    head = make_old(url, events)
    with AuditLog(url) as log:
        assert log.verify(head).head == head
        assert [e.body for e in log.about("RUN-1")] == [RUN]
        assert log.append_once("decision.made", "decision", {**DECISION, "system": "SYS-x"}).number == 2502
        with pytest.raises(IntegrityError, match="entry 2502 recorded decision DEC-1"):
            log.append_once("decision.made", "decision", {**DECISION, "verdict": "no-ship"})
        assert log.append("other", {}).number == 2503
        assert log.verify(head).entries == 2503
    assert set(tables(url)) == {*metadata.tables, "alembic_version"}


def test_an_old_entry_that_was_edited_is_still_named_after_the_upgrade(url: str) -> None:
    make_old(url, [("run.finished", RUN), ("run.finished", RUN), ("run.finished", RUN)])
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sql.text("UPDATE audit SET body = 'no json' WHERE number = 2"))
    engine.dispose()
    with AuditLog(url) as log, pytest.raises(IntegrityError, match="entry 2 "):
        log.verify()


def test_data_survives_every_step_down_and_up_again(url: str) -> None:
    with AuditLog(url) as log:
        log.append_once("run.finished", "run", RUN)
        log.append_once("decision.made", "decision", DECISION)
        add_label(log, LABEL)
        add_approval(log, APPROVAL)
        head = log.verify().head
        new = tables(url)
        for revision in ("0001", "base"):
            log.database.downgrade(revision)
            assert tables(url)["audit"] == ["number", "at", "kind", "body", "hash"]
            engine = sql.create_engine(url)
            with engine.begin() as connection:
                stored = connection.execute(sql.text("SELECT number, hash FROM audit ORDER BY number")).all()
            engine.dispose()
            assert "sha256:" + stored[-1].hash == head
            # Any use upgrades it again.
            assert log.verify(head).entries == 4
            assert tables(url) == new
            assert [e.kind for e in log.about("RUN-1")] == ["run.finished", "label.given"]
            assert read_labels(log, "RUN-1") == [LABEL]
            assert read_approvals(log, "DEC-1") == [APPROVAL]
        assert add_label(log, LABEL).number == 5


def test_what_an_older_version_appended_after_a_downgrade_is_found(url: str) -> None:
    with AuditLog(url) as log:
        first = log.append_once("run.finished", "run", RUN)
        log.database.downgrade("base")
        body = {**RUN, "head": "sha256:z"}
        hash = entry_hash(bytes.fromhex(first.hash), 2, "2026-11-25T10:00:00.000Z", "run.finished", body).hex()
        from shipworthy.core.digests import canonical

        engine = sql.create_engine(url)
        with engine.begin() as connection:
            connection.execute(
                sql.text("INSERT INTO audit (number, at, kind, body, hash) VALUES (2, :at, :kind, :body, :hash)"),
                {
                    "at": "2026-11-25T10:00:00.000Z",
                    "kind": "run.finished",
                    "body": canonical(body).decode(),
                    "hash": hash,
                },
            )
        engine.dispose()
        assert log.verify().entries == 2
        assert [e.body["head"] for e in log.about("RUN-1")] == ["sha256:a", "sha256:z"]


def test_the_migrations_make_the_tables_the_program_uses(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with AuditLog(url) as log:
        log.append("x", {})
        with log.database.reading() as connection:
            assert connection is not None
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            assert context.get_current_revision() == migrate.HEAD
    scripts = ScriptDirectory(str(migrate.FOLDER))
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == migrate.REVISIONS


def test_a_newer_database_is_refused_by_name_and_left_alone(url: str) -> None:
    with AuditLog(url) as log:
        log.append("x", {})
        with log.database.writing() as connection:
            connection.execute(sql.text("UPDATE alembic_version SET version_num = '0977'"))
    with AuditLog(url) as log:
        for use in (lambda: log.append("x", {}), log.verify):
            with pytest.raises(UsageError, match=r"'0977'.*newer version.*Install"):
                use()
    engine = sql.create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(sql.text("SELECT count(*) FROM audit")).scalar() == 1
    engine.dispose()


def test_a_table_of_another_program_is_refused_and_left_alone(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir()
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sql.text("CREATE TABLE audit (number INTEGER, who TEXT)"))
    engine.dispose()
    with AuditLog(url) as log:
        for use in (lambda: log.append("x", {}), log.verify):
            with pytest.raises(UsageError, match="not shipworthy's"):
                use()
    assert tables(url) == {"audit": ["number", "who"]}


def test_a_migration_that_breaks_off_leaves_the_database_as_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    head = make_old(url, [("run.finished", RUN)])
    monkeypatch.setattr(migrate, "upgrade", interrupted(migrate.upgrade))
    with AuditLog(url) as log, pytest.raises(KeyboardInterrupt):
        log.append("x", {})
    assert tables(url) == {"audit": ["number", "at", "kind", "body", "hash"]}
    monkeypatch.undo()
    with AuditLog(url) as log:
        assert log.verify(head).entries == 1


def interrupted(upgrade: Any) -> Any:
    def run(connection: sql.Connection) -> None:
        upgrade(connection)
        raise KeyboardInterrupt

    return run


def test_processes_that_come_first_at_the_same_time_make_the_tables_once(url: str) -> None:
    code = "import sys; from shipworthy.store.audit import AuditLog; AuditLog(sys.argv[1]).append('x', {})"
    writers = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(6)]
    assert [writer.wait() for writer in writers] == [0] * 6
    with AuditLog(url) as log:
        assert log.verify().entries == 6


def test_an_unknown_revision_to_go_back_to_is_a_usage_error(url: str) -> None:
    with Database(url) as database, pytest.raises(UsageError, match="0001, 0002, 0003, 0004, base"):
        database.downgrade("0000")
