"""Occurrences in the audit chain: each once, all or none, and named where somebody changed one."""

from __future__ import annotations

import sqlite3

import pytest

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.occurrence import Occurrence
from shipworthy.store.audit import AuditLog
from shipworthy.store.occurrences import add_occurrences, read_occurrences

ONE = Occurrence("SYS-a", "deploy.ga", "v1", "2026-11-02T10:00:00Z", {"tier": "high"}, "ci")
TWO = Occurrence("SYS-a", "change.merged", "abc123", "2026-11-01T10:00:00Z", {}, "git")


@pytest.fixture
def audit(url):
    with AuditLog(url) as log:
        yield log


def test_each_is_entered_once_and_read_in_the_order_in_which_it_happened(audit):
    assert len(add_occurrences(audit, [ONE, TWO, ONE])) == 2
    assert add_occurrences(audit, [TWO._replace(when="2026-11-01T11:00:00+01:00", source="person")]) == []
    assert [one.about for one in read_occurrences(audit, "SYS-a")] == ["abc123", "v1"]
    assert read_occurrences(audit, "SYS-b") == []
    assert audit.verify().entries == 2


def test_with_one_that_is_none_nothing_is_entered(audit):
    with pytest.raises(UsageError, match=r"occurrence 2: deploy\.ga needs tier"):
        add_occurrences(audit, [TWO, ONE._replace(fields={})])
    assert read_occurrences(audit, "SYS-a") == []


def test_an_entry_that_was_edited_is_named(tmp_path):
    file = tmp_path / "control.sqlite"
    with AuditLog(f"sqlite:///{file}") as log:
        add_occurrences(log, [ONE])
    with sqlite3.connect(file) as connection:
        connection.execute("update audit set body = replace(body, 'high', 'huge')")
    with AuditLog(f"sqlite:///{file}") as log, pytest.raises(IntegrityError, match="entry 1 is no occurrence: tier"):
        read_occurrences(log, "SYS-a")


def test_what_people_write_is_redacted(audit):
    told = Occurrence("SYS-a", "memo.accepted", "ME-1", "2026-11-02", {"title": "Asked by ada@example.org"})
    [kept] = add_occurrences(audit, [told])
    assert "ada@example.org" not in str([entry.body for entry in audit.entries()])
    assert kept.fields["title"].startswith("Asked by [redacted:")
    assert add_occurrences(audit, [told]) == []
