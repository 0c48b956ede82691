"""The page for Prometheus: by its own parser, true to the store, with a bounded number of labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.telemetry.made import at, config, facts_of, segment

from shipworthy.gateway.exposition import text
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry import exposition
from shipworthy.telemetry.alarm_keeper import AlarmKeeper
from shipworthy.telemetry.alarm_pass import alarm_pass
from shipworthy.telemetry.exposition import OTHERS, PREFIX, TELEMETRY_FAMILIES, store_values, watch_values
from shipworthy.telemetry.outbox import OutputState

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client is in the development lock")


def samples(values: dict) -> dict:
    page = text(values, TELEMETRY_FAMILIES, PREFIX)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_what_the_store_holds_is_on_the_page(tmp_path: Path) -> None:
    segment(tmp_path / "store", "0000000000001-a", facts_of(0, 20, 3) + facts_of(1, 10, 1, feature='a "b"\\\n'))
    found = samples(store_values(config(tmp_path)))
    assert found["shipworthy_sessions_total", ("feature", "help")] == 20
    assert found["shipworthy_sessions_total", ("feature", 'a "b"\\\n')] == 10
    hits = ("shipworthy_hits_total", ("feature", "help"), ("metric", "violation"), ("severity", "S3"))
    assert found[hits] == 3


def test_features_beyond_the_most_are_counted_together(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(exposition, "MOST_FEATURES", 2)
    facts = [fact for n in range(5) for fact in facts_of(0, 5 - n, 0, first=100 * n, feature=f"f{n}")]
    segment(tmp_path / "store", "0000000000001-a", facts)
    found = samples(store_values(config(tmp_path)))
    named = {key[1][1]: value for key, value in found.items() if key[0] == "shipworthy_sessions_total"}
    assert named == {"f0": 5, "f1": 4, OTHERS: 3 + 2 + 1}


def test_how_streams_alarms_and_outputs_stand(tmp_path: Path) -> None:
    facts = [fact for day in range(9) for fact in facts_of(day, 100, 2 if day < 8 else 60)]
    segment(tmp_path / "store", "0000000000001-a", facts)
    how = config(tmp_path, streams=[{"id": "harm", "feature": "each", "baseline_days": 7, "worst": "S2"}])
    with AuditLog(Layout(tmp_path).control_url) as audit:
        keeper = AlarmKeeper(how, audit, lambda: 0, lambda _: None)
        keeper.last = alarm_pass(how, audit, at(9))
        keeper._refresh(1e9)
        outputs = {"chat": OutputState(sent=2, waiting=1, failures=3, failed="no connection")}
        found = samples(watch_values(how, keeper, outputs))
    labels = (("feature", "help"), ("metric", "violation"), ("stream", "harm/help"))
    assert found["shipworthy_stream_baseline_per_10k", *labels] == pytest.approx(200)
    assert found["shipworthy_stream_normal_per_10k", *labels] > 200
    opened = ("shipworthy_alarms_open", ("kind", "rate"), ("pages", "yes"), ("severity", "S2"), ("stream", "harm/help"))
    assert found[opened] == 1
    assert found["shipworthy_output_failing", ("output", "chat")] == 1
    assert found["shipworthy_alarms_looked_timestamp_seconds",] == 0
