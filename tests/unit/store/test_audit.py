"""The audit chain in SQLite and PostgreSQL: any edited row is named, and appenders do not break it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sql
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError
from shipworthy.store import chain
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import entry_hash


def edit(url: str, statement: str) -> None:
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def filled(url: str, entries: int = 5) -> AuditLog:
    log = AuditLog(url)
    for n in range(entries):
        log.append("thing.happened", {"n": n, "text": "é'\"", "rate": 0.1 * n})
    return log


def test_entries_come_back_in_order_and_verify(url: str) -> None:
    with filled(url) as log:
        entries = list(log.entries())
        assert [(e.number, e.body["n"]) for e in entries] == [(n + 1, n) for n in range(5)]
        assert log.verify().entries == 5
        assert log.verify().head == "sha256:" + entries[-1].hash
        assert log.verify(head="sha256:" + entries[2].hash).entries == 5


def test_reading_makes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "control.sqlite"
    with AuditLog(f"sqlite:///{file}") as log:
        assert list(log.entries()) == []
        assert log.verify().entries == 0
    assert not file.exists()


@pytest.mark.parametrize(
    "change",
    [
        """UPDATE audit SET body = '{"n":7,"rate":0.2,"text":"x"}' WHERE number = 3""",
        """UPDATE audit SET body = ' ' || body WHERE number = 3""",
        """UPDATE audit SET body = '[]' WHERE number = 3""",
        """UPDATE audit SET body = 'no json' WHERE number = 3""",
        """UPDATE audit SET kind = 'thing.unhappened' WHERE number = 3""",
        """UPDATE audit SET at = '2001-01-01T00:00:00.000Z' WHERE number = 3""",
        """UPDATE audit SET hash = '00' || substr(hash, 3) WHERE number = 3""",
        """UPDATE audit SET key = 'RUN-other' WHERE number = 3""",
    ],
)
def test_an_edited_row_is_named(url: str, change: str) -> None:
    with filled(url) as log:
        edit(url, change)
        with pytest.raises(IntegrityError, match="entry 3 "):
            log.verify()


def test_a_deleted_row_is_named(url: str) -> None:
    with filled(url) as log:
        edit(url, "DELETE FROM audit WHERE number = 2")
        with pytest.raises(IntegrityError, match="entry 2 is missing"):
            log.verify()


def test_a_cut_off_end_shows_against_a_head_kept_elsewhere(url: str) -> None:
    with filled(url) as log:
        head = log.verify().head
        edit(url, "DELETE FROM audit WHERE number = 5")
        assert log.verify().entries == 4
        with pytest.raises(IntegrityError, match="cut off"):
            log.verify(head=head)


def test_append_once_repeats_itself_but_never_contradicts(url: str) -> None:
    with AuditLog(url) as log:
        first = log.append_once("run.finished", "run", {"run": "RUN-1", "head": "a"})
        log.append_once("run.finished", "run", {"run": "RUN-2", "head": "b"})
        assert log.append_once("run.finished", "run", {"run": "RUN-1", "head": "a"}) == first
        with pytest.raises(IntegrityError, match="entry 1 recorded run RUN-1"):
            log.append_once("run.finished", "run", {"run": "RUN-1", "head": "c"})
        assert log.verify().entries == 2


def test_a_body_without_canonical_form_is_refused_before_it_is_written(url: str) -> None:
    with filled(url, 1) as log:
        with pytest.raises(ValueError, match="canonical"):
            log.append("x", {"rate": float("nan")})
        assert log.verify().entries == 1


APPENDER = """
import sys
from shipworthy.store.audit import AuditLog
with AuditLog(sys.argv[1]) as log:
    for n in range(25):
        log.append("thing.happened", {"who": sys.argv[2], "n": n})
