"""A canary on the store: held as soon as it is worse, its lever pulled once, and let alone while it is fine."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.telemetry.made import at, config, facts_of, segment

from shipworthy.gateway import levers
from shipworthy.store.alarms import read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry.alarm_pass import alarm_pass

CANARY = {"id": "new-model", "field": "model", "canary": "m2", "control": "m1", "from": "2026-10-01", "lever": "old",
          "gateway": "gateway"}  # fmt: skip


@pytest.fixture
def audit(tmp_path: Path):
    (tmp_path / "gateway").mkdir()
    with AuditLog(Layout(tmp_path).control_url) as made:
        yield made


def day(store: Path, number: int, canary: int, control: int, name: str = "") -> None:
    facts = facts_of(number, 300, control, model="m1") + facts_of(number, 100, canary, first=50_000, model="m2")
    segment(store, f"{number:013d}-{name or 'day'}", facts)


def test_a_canary_that_is_worse_is_held_at_once_and_stays_so(tmp_path: Path, audit: AuditLog) -> None:
    how = config(tmp_path, canaries=[CANARY])
    for number, canary in enumerate((0, 12, 14, 0)):
        day(tmp_path / "store", number, canary, 3)
    assert alarm_pass(how, audit, at(1)).canaries["new-model"].verdict == "watch"
    assert not levers.read(tmp_path / "gateway")
    found = alarm_pass(how, audit, at(3))
    (alarm,) = found.raised
    assert (alarm.kind, alarm.events, alarm.sessions, alarm.baseline_events) == ("canary", 26, 300, 9)
    assert alarm.value >= alarm.height == 20 and "the lever old is pulled" in found.held[0]
    (pulled,) = levers.read(tmp_path / "gateway")
    assert pulled.lever == "old" and alarm.id in pulled.why
    again = alarm_pass(how, audit, at(4))
    assert again.canaries["new-model"].verdict == "hold" and not again.raised and not again.held
    assert len(read_alarms(audit).alarms) == 1


def test_what_is_counted_is_counted_once_however_often_one_looks(tmp_path: Path, audit: AuditLog) -> None:
    how = config(tmp_path, canaries=[CANARY])
    day(tmp_path / "store", 0, 2, 6)
    state = alarm_pass(how, audit, at(1)).canaries["new-model"]
    assert not alarm_pass(how, audit, at(1)).canaries, "a day is looked at once"
    late = facts_of(0, 10, 1, first=90_000, model="m2")
    segment(tmp_path / "store", "0000000000009-late", late)
    later = alarm_pass(how, audit, at(2)).canaries["new-model"]
    assert (state.canary_sessions, later.canary_sessions, later.canary_events) == (100, 110, 3)
    assert later.control_sessions == 300
    assert alarm_pass(how, audit, at(3)).canaries["new-model"].worse == later.worse


def test_a_canary_that_is_fine_is_let_go(tmp_path: Path, audit: AuditLog) -> None:
    how = config(tmp_path, canaries=[CANARY])
    for number in range(6):
        day(tmp_path / "store", number, 0, 30)
    found = alarm_pass(how, audit, at(6))
    assert found.canaries["new-model"].verdict == "go" and not found.raised
