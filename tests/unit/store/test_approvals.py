"""Approvals: who signed off what, for good."""

from __future__ import annotations

import pytest
import sqlalchemy as sql
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.approvals import Vote, add_approval, read_approvals
from shipworthy.store.audit import AuditLog

APPROVAL = Vote(
    system="SYS-x",
    what="DEC-1",
    digest="sha256:1",
    verdict="approved",
    by="Ada",
    role="safety lead",
    at="2026-11-25T10:00:00Z",
    comment="Ask Bob at bob@example.org",
)


def test_approvals_come_back_in_order_and_are_in_the_chain(url: str) -> None:
    with AuditLog(url) as log:
        assert read_approvals(log, "DEC-1") == []
        add_approval(log, APPROVAL)
        add_approval(log, replace(APPROVAL, what="DEC-2"))
        add_approval(log, replace(APPROVAL, verdict="rejected", comment=""))
        first, second = read_approvals(log, "DEC-1")
        assert log.verify().entries == 3
        entry = next(log.entries())
    assert first == replace(APPROVAL, comment="Ask Bob at [redacted:email]")
    assert second == replace(APPROVAL, verdict="rejected", comment="")
    assert {name: entry.body[name] for name in ("what", "digest", "verdict", "by", "role")} == {
        "what": "DEC-1", "digest": "sha256:1", "verdict": "approved", "by": "Ada", "role": "safety lead",
    }  # fmt: skip
    assert "Bob" not in str(entry.body)


@pytest.mark.parametrize("change", ["UPDATE approvals SET verdict = 'approved'", "DELETE FROM approvals"])
def test_a_rejection_cannot_be_turned_or_taken_away_unnoticed(url: str, change: str) -> None:
    with AuditLog(url) as log:
        add_approval(log, replace(APPROVAL, verdict="rejected"))
        with log.database.writing() as connection:
            connection.execute(sql.text(change))
        with pytest.raises(IntegrityError, match="entry 1"):
            read_approvals(log, "DEC-1")


@pytest.mark.parametrize("change", [{"by": ""}, {"role": ""}, {"digest": ""}, {"verdict": "maybe"}])
def test_an_approval_by_nobody_or_of_nothing_is_refused(url: str, change: dict[str, str]) -> None:
    with AuditLog(url) as log:
        with pytest.raises(UsageError, match="approval"):
            add_approval(log, replace(APPROVAL, **change))
        assert log.verify().entries == 0
