"""When a server looks, and what it does when a look fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.telemetry.made import config, facts_of, segment

from shipworthy.core.errors import StoreError
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry import alarm_keeper
from shipworthy.telemetry.alarm_keeper import AlarmKeeper


@pytest.fixture
def audit(tmp_path: Path):
    with AuditLog(Layout(tmp_path).control_url) as made:
        yield made


class Counted:
    """A pass that is counted, and fails as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times, self.error, self._real = 0, None, alarm_keeper.alarm_pass
        monkeypatch.setattr(alarm_keeper, "alarm_pass", self)

    def __call__(self, *given, rates: bool):
        self.times += 1
        if self.error is not None:
            raise self.error
        self.rates = rates
        return self._real(*given, rates=rates)


def test_it_looks_at_once_where_something_severe_came_in(tmp_path: Path, audit: AuditLog, monkeypatch) -> None:
    looked, severe, said = Counted(monkeypatch), [0], []
    segment(tmp_path / "store", "0000000000001-a", facts_of(0, 5, 0))
    keeper = AlarmKeeper(config(tmp_path), audit, lambda: severe[0], said.append)
    keeper.tend()
    keeper.tend()
    assert looked.times == 1 and keeper.looked > 0 and not said
    segment(tmp_path / "store", "0000000000002-b", facts_of(0, 1, 1, first=10, severity=1))
    severe[0] = 1
    keeper.tend()
    assert looked.times == 1, "a flood is no look a second"
    keeper._soonest = 0.0
    keeper.tend()
    keeper.tend()
    assert looked.times == 2 and not looked.rates and said[0].startswith("ALARM AL-")
    assert [held.alarm.kind for held in keeper.entries.alarms] == ["page"]


@pytest.mark.parametrize("error", [StoreError("the disk is full"), KeyError("something nobody thought of")])
def test_a_look_that_fails_is_said_once_tried_again_and_seen(
    tmp_path: Path, audit: AuditLog, monkeypatch, error: Exception
) -> None:
    looked, said = Counted(monkeypatch), []
    segment(tmp_path / "store", "0000000000001-a", facts_of(0, 5, 0))
    keeper = AlarmKeeper(config(tmp_path), audit, lambda: 0, said.append)
    looked.error = error
    keeper.tend()
    keeper.tend()
    assert looked.times == 1, "not at once"
    keeper._next = 0.0
    keeper.tend()
    assert looked.times == 2 and keeper.failed and keeper.looked == 0
    assert len(said) == 1 and said[0].startswith("nobody is watching")
    looked.error, keeper._next = None, 0.0
    keeper.tend()
    assert not keeper.failed and keeper.looked > 0 and said[1] == "the alarms are looked at again"
