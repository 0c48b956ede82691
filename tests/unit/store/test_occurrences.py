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


@pytest.mark.parametrize(
    "change",
    [
        {"about": "ada@example.org"},
        {"source": "ada@example.org"},
        {"fields": {"tier": "high", "decision": "ada@example.org"}},
        {"fields": {"tier": "high", "subject": "ada@example.org"}},
    ],
)
def test_what_is_kept_as_it_is_names_nobody(audit, change):
    with pytest.raises(UsageError, match="looks like an address, a number or a secret"):
        add_occurrences(audit, [ONE._replace(**change)])
    assert list(audit.entries()) == []


def test_a_memo_is_redacted_and_hashes_and_versions_are_kept(audit):
    memo = Occurrence("SYS-a", "mitigation.enforced", "MI-1", "2026-11-02", {"memo": "by ada@example.org"})
    hashed = TWO._replace(about="9f1c2d776b71fb5e365ce14383db0d60141a7e11")
    decided = ONE._replace(
        about="1.2.3.4",
        fields={"tier": "high", "decision": "DEC-20261201T043846303Z-583a8a", "subject": "sha256:" + "4a" * 32},
    )
    kept = add_occurrences(audit, [memo, hashed, decided])
    assert kept[2].fields == decided.fields
    assert [one.about for one in kept] == ["MI-1", hashed.about, "1.2.3.4"]
    assert "ada@example.org" not in str([entry.body for entry in audit.entries()])


def test_equal_answers_without_a_code_are_refused_instead_of_counted_as_one(audit):
    answer = Occurrence("SYS-a", "survey.answered", "SV-1", "2026-11-02", {"score": "5"})
    with pytest.raises(UsageError, match="occurrence 2: another answer to SV-1"):
        add_occurrences(audit, [answer, answer])
    coded = [answer._replace(fields={"score": "5", "who": who}) for who in ("p1", "p2", "p2")]
    assert len(add_occurrences(audit, coded)) == 2