"""


def test_concurrent_appenders_make_one_chain(url: str) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", APPENDER, url, str(who)]) for who in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    with AuditLog(url) as log:
        assert log.verify().entries == 100
        for who in "0123":
            assert [e.body["n"] for e in log.entries() if e.body["who"] == who] == list(range(25))


def test_a_killed_appender_leaves_a_chain_that_verifies_and_goes_on(url: str) -> None:
    endless = APPENDER.replace("range(25)", "itertools.count()").replace("import sys", "import itertools, sys")
    with AuditLog(url) as log:
        for round in range(1, 4):
            writers = [subprocess.Popen([sys.executable, "-c", endless, url, f"{round}{who}"]) for who in range(2)]
            deadline, before = time.monotonic() + 60, log.verify().entries
            while log.verify().entries < before + 20:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            for writer in writers:
                writer.kill()
                writer.wait()
        entries = log.verify().entries
        assert log.append("thing.happened", {"who": "me"}).number == entries + 1
        # Of each writer, an unbroken beginning is there: nothing that was acknowledged before something else is lost.
        by_writer: dict[str, list[int]] = {}
        for entry in list(log.entries())[:-1]:
            by_writer.setdefault(entry.body["who"], []).append(entry.body["n"])
        assert all(numbers == list(range(len(numbers))) for numbers in by_writer.values())


def test_appending_is_all_or_nothing(url: str) -> None:
    with filled(url, 2) as log:
        with pytest.raises(RuntimeError), log.appending() as appender:
            appender.append("thing.happened", {"n": 2})
            appender.append("thing.happened", {"n": 3})
            raise RuntimeError("in the middle")
        assert log.verify().entries == 2
        assert [e.number for e in log.append_many(("thing.happened", {"n": n}) for n in range(2, 5))] == [3, 4, 5]
        with pytest.raises(ValueError, match="canonical"):
            log.append_many([("thing.happened", {}), ("thing.happened", {"n": float("nan")})])
        assert log.verify().entries == 5


def test_entries_are_found_by_what_they_are_about(url: str) -> None:
    with AuditLog(url) as log:
        assert log.about("RUN-1") == []
        first = log.append("run.seen", {"run": "RUN-1", "head": "a"}, key="run")
        log.append("run.seen", {"run": "RUN-2", "head": "b"}, key="run")
        log.append("thing.happened", {"run": "RUN-1"})  # says so, but was not given it as its key
        last = log.append("run.finished", {"run": "RUN-1", "head": "c"}, key="run")
        assert log.about("RUN-1") == [first, last]


def test_an_entry_of_an_older_version_may_say_less_but_nothing_else(url: str) -> None:
    with AuditLog(url) as log:
        old = log.append_once("decision.made", "decision", {"decision": "DEC-1", "digest": "a"})
        again = log.append_once("decision.made", "decision", {"decision": "DEC-1", "digest": "a", "system": "SYS-x"})
        assert again == old
        with pytest.raises(IntegrityError, match="entry 1 recorded decision DEC-1"):
            log.append_once("decision.made", "decision", {"decision": "DEC-1", "system": "SYS-x"})


def test_finding_an_entry_reads_no_other(url: str) -> None:
    with AuditLog(url) as log:
        log.append_many(("run.finished", {"n": n}) for n in range(50))
        log.append_once("run.finished", "run", {"run": "RUN-1"})
        # Were all entries of this kind read, the one that was edited into something else would be met.
        edit(url, "UPDATE audit SET body = 'no json' WHERE number = 7")
        assert log.append_once("run.finished", "run", {"run": "RUN-1"}).number == 51
        with pytest.raises(IntegrityError, match="entry 7 "):
            list(log.entries())


def test_a_damaged_newest_hash_is_not_built_upon(url: str) -> None:
    with filled(url) as log:
        edit(url, "UPDATE audit SET hash = 'zz' WHERE number = 5")
        with pytest.raises(IntegrityError, match="entry 5 "):
            log.append("thing.happened", {})


@given(
    number=st.integers(1, 2**53 - 1),
    at=st.text(st.characters(exclude_categories=["Cs"])),
    kind=st.text(st.characters(exclude_categories=["Cs"])),
    body=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.integers(-9, 9) | st.text('aé"\\\0\x1f')
    ),
)
def test_the_hash_covers_the_canonical_json_of_the_entry(
    number: int, at: str, kind: str, body: dict[str, object]
) -> None:
    whole = canonical({"number": number, "at": at, "kind": kind, "body": body})
    assert entry_hash(b"\1" * 32, number, at, kind, body) == chain.link(b"\1" * 32, whole)
