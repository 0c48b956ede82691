"""Alarms on the store: rates with a baseline of their own, late facts, S1 at once, kills, and one alarm a trouble."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.telemetry.made import at, config, facts_of, folders, segment

from shipworthy.core.alarm_entry import LOOKED
from shipworthy.core.errors import StoreError
from shipworthy.store.alarms import close_alarm, read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry import alarm_pass as module
from shipworthy.telemetry.alarm_pass import alarm_pass
from shipworthy.telemetry.streams import iso

STREAM = {"id": "harm", "baseline_days": 14}


@pytest.fixture
def audit(tmp_path: Path):
    with AuditLog(Layout(tmp_path).control_url) as made:
        yield made


def days(store: Path, *hits: int, first: int = 0, sessions: int = 200) -> None:
    facts = [fact for day, number in enumerate(hits, first) for fact in facts_of(day, sessions, number)]
    segment(store, f"{first:013d}-days", facts)


def test_a_rise_is_an_alarm_with_its_numbers_and_the_facts_behind_it(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 20, *[16] * 3)
    how = config(tmp_path, streams=[STREAM])
    found = alarm_pass(how, audit, at(19))
    assert not found.raised and len(found.days) == 19 and found.streams[0].learnt == 14
    raised = [alarm for day in (21, 22, 23) for alarm in alarm_pass(how, audit, at(day)).raised]
    (alarm,) = raised
    assert (alarm.kind, alarm.stream, alarm.since) == ("rate", "harm", "2026-10-21")
    assert alarm.value >= alarm.height == 365 and alarm.discovered
    assert (alarm.baseline_events, alarm.baseline_sessions, alarm.baseline_days) == (14 * 4, 14 * 200, 14)
    assert alarm.per == pytest.approx(10_000 * alarm.events / alarm.sessions)
    assert alarm.low < alarm.per < alarm.high
    assert alarm.per > alarm.normal_per > alarm.baseline_per
    assert len(alarm.spans) == min(50, alarm.events)
    assert read_alarms(audit).alarms[0].alarm == alarm


def test_what_comes_late_is_counted_once_and_said(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 17)
    how = config(tmp_path, streams=[STREAM])
    alarm_pass(how, audit, at(16))
    segment(tmp_path / "store", "0000000000099-late", facts_of(12, 30, 30, first=500))
    found = alarm_pass(how, audit, at(17))
    assert found.days == ("2026-10-17",) and found.late == (30, 30)
    assert alarm_pass(how, audit, at(18)).late == (0, 0), "once"
    (entry,) = [entry for entry in audit.of_kinds(LOOKED) if entry.body["late"]]
    ((_, day, *late),) = entry.body["late"]
    assert (iso(day), late) == ("2026-10-13", [30, 30])


def test_late_events_raise_the_alarm_that_they_would_have(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 17)
    how = config(tmp_path, streams=[STREAM])
    alarm_pass(how, audit, at(16))
    segment(tmp_path / "store", "0000000000099-late", facts_of(15, 60, 60, first=500))
    assert [alarm.kind for alarm in alarm_pass(how, audit, at(17)).raised] == ["rate"]


def test_an_open_trouble_is_raised_once_and_again_after_it_is_closed(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 15, *[40] * 8)
    how = config(tmp_path, streams=[STREAM])
    raised = [alarm for day in range(15, 20) for alarm in alarm_pass(how, audit, at(day)).raised]
    assert len(raised) == 1
    close_alarm(audit, raised[0], by="carol", reason="the filter was off, and is on again")
    again = [alarm for day in range(20, 24) for alarm in alarm_pass(how, audit, at(day)).raised]
    assert len(again) == 1 and again[0].id != raised[0].id


def test_what_is_normal_is_learnt_anew_where_somebody_says_so(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 15, *[40] * 20)
    how = config(tmp_path, streams=[STREAM])
    (alarm,) = [alarm for day in (15, 16, 17) for alarm in alarm_pass(how, audit, at(day)).raised]
    close_alarm(audit, alarm, by="carol", reason="a new feature: this is what it does", relearn=True)
    found = alarm_pass(how, audit, at(34))
    assert not found.raised and found.streams[0].baseline_per == pytest.approx(2_000)


def test_a_stream_for_each_feature_from_its_first_day_on(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 20)
    chat = [fact for day in range(10, 20) for fact in facts_of(day, 50, 1, first=10_000, feature="chat")]
    segment(tmp_path / "store", "0000000000001-chat", chat)
    found = alarm_pass(config(tmp_path, streams=[STREAM | {"feature": "each"}]), audit, at(20))
    assert {state.stream: state.learnt for state in found.streams} == {"harm/chat": 10, "harm/help": 14}


def test_silence_is_an_alarm(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 15)
    how = config(tmp_path, streams=[STREAM])
    assert not alarm_pass(how, audit, at(15)).raised
    (alarm,) = alarm_pass(how, audit, at(16)).raised
    assert alarm.kind == "silence" and "200 a day" in alarm.told


def test_s1_pages_at_once_and_once(tmp_path: Path, audit: AuditLog) -> None:
    how = config(tmp_path)
    segment(tmp_path / "store", "0000000000001-s1", facts_of(0, 3, 3, severity=1))
    (alarm,) = alarm_pass(how, audit, at(0)).raised
    assert (alarm.kind, alarm.severity, alarm.events, alarm.pages) == ("page", 1, 3, True)
    assert len(alarm.spans) == 3 and not alarm_pass(how, audit, at(0)).raised
    stamp = int(at(0).timestamp() * 1e6)
    segment(tmp_path / "store", "0000000000002-s1", facts_of(0, 1, 1, first=90, severity=1, received=stamp))
    (more,) = alarm_pass(how, audit, at(0)).raised
    assert more.events == 1


def test_state_is_what_was_entered_on_postgresql_too(tmp_path: Path, emptied: str) -> None:
    days(tmp_path / "store", *[4] * 16, *[40] * 2)
    how = config(tmp_path, streams=[STREAM])
    with AuditLog(emptied) as audit:
        assert not alarm_pass(how, audit, at(15)).raised
    with AuditLog(emptied) as audit:
        (alarm,) = [alarm for day in (16, 17, 18) for alarm in alarm_pass(how, audit, at(day)).raised]
        assert alarm.kind == "rate" and audit.verify().entries


def test_a_pass_that_cannot_be_entered_changes_nothing(tmp_path: Path, audit: AuditLog, monkeypatch) -> None:
    days(tmp_path / "store", *[4] * 15, *[60] * 1)
    how = config(tmp_path, streams=[STREAM])

    def refused(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(module, "enter_look", refused)
        with pytest.raises(StoreError):
            alarm_pass(how, audit, at(16))
    assert len(alarm_pass(how, audit, at(16)).raised) == 1


def test_a_killed_pass_is_made_again_and_raises_once(tmp_path: Path, audit: AuditLog) -> None:
    days(tmp_path / "store", *[4] * 15, *[60] * 1)
    how = config(tmp_path, streams=[STREAM])
    script = (
        "import os, signal; from pathlib import Path; from tests.unit.telemetry.made import at, config\n"
        "from shipworthy.store.audit import Appender, AuditLog; from shipworthy.store.layout import Layout\n"
        "from shipworthy.telemetry.alarm_pass import alarm_pass\n"
        "said = Appender.append\n"
        "def append(self, kind, *a, **k):\n"
        "    made = said(self, kind, *a, **k)\n"
        "    if kind == 'alarm.raised': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return made\n"
        "Appender.append = append\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "with AuditLog(Layout(folder).control_url) as audit:\n"
        "    alarm_pass(config(folder, streams=[{'id': 'harm', 'baseline_days': 14}]), audit, at(16))\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False, env=os.environ, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not read_alarms(audit, "telemetry").looks
    assert len(alarm_pass(how, audit, at(16)).raised) == 1
    assert not alarm_pass(how, audit, at(16)).raised


def test_there_is_nothing_to_look_at_in_an_empty_store(tmp_path: Path, audit: AuditLog) -> None:
    folders(tmp_path / "store")
    found = alarm_pass(config(tmp_path, streams=[STREAM]), audit)
    assert not found.raised and not found.days
