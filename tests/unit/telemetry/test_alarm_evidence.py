"""Evidence drift and what sentinels found, on the store."""

from __future__ import annotations

from pathlib import Path

from tests.unit.store.test_standing import GUARDS, decide
from tests.unit.telemetry.made import at, config, facts_of, folders, segment

from shipworthy.core.sentinel_entry import LOOKED
from shipworthy.store.alarms import close_alarm, read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry.alarm_facts import facts_behind
from shipworthy.telemetry.alarm_pass import alarm_pass
from shipworthy.telemetry.alarm_signals import tell_triage


def test_traffic_without_a_decision_that_holds_is_an_alarm_until_it_has_one(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    decide(layout)
    store = tmp_path / "store"
    segment(store, "0000000000001-a", facts_of(0, 5, 0, decision="GD-1", guards=GUARDS))
    segment(store, "0000000000002-b", facts_of(0, 3, 0, first=100, decision="unproven", feature="search"))
    segment(store, "0000000000003-c", facts_of(0, 2, 0, first=200, decision="GD-1", guards="sha256:other"))
    how = config(tmp_path, evidence={"watch": True})
    with AuditLog(layout.control_url) as audit:
        found = alarm_pass(how, audit, at(0))
        assert [(one.kind, one.feature, one.sessions) for one in found.raised] == [
            ("evidence", "help", 2), ("evidence", "search", 3),
        ]  # fmt: skip
        assert alarm_pass(how, audit, at(0)).still == 2, "one alarm a trouble"
        assert not alarm_pass(how, audit, at(3)).still, "traffic of before counts no more"
        alarm = found.raised[1]
        assert {fact.decision for fact in facts_behind(store, alarm)} == {"unproven"}
        taken = tell_triage(audit, how, found.raised)
        assert [(one.kind, one.system, one.severity) for one in taken.new] == [("alarm", "SYS-x", "S3")] * 2
        assert not tell_triage(audit, how, found.raised).new, "each once"
        close_alarm(audit, alarm, by="carol", reason="it is served behind the gateway now")
        assert len([held for held in read_alarms(audit).alarms if held.open]) == 1


def test_what_a_sentinel_found_is_an_alarm_once(tmp_path: Path) -> None:
    folders(tmp_path / "store")
    body = {"sentinel": "SN-1", "system": "SYS-x", "target": "model", "look": 3, "digest": "sha256:1", "answers": 16,
            "errors": 0}  # fmt: skip
    with AuditLog(Layout(tmp_path).control_url) as audit:
        audit.append(LOOKED, body | {"verdict": "unchanged", "look": 2}, key="sentinel")
        audit.append(LOOKED, body | {"verdict": "changed"}, key="sentinel")
        audit.append(LOOKED, body | {"verdict": "unanswered", "look": 4}, key="sentinel")
        how = config(tmp_path)
        first, second = alarm_pass(how, audit).raised
        assert (first.kind, first.severity, second.severity) == ("vendor", 2, 3)
        assert "another one" in first.told and "nobody knows" in second.told
        close_alarm(audit, first, by="carol", reason="evaluated and released anew")
        assert not alarm_pass(how, audit).raised
        assert [one.kind for one in tell_triage(audit, how, [first]).new] == ["sentinel"]
