"""What is acknowledged is there: redacted, sealed by person, counted once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.unit.telemetry.conftest import MASTER, NOW, append, keep, span

from shipworthy.core.alarm_entry import CONTENT_LOOKED as LOOKED
from shipworthy.core.alarm_entry import SUBJECT_DELETED as DESTROYED
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry import blocks, journal
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.keyring import Keyring
from shipworthy.telemetry.looks import delete_subject, look
from shipworthy.telemetry.retention import Retention, sweep
from shipworthy.telemetry.segment import content_file
from shipworthy.telemetry.store import DiskFull, TelemetryStore
from shipworthy.telemetry.whose import Whose

ANN, BOB = Whose("ann@example.org", "talk-1"), Whose("bob", "talk-2")
DAY_S = 86_400


def facts(directory: Path, what: str = "count(*)") -> list:
    with FactView(directory) as view:
        return view.query(f"SELECT {what} FROM facts ORDER BY ALL")


def files(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


@pytest.fixture
def audit(tmp_path: Path):
    with AuditLog(f"sqlite:///{tmp_path}/control.sqlite") as made:
        yield made


def test_facts_are_read_from_the_journal_and_then_from_the_segment(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path, MASTER)
    append(store, (span(1), ANN), (span(2, severity=1, hits=("violation",)), BOB))
    wanted = "lower(hex(trace)), severity, violation, new_session, day::VARCHAR, input_tokens"
    pending = facts(tmp_path, wanted)
    assert [(row[1], row[2], row[3]) for row in pending] == [(0, False, True), (1, True, True)]
    assert not list((tmp_path / "facts").glob("*.parquet"))
    store.close()
    assert facts(tmp_path, wanted) == pending
    assert not list((tmp_path / "journal").iterdir())


def test_nothing_personal_is_on_the_disk_before_or_after(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path, MASTER)
    append(store, (span(1, "Write to ann@example.org, at +44 20 7946 0958."), ANN))
    before = files(tmp_path)
    store.close()
    for data in (before, files(tmp_path)):
        for private in (b"ann@", b"7946", b"talk-1", b"Write to"):
            assert private not in data


def test_a_span_that_is_sent_again_counts_once(tmp_path: Path) -> None:
    with TelemetryStore(tmp_path, MASTER) as store:
        assert append(store, (span(1), ANN), (span(2), ANN)) == 0
        assert append(store, (span(2), ANN), (span(3), ANN)) == 1
    assert facts(tmp_path) == [(3,)]


def test_sessions_are_counted_once_a_day_and_over_a_restart(tmp_path: Path) -> None:
    keep(tmp_path, (span(1, hits=("violation",), severity=2), ANN), (span(2), ANN))
    keep(tmp_path, (span(3, hits=("violation",), severity=2), ANN), (span(4, hits=("pii",)), ANN), (span(5), BOB))
    assert facts(tmp_path, "sum(new_session::INT), sum(new_violation::INT), sum(new_pii::INT)") == [(2, 1, 1)]


def test_content_is_shown_for_a_reason_and_the_look_is_entered_first(tmp_path: Path, audit: AuditLog) -> None:
    keep(tmp_path / "s", (span(1, "Mail ann@example.org", "Done, ann@example.org"), ANN), (span(2, events=()), BOB))
    keyring = Keyring(tmp_path / "s", MASTER)
    (found,) = look(tmp_path / "s", keyring, audit, f"{1:032x}", by="carol", reason="a user's report, bob@example.org")
    assert found.events[0]["message"]["parts"][0]["text"] == "Mail [redacted:email]"
    assert found.fact["pii"] is True
    (entry,) = audit.of_kinds(LOOKED)
    assert entry.body == {"id": f"{1:032x}", "by": "carol", "reason": "a user's report, [redacted:email]", "spans": 1}
    assert look(tmp_path / "s", keyring, audit, f"{2:016x}", by="carol", reason="another report")[0].why
    with pytest.raises(UsageError, match="say why"):
        look(tmp_path / "s", keyring, audit, f"{1:032x}", by="carol", reason=" ")
    assert len(audit.of_kinds(LOOKED)) == 2

    class Full:
        def append(self, *_: object, **__: object) -> None:
            raise StoreError("no room")

    with pytest.raises(StoreError):  # what cannot be entered is not shown
        look(tmp_path / "s", keyring, Full(), f"{1:032x}", by="carol", reason="a user's report")


def test_a_destroyed_key_takes_content_in_segments_and_in_the_journal_and_leaves_facts(tmp_path: Path, audit) -> None:
    place = tmp_path / "s"
    keep(place, (span(1), ANN), (span(2), BOB))
    store = TelemetryStore(place, MASTER)
    append(store, (span(3), ANN), (span(4), BOB))
    other = Keyring(place, MASTER)  # of the command, while the store is served
    ((before,),) = facts(place, "DISTINCT subject").__getitem__(slice(0, 1))
    assert delete_subject(other, audit, "ann@example.org", by="carol", reason="she asked") == 1
    assert look(place, other, audit, f"{3:032x}", by="carol", reason="to see it gone")[0].events is None
    store.tend()
    append(store, (span(5), ANN))  # she comes back: under another key
    store.close()
    shown = {n: look(place, other, audit, f"{n:032x}", by="carol", reason="to see it gone")[0] for n in (1, 2, 3, 4)}
    assert [shown[n].events is None for n in (1, 2, 3, 4)] == [True, False, True, False]
    assert all("destroyed" in shown[n].why for n in (1, 3))
    other.close()
    again = Keyring(place, MASTER)
    assert look(place, again, audit, f"{5:032x}", by="carol", reason="to see it there")[0].events is not None
    assert facts(place) == [(5,)]
    assert len(facts(place, "DISTINCT subject")) == 3, "what she says now has another pseudonym"
    (entry,) = audit.of_kinds(DESTROYED)
    assert "ann" not in str(entry.body["subject"]) and before


def test_content_goes_by_age_and_class_and_facts_stay(tmp_path: Path, audit: AuditLog) -> None:
    keep(tmp_path, (span(1), ANN), (span(2, severity=1), ANN))
    now = NOW / 1e6
    assert sweep(tmp_path, Retention(30, 365, 730), now + 29 * DAY_S) == (0, 0)
    assert sweep(tmp_path, Retention(30, 365, 730), now + 31 * DAY_S) == (1, 0)
    keyring = Keyring(tmp_path, MASTER)
    assert look(tmp_path, keyring, audit, f"{1:032x}", by="carol", reason="is it there")[0].why == "its time was up"
    assert look(tmp_path, keyring, audit, f"{2:032x}", by="carol", reason="is it there")[0].events
    assert facts(tmp_path) == [(2,)]
    assert sweep(tmp_path, Retention(30, 365, 730), now + 731 * DAY_S) == (1, 1)
    assert facts(tmp_path) == [(0,)]


def test_a_clock_that_is_wrong_is_told_and_bounded(tmp_path: Path) -> None:
    hour = 3_600_000_000
    keep(
        tmp_path, (span(1, started=NOW + hour, ended=NOW + hour + 5), ANN), (span(2, started=NOW - 48 * hour), ANN),
        (span(3, started=NOW, ended=NOW - 9), ANN), (span(4), ANN),
    )  # fmt: skip
    found = facts(tmp_path, "hex(span)[16:], skew, seconds, epoch_us(time)")
    assert [row[1] for row in found] == [1, 2, 4, 0]
    assert found[0][3] == NOW and found[1][3] == NOW - 48 * hour and found[2][2] == 0


def test_a_journal_left_behind_is_recovered_up_to_its_torn_end(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path, MASTER)
    append(store, (span(1), ANN))
    append(store, (span(2), ANN))
    (path,) = (tmp_path / "journal").iterdir()
    data, keys = path.read_bytes(), (tmp_path / "keys.bin").read_bytes()
    store.close()
    for left in (tmp_path / "facts").glob("*.parquet"):
        left.unlink()
    (tmp_path / "keys.bin").write_bytes(keys + b"torn")
    path.write_bytes(data + data[: len(data) // 3])
    told: list[str] = []
    with TelemetryStore(tmp_path, MASTER, told.append) as again:
        append(again, (span(3), BOB))
    assert facts(tmp_path) == [(3,)]
    assert any("torn" in line for line in told)


def test_a_segment_that_is_there_is_not_made_twice(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path, MASTER)
    append(store, (span(1), ANN))
    (path,) = (tmp_path / "journal").iterdir()
    data = path.read_bytes()
    store.close()
    path.write_bytes(data)  # as if the process had been killed before the journal went
    assert facts(tmp_path) == [(1,)]
    TelemetryStore(tmp_path, MASTER).close()
    assert facts(tmp_path) == [(1,)] and not path.exists()


def test_a_disk_that_takes_no_more_loses_nothing_that_was_acknowledged(tmp_path: Path, monkeypatch) -> None:
    with TelemetryStore(tmp_path, MASTER) as store:
        append(store, (span(1), ANN))
        real = os.pwrite

        def full(file: int, data: bytes, at: int) -> int:
            real(file, bytes(data)[:7], at)
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(journal.os, "pwrite", full)
        with pytest.raises(StoreError, match="No space left"):
            append(store, (span(2), ANN))
        monkeypatch.setattr(journal.os, "pwrite", real)
        assert append(store, (span(2), ANN), (span(3), BOB)) == 0, "it was not there, and is taken now"
    assert facts(tmp_path, "lower(hex(span))[16:]") == [("1",), ("2",), ("3",)]
    assert facts(tmp_path, "sum(new_session::INT)") == [(2,)]


def test_room_is_left_for_segments(tmp_path: Path) -> None:
    with TelemetryStore(tmp_path, MASTER, reserve=1 << 60) as store, pytest.raises(DiskFull):
        store.admit()


def test_one_process_writes_a_store(tmp_path: Path) -> None:
    with TelemetryStore(tmp_path, MASTER), pytest.raises(StoreError, match="another process"):
        TelemetryStore(tmp_path, MASTER)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    keep(tmp_path, (span(1), ANN))
    with pytest.raises(IntegrityError, match="another key"):
        Keyring(tmp_path, bytes(32))


def test_content_that_was_changed_or_moved_is_refused(tmp_path: Path) -> None:
    keep(tmp_path, (span(1), ANN), (span(2), BOB))
    ((name, kept),) = facts(tmp_path, "DISTINCT content, kept")
    keyring, path = Keyring(tmp_path, MASTER), content_file(tmp_path, name, kept)
    assert blocks.read_block(path, name, kept, 0, keyring)
    with pytest.raises(IntegrityError):
        blocks.read_block(path, name + "x", kept, 0, keyring)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError):
        blocks.read_block(path, name, kept, 0, keyring)


def test_only_what_redaction_has_seen_is_taken(tmp_path: Path) -> None:
    import asyncio

    with TelemetryStore(tmp_path, MASTER) as store, pytest.raises(TypeError, match="seal_observed"):
        asyncio.run(store.append([(span(1), ANN)]))  # type: ignore[list-item]


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shipworthy serve"):
        FactView(tmp_path)
