"""When heads are entered while a sitting goes on, and what the chain knows afterwards."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from shipworthy.core.errors import IntegrityError, StoreError
from shipworthy.core.ledger import HEAD, STARTED, STOPPED
from shipworthy.store.audit import AuditLog
from shipworthy.store.chain import head_text
from shipworthy.store.entry import Entry
from shipworthy.store.heads import MOST_S, RECORDS, Witness, heads_of, known


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def head(records: int) -> bytes:
    return sha256(bytes([records % 256])).digest()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/control.sqlite"


def entered(url: str) -> list[tuple[str, int]]:
    with AuditLog(url) as audit:
        return [(entry.kind, entry.body["records"]) for entry in audit.entries()]


def test_heads_are_entered_soon_at_first_and_at_least_every_five_seconds(url: str) -> None:
    clock = Clock()
    witness = Witness(url, "RUN-1", 0, clock=clock)
    witness.begin(head_text(head(0)), 0)
    times = []
    for tick in range(1, 601):  # a minute, ten records a second
        clock.now = tick / 10
        before = len(entered(url)) if tick % 10 == 0 else None
        witness.durable(head(tick), tick)
        if before is not None and len(entered(url)) > before:
            times.append(clock.now)
    witness.end(head_text(head(600)), 600, refused=3)
    said = entered(url)
    assert (said[0], said[-1]) == ((STARTED, 0), (STOPPED, 600))
    records = [n for _, n in said]
    gaps = [b - a for a, b in pairwise(records)]
    assert gaps[0] <= 6  # half a second
    assert max(gaps) <= MOST_S * 10 + 1
    assert len(said) < 30  # and not one a batch
    with AuditLog(url) as audit:
        assert audit.verify().entries == len(said)
        assert list(audit.entries())[-1].body["refused_replies"] == 3


def test_a_fast_run_enters_by_records_not_by_time(url: str) -> None:
    witness = Witness(url, "RUN-1", 0, clock=Clock())
    witness.begin(head_text(head(0)), 0)
    for records in range(100, 4 * RECORDS + 1, 100):
        witness.durable(head(records), records)
    witness.close()
    assert entered(url) == [(STARTED, 0), *((HEAD, n * RECORDS) for n in (1, 2, 3, 4))]


def test_what_the_chain_knows_is_told_by_shard_with_the_entry_that_says_it(url: str) -> None:
    for shard in (0, 1):
        witness = Witness(url, "RUN-1", shard)
        witness.begin(head_text(head(shard)), shard)
        witness.end(head_text(head(10 + shard)), 10 + shard)
    with AuditLog(url) as audit:
        audit.append("run.seen", {"run": "RUN-1", "heads": [head_text(head(20)), head_text(head(21))]}, key="run")
        found = known(audit, "RUN-1", verify=True)
        other = known(audit, "RUN-2")
    assert (found.declared, other.declared, other.heads) == (True, False, {})
    assert {said.entry: said.records for said in found.heads[1].values()} == {3: 1, 4: 11, 5: -1}
    assert set(found.heads[0]) == {head_text(head(n)) for n in (0, 10, 20)}


def test_a_sitting_that_was_not_begun_has_no_end(url: str) -> None:
    Witness(url, "RUN-1", 0).end(head_text(head(0)), 0)
    assert entered(url) == []


def test_a_control_state_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        Witness(f"sqlite:///{tmp_path}/file/control.sqlite", "RUN-1", 0).begin(head_text(head(0)), 0)


def test_a_chain_that_was_edited_is_not_asked(url: str) -> None:
    Witness(url, "RUN-1", 0).begin(head_text(head(0)), 0)
    with AuditLog(url) as audit:
        with audit.database.writing() as connection:
            connection.exec_driver_sql("UPDATE audit SET kind = 'run.head'")
        with pytest.raises(IntegrityError, match="entry 1"):
            known(audit, "RUN-1", verify=True)


@pytest.mark.parametrize(
    "body", [{}, {"run": "R", "shard": None}, {"run": "R", "shard": "x", "head": "", "records": 1}]
)
def test_an_entry_that_lacks_what_it_must_say_is_refused(body: dict[str, object]) -> None:
    """Whoever can write the log can chain such an entry, too."""
    with pytest.raises(IntegrityError, match=r"entry 3 \(run.started\) is not what was written"):
        list(heads_of(Entry(3, "2026-11-29T00:00:00Z", "run.started", body, "00")))
