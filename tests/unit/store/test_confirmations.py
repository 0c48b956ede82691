"""Words on S1 hits in the audit chain: redacted, never edited, the last one counting."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from shipworthy.core.confirmation import HitWord
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.store.confirmations import confirm, read_words
from shipworthy.store.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def say(layout: Layout, said: str, **more: Any) -> Any:
    with AuditLog(layout.control_url) as audit:
        about = {"run": "RUN-1", "attempt": "AT-1", "by": "ada", "tries": ["AT-1"]} | more
        return confirm(audit, said=said, **about)


def words(layout: Layout, until: int) -> list[HitWord]:
    with AuditLog(layout.control_url) as audit:
        return read_words(audit, until=until)


def test_the_reason_is_redacted_before_it_is_kept(layout: Layout) -> None:
    word = say(layout, "no-hit", because="bob@example.org says PINE is a tree", secrets=["PINE"])
    assert "bob@example.org" not in word.because
    assert "PINE" not in word.because
    assert "is a tree" in word.because
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        (entry,) = audit.about("RUN-1")
    assert (entry.kind, entry.body["by"], entry.body["because"]) == ("hit.confirmed", "ada", word.because)


def test_the_same_word_is_kept_once_and_another_person_s_beside_it(layout: Layout) -> None:
    assert say(layout, "no-hit") == say(layout, "no-hit")
    assert say(layout, "no-hit", by="bob").entry == 2
    assert [w.by for w in words(layout, 9)] == ["ada", "bob"]
    assert [w.by for w in words(layout, 1)] == ["ada"]


def test_a_contradicting_word_needs_again(layout: Layout) -> None:
    say(layout, "no-hit")
    with pytest.raises(UsageError, match=r"AT-1: ada said no-hit \(entry 1 of the audit log\)\n.*--again"):
        say(layout, "hit", by="bob")
    assert [w.said for w in words(layout, 9)] == ["no-hit"]
    say(layout, "hit", by="bob", again=True)
    say(layout, "no-hit", attempt="AT-2")  # of another attempt: no contradiction
    assert [w.said for w in words(layout, 9)] == ["no-hit", "hit", "no-hit"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"by": "  "}, "nobody says it"),
        ({"by": "ada@example.org"}, "give a name"),
        ({"by": "PINE", "secrets": ["PINE"]}, "give a name"),
        ({"because": "x" * 2001}, "at most 2,000"),
        ({"because": "\ud800"}, "cannot be kept"),
    ],
)
def test_what_cannot_be_kept_is_refused(layout: Layout, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        say(layout, "no-hit", **wrong)
    assert words(layout, 9) == []


def test_a_word_whose_key_was_hidden_is_read_all_the_same(layout: Layout) -> None:
    """The hash does not cover the key; without the second word the first would stand again."""
    say(layout, "no-hit")
    say(layout, "hit", again=True)
    with sqlite3.connect(layout.state / "control.sqlite") as connection:
        connection.execute("UPDATE audit SET key = NULL WHERE number = 2")
    assert [w.said for w in words(layout, 9)] == ["no-hit", "hit"]


def test_an_entry_that_is_no_word_is_an_error(layout: Layout) -> None:
    with AuditLog(layout.control_url) as audit:
        audit.append("hit.confirmed", {"run": "RUN-1", "said": "no-hit"}, key="run")
    with pytest.raises(IntegrityError, match="entry 1"):
        words(layout, 9)
    with pytest.raises(IntegrityError, match="entry 1"):
        say(layout, "no-hit")
