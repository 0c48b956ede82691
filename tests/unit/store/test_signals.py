"""Signals: once each, redacted, in the chain with their facts and without their words, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.signal import Signal
from shipworthy.core.signal_entry import RECORDED
from shipworthy.store.audit import AuditLog
from shipworthy.store.signals import add_signals, find_signal, make_signal, read_signals


def signal(**more: Any) -> Signal:
    given: dict[str, Any] = {
        "system": "SYS-x", "at": "2026-12-01T10:00:00Z", "kind": "user_report", "source": "form", "source_id": "17",
        "title": "It told me somebody's address", "text": "Write to r.q@example.org", "severity": "S2",
        "feature": "refunds", "who": "u-4f",
    }  # fmt: skip
    return make_signal(**given | more)


def test_signals_come_back_as_they_were_kept_and_are_in_the_chain(url: str) -> None:
    one, two, other = signal(), signal(source_id="18", severity=None), signal(system="SYS-y")
    with AuditLog(url) as log:
        assert read_signals(log) == []
        assert add_signals(log, [one, two, other]).new == (one, two, other)
        assert read_signals(log, "SYS-x") == [one, two]
        assert read_signals(log) == [one, two, other]
        assert read_signals(log, until=1) == [one]
        assert find_signal(log, two.id[:12]) == two
        log.verify()
        entry = log.about(one.id)[0]
    assert (entry.kind, entry.body["severity"], entry.body["feature"]) == (RECORDED, "S2", "refunds")
    assert "told me" not in str(entry.body)
    assert "u-4f" not in str(entry.body)
    assert one.text == "Write to [redacted:email]"


def test_what_comes_twice_is_kept_once_and_as_it_first_was(url: str) -> None:
    with AuditLog(url) as log:
        add_signals(log, [signal()])
        taken = add_signals(log, [signal(title="another"), signal(source_id="19"), signal(source_id="19")])
        assert [one.title for one in taken.known] == ["It told me somebody's address"] * 2
        assert [one.source_id for one in taken.new] == ["19"]
        assert len(read_signals(log)) == 2


def test_two_processes_that_take_in_the_same_at_once_keep_it_once(url: str) -> None:
    with AuditLog(url) as log:
        add_signals(log, [signal(source_id="0")])  # the tables are there

    def take(_: int) -> int:
        with AuditLog(url) as mine:
            return len(add_signals(mine, [signal(source_id=str(n)) for n in range(5)]).new)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 4
    with AuditLog(url) as log:
        assert len(read_signals(log)) == 5


def test_without_an_id_of_its_source_each_is_another() -> None:
    assert signal(source_id="").id != signal(source_id="").id


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("""UPDATE happened SET "row" = replace("row", 'S2', 'S4')""", "is not what the audit log recorded"),
        ("""UPDATE happened SET "row" = '{}'""", "is not what the audit log recorded"),
        ("""UPDATE happened SET "row" = 'x'""", "is not what the audit log recorded"),
        ("DELETE FROM happened", "recorded a row that is gone"),
        ("UPDATE audit SET body = '{}'", "is not what the audit log recorded"),
    ],
)
def test_a_signal_that_was_tampered_with_is_noticed(url: str, change: str, word: str) -> None:
    with AuditLog(url) as log:
        add_signals(log, [signal()])
        with log.database.writing() as connection:
            connection.execute(sql.text(change))
        with pytest.raises(IntegrityError, match=word):
            read_signals(log)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kind": "rumour"}, "kind is one of"),
        ({"severity": "S5"}, "severity is S1"),
        ({"at": "yesterday"}, "no moment"),
        ({"at": "2026-12-01T10:00:00"}, "no moment with a time zone"),
        ({"title": "  \n"}, "needs a title"),
        ({"source": ""}, "needs its source"),
        ({"who": "ada@example.org"}, "give a code"),
        ({"feature": "a\nb"}, "one line"),
        ({"feature": "x" * 201}, "at most 200"),
        ({"refs": ["r"] * 51}, "at most 50"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        signal(**change)


def test_nothing_unredacted_is_on_the_disk(tmp_path: Path) -> None:
    secret = "PINE-harbor-4471"
    with AuditLog(f"sqlite:///{tmp_path / 'c.sqlite'}") as log:
        kept = signal(title=f"it said {secret} to ada@example.org", refs=[f"https://x.example/?k={secret}"],
                      sample=f"Say {secret}", secrets=[secret])  # fmt: skip
        add_signals(log, [kept])
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in written
    assert b"ada@example.org" not in written
    assert kept.sample == "Say [redacted:secret]"
    assert kept.id.encode() in written
