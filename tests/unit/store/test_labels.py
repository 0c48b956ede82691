"""Labels: kept with their facts in the chain, redacted, and held against it when read."""

from __future__ import annotations

import pytest
import sqlalchemy as sql
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import Label, add_label, read_labels

LABEL = Label(
    system="SYS-x",
    run="RUN-1",
    attempt="AT-00ff00ff00ff00ff",
    metric="leak",
    hit=True,
    rubric="leaks@1",
    by="Ada",
    at="2026-11-25T10:00:00Z",
    comment="It names the harbour.",
)


def test_labels_come_back_in_order_and_are_in_the_chain(url: str) -> None:
    others = [
        replace(LABEL, hit=False, by="Bob"),
        replace(LABEL, hit=None, value=0.1 + 0.2, metric="helpfulness"),
        replace(LABEL, hit=None),
    ]
    with AuditLog(url) as log:
        assert read_labels(log, "RUN-1") == []
        for label in (LABEL, *others, replace(LABEL, run="RUN-2")):
            add_label(log, label)
        assert read_labels(log, "RUN-1") == [LABEL, *others]
        assert read_labels(log, "RUN-3") == []
        assert log.verify().entries == 5
        entry = next(log.entries())
    assert (entry.kind, entry.body["attempt"], entry.body["hit"]) == ("label.given", LABEL.attempt, True)
    # Who said it, and in which words, can be deleted on request; an entry cannot.
    assert "Ada" not in str(entry.body)
    assert "harbour" not in str(entry.body)


def test_a_comment_is_redacted_before_it_is_kept(url: str) -> None:
    with AuditLog(url) as log:
        add_label(
            log, replace(LABEL, comment="It gave PINE-harbor-4471 to r.q@example.org"), secrets=["PINE-harbor-4471"]
        )
        (label,) = read_labels(log, "RUN-1")
    assert label.comment == "It gave [redacted:secret] to [redacted:email]"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE labels SET hit = (1 = 0)", "row of entry 1 is not what"),
        ("UPDATE labels SET comment = 'fine'", "row of entry 1 is not what"),
        ("UPDATE labels SET by = 'Eve'", "row of entry 1 is not what"),
        ("UPDATE labels SET run = 'RUN-9'", "row of entry 1 is not what"),
        ("DELETE FROM labels", "entry 1 recorded a row of `labels` that is gone"),
        ("UPDATE audit SET body = '{}'", "row of entry 1 is not what"),
    ],
)
def test_a_label_that_was_tampered_with_is_noticed(url: str, change: str, word: str) -> None:
    with AuditLog(url) as log:
        add_label(log, LABEL)
        with log.database.writing() as connection:
            connection.execute(sql.text(change))
        with pytest.raises(IntegrityError, match=word):
            read_labels(log, "RUN-1")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"by": ""}, "needs by"),
        ({"run": ""}, "needs run"),
        ({"value": 0.5}, "not both"),
        ({"hit": None, "value": float("nan")}, "cannot be kept"),
    ],
)
def test_a_label_that_says_nothing_is_refused(url: str, change: dict[str, object], word: str) -> None:
    with AuditLog(url) as log:
        with pytest.raises(UsageError, match=word):
            add_label(log, replace(LABEL, **change))
        assert log.verify().entries == 0


def test_a_row_that_cannot_be_written_takes_its_entry_with_it(url: str) -> None:
    with AuditLog(url) as log:
        add_label(log, LABEL)
        with log.database.writing() as connection:
            connection.execute(sql.text("ALTER TABLE labels RENAME TO elsewhere"))
        with pytest.raises(Exception, match="cannot be written"):
            add_label(log, LABEL)
        assert log.verify().entries == 1
