"""What telemetry and alarms enter in the audit log is read by the verifier of packs: a pack holds the whole log."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest
from tests.unit.telemetry.made import at, config, facts_of, segment

from shipworthy.cli import run
from shipworthy.core.alarm import AlarmKind
from shipworthy.core.alarm_entry import (
    ALARM_KINDS,
    CLOSED,
    CONTENT_LOOKED,
    LOOKED,
    RAISED,
    SPANS_DRAWN,
    SUBJECT_DELETED,
)
from shipworthy.evidence import words
from shipworthy.store.alarms import close_alarm
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry.alarm_pass import alarm_pass


def test_kinds_of_alarms_are_written_down_twice_and_the_same() -> None:
    assert get_args(AlarmKind) == ALARM_KINDS


def test_entries_of_alarms_are_read(tmp_path: Path) -> None:
    facts = [fact for day in range(17) for fact in facts_of(day, 200, 4 if day < 15 else 60, model="m1")]
    segment(
        tmp_path / "store", "0000000000001-a", [*facts, *facts_of(16, 200, 190, first=5_000, model="m2", severity=1)]
    )
    canary = {"id": "c", "field": "model", "canary": "m2", "control": "m1", "from": "2026-10-01"}
    how = config(tmp_path, streams=[{"id": "harm", "baseline_days": 14}], canaries=[canary], evidence={"watch": True})
    with AuditLog(Layout(tmp_path).control_url) as audit:
        raised = [alarm for day in (15, 16, 17, 18) for alarm in alarm_pass(how, audit, at(day)).raised]
        assert {alarm.kind for alarm in raised} >= {"rate", "page", "canary", "evidence", "silence"}
        close_alarm(audit, raised[0], by="carol", reason="mended", relearn=True)
        read(audit, {LOOKED, RAISED, CLOSED})


def test_entries_of_telemetry_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.unit.telemetry.samples import CURRENT, request

    monkeypatch.chdir(tmp_path)
    (tmp_path / "serve.yaml").write_text("state: store\nkey_file: store.key\n")
    (tmp_path / "a.jsonl").write_bytes(msgspec.json.encode(request({**CURRENT, "user.id": "ann"})) + b"\n")
    why = ["--config", "serve.yaml", "--reason", "to see what is there"]
    for words_ in (
        ["import", "a.jsonl", "--config", "serve.yaml"],
        ["draw", "--size", "1", "--seed", "-3", "--out", "d.jsonl", "--config", "serve.yaml"],
        ["attempts", "--draw", "d.jsonl", "--out", "d.csv", *why],
        ["delete", "ann", *why],
    ):
        assert run(["telemetry", *words_]) == 0
    with AuditLog(Layout(tmp_path).control_url) as audit:
        read(audit, {SPANS_DRAWN, CONTENT_LOOKED, SUBJECT_DELETED})


def read(audit: AuditLog, kinds: set[str]) -> None:
    entries = list(audit.entries())
    assert kinds <= {entry.kind for entry in entries}
    for entry in entries:
        words.entry({"number": entry.number, "at": entry.at, "kind": entry.kind, "body": entry.body}, "entry")
